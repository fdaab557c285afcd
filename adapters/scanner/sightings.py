"""From what a scanner saw to findings whose fingerprints stay when lines move."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from adapters.scanner.contract import Lines
from domain.findings import Finding, Severity

LONGEST = 1000  #: characters of a text
MOST_LINES = 10**8  #: a larger number is none of a line


class Sighting(NamedTuple):
    """One defect as a program tells of it, in the order that findings are told in."""

    path: str
    line: int | None
    rule: str
    text: str
    severity: Severity
    hint: str = ""
    source: str | None = None


def findings(scanner: str, sightings: Iterable[Sighting], lines: Lines) -> tuple[Finding, ...]:
    """Return each defect once, in one order whatever the program's was.

    A fingerprint is made of scanner, rule, path, the line's words, and which of the equal lines of its file it is.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    told = []
    for one in sorted({_place(one): one for one in sightings}.values(), key=_place):
        same = (one.rule, one.path, _words(one, lines))
        seen[same] += 1
        told.append(_finding(scanner, one, _digest(scanner, *same, str(seen[same]))))
    return tuple(told)


def moved(old: Sequence[Finding], folder: str, lines: Lines) -> tuple[Finding, ...]:
    """Return findings in files below `folder` as if the files lay where they belong; `lines` are by the old names."""
    told = [
        Sighting(one.path.removeprefix(folder), one.line, one.rule, one.text, one.severity, one.hint, one.source)
        for one in old
    ]
    scanner = next((one.scanner for one in old), "")
    return findings(scanner, told, lambda path: lines(f"{folder}{path}"))


def one_line(text: str) -> str:
    """Return a text as one line of a length that a finding can carry, without control characters."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(plain.split())[:LONGEST]


def _place(one: Sighting) -> tuple[str, int, str, str]:
    return one.path, one.line or 0, one.rule, one.text


def _words(one: Sighting, lines: Lines) -> str:
    of_file = lines(one.path)
    if one.line is None or not 0 < one.line <= len(of_file):
        return ""
    return " ".join(of_file[one.line - 1].split())


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _finding(scanner: str, one: Sighting, fingerprint: str) -> Finding:
    return Finding(
        scanner=scanner,
        rule=one_line(one.rule),
        severity=one.severity,
        path=one.path,
        line=one.line if one.line and 0 < one.line < MOST_LINES else None,
        text=one_line(one.text),
        hint=one_line(one.hint),
        source=one.source,
        fingerprint=fingerprint,
    )
