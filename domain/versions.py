"""Versions of tools, compared as Python's packaging compares them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

_CLAUSE = re.compile(r"(>=|<=|==|!=|~=|>|<)\s*([^\s<>=!~]+)", re.A)
_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,5})(?:[-._]?(alpha|beta|rc|a|b)[-._]?(\d{1,9})?)?", re.A)
_STAGES: Final[Mapping[str, int]] = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "rc": 2}
_FINAL = (3, 0)

Version = tuple[tuple[int, ...], tuple[int, int]]  #: release numbers without trailing zeros, then the pre-release


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison; `prefix` are the first numbers that must agree (`==3.11.*`, `~=`), None when all of it counts."""

    operator: str
    version: Version
    prefix: tuple[int, ...] | None = None


def parse_version(text: str) -> Version:
    """Read `20`, `v20.11.1`, `3.14.0rc2`; raises ValueError for anything else.

    >>> parse_version("1.10.0") > parse_version("1.9") > parse_version("1.9rc1")
    True
    """
    numbers, stage = _read(text)
    kept = max((place for place, number in enumerate(numbers, 1) if number), default=1)
    return numbers[:kept], stage


def _read(text: str) -> Version:
    found = _VERSION.fullmatch(text.strip().lower())
    if not found:
        raise ValueError(f"{text[:60]!r} is no version: write numbers with dots, such as 20 or 3.11.4")
    numbers = tuple(int(part) for part in found[1].split("."))
    return numbers, (_STAGES[found[2]], int(found[3] or 0)) if found[2] else _FINAL


def parse_clause(text: str) -> Clause:
    """Read `>=20`, `==3.11.*` or `~=3.11.2`; raises ValueError, which says what is wrong."""
    found = _CLAUSE.fullmatch(text.strip())
    if found is None:
        raise ValueError("compare with >=, >, <=, <, ==, != or ~= and a version")
    operator, told = found[1], found[2].removesuffix(".*")
    numbers, stage = _read(told)
    version = parse_version(told)
    if told != found[2]:
        if operator not in ("==", "!=") or stage != _FINAL:
            raise ValueError("`.*` follows plain numbers after == or !=")
        return Clause(operator, version, numbers)
    if operator == "~=":
        if len(numbers) < 2:
            raise ValueError("~= needs two numbers, such as ~=3.11")
        return Clause(operator, version, numbers[:-1])
    return Clause(operator, version)


def holds(offered: Version, clause: Clause) -> bool:
    return _COMPARE[clause.operator](offered, clause)


def _agrees(offered: Version, prefix: tuple[int, ...]) -> bool:
    numbers = offered[0] + (0,) * (len(prefix) - len(offered[0]))
    return numbers[: len(prefix)] == prefix


def _leads_to(offered: Version, final: Version) -> bool:
    """3.14rc1 comes before 3.14, yet who asks for less than 3.14 does not mean it."""
    return offered[0] == final[0] and final[1] == _FINAL


def _equal(offered: Version, clause: Clause) -> bool:
    return offered == clause.version if clause.prefix is None else _agrees(offered, clause.prefix)


_COMPARE: Final[Mapping[str, Callable[[Version, Clause], bool]]] = {
    ">=": lambda offered, clause: offered >= clause.version,
    "<=": lambda offered, clause: offered <= clause.version,
    ">": lambda offered, clause: offered > clause.version,
    "<": lambda offered, clause: offered < clause.version and not _leads_to(offered, clause.version),
    "==": _equal,
    "!=": lambda offered, clause: not _equal(offered, clause),
    "~=": lambda offered, clause: offered >= clause.version and _agrees(offered, clause.prefix or ()),
}
