"""Versions and specifiers as each ecosystem reads them."""

import re
from collections.abc import Iterable
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from semantic_version import NpmSpec
from semantic_version import Version as SemVer

from domain.changes import Ecosystem

LONGEST: Final = 500  #: characters
_CLAUSE: Final = re.compile(r"(\^|~(?!=)|={2,3}|!=|~=|>=|<=|>|<|=)?\s*v?([0-9A-Za-z.*+!_-]+)", re.A)


def parsed(ecosystem: Ecosystem, version: str) -> Version | SemVer | None:
    """Return a version that can be compared with its like; None when its ecosystem has no such version."""
    if len(version) > LONGEST:
        return None
    try:
        return Version(version) if ecosystem is Ecosystem.PYPI else SemVer(version.strip().lstrip("v="))
    except (InvalidVersion, ValueError):
        return None


def is_prerelease(version: Version | SemVer) -> bool:
    return version.is_prerelease if isinstance(version, Version) else bool(version.prerelease)


def satisfies(ecosystem: Ecosystem, specifier: str, version: str) -> bool | None:
    """Tell whether a version is one that the specifier allows; None when either cannot be read (a tag, say).

    >>> satisfies(Ecosystem.PYPI, ">=1,<2", "1.9"), satisfies(Ecosystem.NPM, "^1.2.0", "2.0.0")
    (True, False)
    """
    one = parsed(ecosystem, version)
    if one is None:
        return None
    if isinstance(one, Version):
        spec = pypi_specifier(specifier)
        return None if spec is None else spec.contains(one, prereleases=True)
    npm = npm_specifier(specifier)
    return None if npm is None else bool(npm.match(one))


def newest(ecosystem: Ecosystem, versions: Iterable[str], specifier: str = "") -> str | None:
    """Return the newest version that the specifier allows; a pre-release only when there is nothing else."""
    fits = [(one, text) for text in versions if (one := parsed(ecosystem, text)) is not None]
    fits = [(one, text) for one, text in fits if not specifier or satisfies(ecosystem, specifier, text)]
    final = [pair for pair in fits if not is_prerelease(pair[0])]
    return max(final or fits, key=lambda pair: pair[0], default=(None, None))[1]


def npm_specifier(text: str) -> NpmSpec | None:
    """Return npm's range; None for a tag such as `latest`."""
    try:
        joined = re.sub(r"([<>=~^])\s+", r"\1", re.sub(r"\s+", " ", text.strip()))
        return NpmSpec(joined or "*") if len(text) <= LONGEST else None
    except ValueError:
        return None


def pypi_specifier(text: str) -> SpecifierSet | None:
    """Return PEP 440's specifier, poetry's `^1.2`, `~1.2`, `1.2` and `*` translated; None for anything else."""
    if len(text) > LONGEST or "||" in text:
        return None
    try:
        return SpecifierSet(
            ",".join(_translated(one.strip()) for one in text.split(",") if one.strip() not in ("", "*"))
        )
    except (InvalidSpecifier, InvalidVersion, ValueError):
        return None


def _translated(clause: str) -> str:
    found = _CLAUSE.fullmatch(clause)
    if not found:
        raise InvalidSpecifier(clause)
    operator, version = found[1] or "==", found[2]
    if operator not in ("^", "~"):
        return ("==" if operator == "=" else operator) + version
    return f">={version},<{_ceiling(Version(version), caret=operator == '^')}"


def _ceiling(version: Version, *, caret: bool) -> str:
    """`^1.2.3` ends before 2, `^0.2.3` before 0.3, `^0.0.3` before 0.0.4; `~1.2.3` before 1.3 and `~1` before 2."""
    release = list(version.release)
    place = min(1, len(release) - 1)
    if caret:
        place = next((index for index, number in enumerate(release) if number), len(release) - 1)
    return ".".join(map(str, [*release[:place], release[place] + 1]))
