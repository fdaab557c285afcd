"""The shape every governance rule has, and the one way an exclusion is looked up."""

from collections.abc import Callable
from datetime import date
from fnmatch import fnmatchcase
from typing import NamedTuple

from domain.changes import ChangeFacts
from domain.governance import Verdict
from policy.governance.model import Exclusion, GovernancePolicy


class Ruling(NamedTuple):
    """What one rule makes of a change; judging adds its weight, its command and its logs."""

    verdict: Verdict
    message: str  #: one line
    evidence: tuple[str, ...] = ()  #: lines a person can check: place, what, hint
    files_read: int = 0


Rule = Callable[[ChangeFacts, GovernancePolicy], Ruling]


def excluded(policy: GovernancePolicy, rule: str, path: str, finding: str, on: date) -> Exclusion | None:
    """Return the first exclusion in force on that day which lets this finding through; it holds to its last day."""
    for one in policy.exclusions:
        right_path = not one.paths or any(fnmatchcase(path, pattern) for pattern in one.paths)
        right_finding = one.finding is None or one.finding.casefold() == finding.casefold()
        if one.rule == rule and on <= one.expires and right_path and right_finding:
            return one
    return None
