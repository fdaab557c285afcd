"""One advisory in the OSV format: which versions it affects, how bad it is, what fixes it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError
from packaging.utils import canonicalize_name
from packaging.version import Version
from semantic_version import Version as SemVer

from domain.changes import Advisory, Ecosystem
from policy.governance.versions import parsed

NAMES: Final[Mapping[Ecosystem, str]] = {Ecosystem.PYPI: "PyPI", Ecosystem.NPM: "npm"}
_WORDS: Final[Mapping[str, str]] = {
    "low": "low",
    "moderate": "medium",
    "medium": "medium",
    "important": "high",
    "high": "high",
    "critical": "critical",
}
_SCORES: Final = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}", re.A)
_KEYS: Final = ("introduced", "fixed", "last_affected", "limit")
MAX_EVENTS: Final = 10_000


class RecordUnreadable(ValueError):
    """Not a record of the format, or one that does not tell which versions it is about."""


def identity(record: Any) -> str:
    """Return the record's id; RecordUnreadable when it is none."""
    told = record.get("id") if isinstance(record, dict) else None
    if not isinstance(told, str) or not _ID.fullmatch(told):
        raise RecordUnreadable("a record without an id")
    return told


def packages(record: dict[str, Any]) -> Iterator[tuple[Ecosystem, str]]:
    """Yield what a record is about, as far as we know its ecosystems."""
    for affected in _rows(record, "affected"):
        told = affected.get("package") if isinstance(affected, dict) else None
        if isinstance(told, dict) and isinstance(told.get("name"), str):
            for ecosystem, name in NAMES.items():
                if str(told.get("ecosystem", "")).partition(":")[0] == name:
                    yield ecosystem, normalised(ecosystem, told["name"])


def normalised(ecosystem: Ecosystem, name: str) -> str:
    return canonicalize_name(name) if ecosystem is Ecosystem.PYPI else name.lower()


def affects(record: dict[str, Any], ecosystem: Ecosystem, name: str, version: str) -> bool:
    """Tell whether a version is affected, by the rules of the format (ranges or versions, either suffices).

    Raises:
        RecordUnreadable: the version, or what the record says of it, cannot be compared.
    """
    if record.get("withdrawn"):
        return False
    return any(_covers(one, ecosystem, version) for one in _about(record, ecosystem, name))


def _about(record: dict[str, Any], ecosystem: Ecosystem, name: str) -> Iterator[dict[str, Any]]:
    for affected in _rows(record, "affected"):
        if (ecosystem, name) in packages({"affected": [affected]}):
            yield affected


def _covers(affected: dict[str, Any], ecosystem: Ecosystem, version: str) -> bool:
    versions, ranges = _rows(affected, "versions"), _rows(affected, "ranges")
    own = parsed(ecosystem, version)
    if own is None:
        raise RecordUnreadable("a version that cannot be compared")
    if any(one == version or (isinstance(one, str) and parsed(ecosystem, one) == own) for one in versions):
        return True
    usable = [one for one in ranges if isinstance(one, dict) and one.get("type") in ("ECOSYSTEM", "SEMVER")]
    if not versions and not usable:
        raise RecordUnreadable(f"{len(ranges)} ranges, none of versions")
    return any(_in_range(_rows(one, "events"), ecosystem, own) for one in usable)


def _in_range(events: list[Any], ecosystem: Ecosystem, own: Version | SemVer) -> bool:
    told = sorted(
        (_event(one, ecosystem) for one in events[:MAX_EVENTS]), key=lambda one: (one[1] is not None, one[1:])
    )
    affected = False
    for kind, at in told:
        if kind == "introduced" and (at is None or own >= at):
            affected = True
        elif at is not None and ((kind == "last_affected" and own > at) or (kind in ("fixed", "limit") and own >= at)):
            affected = False
    return affected


def _event(told: Any, ecosystem: Ecosystem) -> tuple[str, Any]:
    """Return what begins or ends at which version; None is before every version."""
    pairs = [(key, told[key]) for key in _KEYS if isinstance(told, dict) and key in told]
    if len(pairs) != 1 or not isinstance(pairs[0][1], str):
        raise RecordUnreadable("an event that is not one of introduced, fixed, last_affected and limit")
    kind, text = pairs[0]
    if (kind, text) == ("introduced", "0"):
        return kind, None
    if kind == "limit" and text == "*":
        return "ignored", None
    at = parsed(ecosystem, text)
    if at is None:
        raise RecordUnreadable("an event whose version cannot be compared")
    return kind, at


def advisory(record: dict[str, Any], ecosystem: Ecosystem, name: str, url: str | None = None) -> Advisory:
    """Return what a person needs to know of a record."""
    fixed = (
        str(event["fixed"])
        for affected in _about(record, ecosystem, name)
        for one in _rows(affected, "ranges")
        for event in _rows(one, "events")
        if isinstance(event, dict) and "fixed" in event and one.get("type") != "GIT"
    )
    return Advisory(
        id=identity(record),
        aliases=tuple(one for one in _rows(record, "aliases") if isinstance(one, str) and _ID.fullmatch(one))[:20],
        severity=severity(record),
        fixed=tuple(sorted(set(fixed), key=lambda text: _order(ecosystem, text)))[:20],
        summary=_sentence(record.get("summary") or record.get("details")),
        url=url or next(_links(record), None),
    )


def severity(record: dict[str, Any]) -> str:
    """Return low, medium, high or critical: what its database says, else the worst of its CVSS vectors; empty: none."""
    places = [record, *(one for one in _rows(record, "affected") if isinstance(one, dict))]
    for place in places:
        for key in ("database_specific", "ecosystem_specific"):
            told = place.get(key)
            word = _WORDS.get(str(told.get("severity", "")).lower()) if isinstance(told, dict) else None
            if word:
                return word
    scores = [score for place in places for one in _rows(place, "severity") if (score := _score(one)) is not None]
    return next((word for least, word in _SCORES if scores and max(scores) >= least), "")


def _score(told: Any) -> float | None:
    kind, vector = (str(told.get("type")), str(told.get("score"))[:300]) if isinstance(told, dict) else ("", "")
    readers = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}
    if kind not in readers:
        return None
    try:
        return float(readers[kind](vector).scores()[0])
    except (CVSSError, ValueError, TypeError, KeyError, IndexError):
        return None


def _order(ecosystem: Ecosystem, text: str) -> tuple[bool, Any]:
    at = parsed(ecosystem, text)
    return (True, text) if at is None else (False, at)


def _links(record: dict[str, Any]) -> Iterator[str]:
    told = [one for one in _rows(record, "references") if isinstance(one, dict)]
    for kind in ("ADVISORY", "WEB", "REPORT", "FIX"):
        for one in told:
            url = one.get("url")
            if one.get("type") == kind and isinstance(url, str) and url.startswith("https://") and len(url) < 500:
                yield url


def _sentence(told: object) -> str:
    text = " ".join(told[:2000].split()) if isinstance(told, str) else ""
    return "".join(one for one in text if one.isprintable())[:300]


def _rows(table: Any, key: str) -> list[Any]:
    told = table.get(key) if isinstance(table, dict) else None
    if told is None:
        return []
    if not isinstance(told, list):
        raise RecordUnreadable(f"{key} is no list")
    return told
