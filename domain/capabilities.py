"""What work demands of whoever does it, and what a candidate offers: one small grammar, matched without doubt.

A requirement is a flag (`gpu`, `has:xcode`), a key with a value (`os:mac`, `engine:codex`) or a tool with versions
(`node>=20`, `python>=3.11,<3.14`). An offer is a flag, a key with a value, or a tool with its version (`node=20.11.1`).
`has:x` and `x` are the same flag, and a tool offered with a version has its flag too. A version that is not known
satisfies no comparison. Letter case never matters.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

from domain.engines import canonical_engine
from domain.handwriting import texts
from domain.versions import Clause, Version, holds, parse_clause, parse_version

ANY: Final = "any"
OS_NAMES: Final[Mapping[str, str]] = {
    "macos": "mac", "darwin": "mac", "osx": "mac", "win": "windows", "win32": "windows",
}  # fmt: skip
_WORD = r"[a-z0-9][a-z0-9._+-]{0,63}"
_TAG = re.compile(rf"({_WORD})(?::({_WORD}))?", re.A)
_VERSIONED = re.compile(rf"({_WORD}?)\s*([<>=!~].*)", re.A)
_OFFER = re.compile(rf"({_WORD})\s*==?\s*(\S+)", re.A)


@dataclass(frozen=True, slots=True)
class Requirement:
    key: str
    value: str | None = None
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    key: str
    value: str | None = None
    version: Version | None = None


def parse_requirement(text: str) -> Requirement:
    """Read one requirement.

    Raises:
        ValueError: it is no flag, `key:value` or `tool>=version`; says which part is wrong.
    """
    told = text.strip().lower()
    versioned = _VERSIONED.fullmatch(told.removeprefix("has:"))
    if versioned is None:
        key, value = _tag(told, text)
        return Requirement(key, value)
    return Requirement(versioned[1], clauses=tuple(_clause(part, text) for part in versioned[2].split(",")))


def parse_offer(text: str) -> Offer:
    """Read one capability that somebody offers; raises ValueError as parse_requirement does."""
    told = text.strip().lower()
    versioned = _OFFER.fullmatch(told.removeprefix("has:"))
    if versioned is not None:
        return Offer(versioned[1], version=parse_version(versioned[2]))
    key, value = _tag(told, text)
    if value == ANY:
        raise ValueError(f"{text[:60]!r}: an offer names one value, never `any`")
    return Offer(key, value)


def _tag(told: str, text: str) -> tuple[str, str | None]:
    found = _TAG.fullmatch(told)
    if found is None:
        raise ValueError(f"{text[:60]!r} is no capability: write gpu, has:xcode, os:mac or node>=20")
    key, value = found[1], found[2]
    if key == "has":
        if value is None:
            raise ValueError(f"{text[:60]!r} says not what: write, say, has:xcode")
        return value, None
    if value == ANY and key != "os":
        raise ValueError(f"{text[:60]!r}: only `os` may be `any`")
    if key == "os" and value is not None:
        value = OS_NAMES.get(value, value)
    return key, canonical_engine(value) if key == "engine" else value


def _clause(part: str, text: str) -> Clause:
    try:
        return parse_clause(part)
    except ValueError as error:
        raise ValueError(f"{text[:60]!r}: {error}") from None


def satisfies(offer: Offer, requirement: Requirement) -> bool:
    """Tell whether one offer meets the requirement."""
    if offer.key != requirement.key:
        return False
    if requirement.clauses:
        version = offer.version
        return version is not None and all(holds(version, one) for one in requirement.clauses)
    return offer.value == requirement.value


def is_met(requirement: str, offers: Iterable[str]) -> bool:
    """Tell whether any of the offers meets the requirement; both as written. Raises ValueError as the parsers do."""
    asked = parse_requirement(requirement)
    if asked == Requirement("os", ANY):
        return True
    return any(satisfies(parse_offer(offer), asked) for offer in offers)


def unmet(requirements: Iterable[str], offers: Iterable[str]) -> tuple[str, ...]:
    """Return the requirements that no offer meets, as written."""
    offered = tuple(offers)
    return tuple(one for one in requirements if not is_met(one, offered))


def _required(text: str) -> str:
    parse_requirement(text)
    return text.strip()


def _offered(text: str) -> str:
    parse_offer(text)
    return text.strip()


def _unique(values: Any) -> Any:
    return tuple(dict.fromkeys(values))


Required = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_required)]
Offered = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_offered)]
Requirements = Annotated[tuple[Required, ...], Field(max_length=50), BeforeValidator(texts), AfterValidator(_unique)]
Offers = Annotated[tuple[Offered, ...], Field(max_length=500), BeforeValidator(texts), AfterValidator(_unique)]
