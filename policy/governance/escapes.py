"""What governance should have stopped and did not: violations in merged changes, found by judging them again."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from domain.findings import Severity
from domain.governance import Verdict
from domain.governed import GovernanceReport
from domain.model import Value

#: rules whose answer a merge does not change; who made a change and where it may reach was answered before it
AFTER_MERGE: Final = ("lint", "sast", "vulnerabilities", "dependencies", "licenses", "secrets", "workflows")
Pull = tuple[str, int]  #: repository and number


class Escapes(Value):
    """The target of `escaped_critical` is 0."""

    rescanned: int = 0  #: merged changes
    escaped: int = 0  #: mandatory rules that fail on them
    escaped_critical: int = 0


def escapes_of(reports: Iterable[GovernanceReport], merged: Mapping[Pull, str]) -> Escapes:
    """Count, over the reports on merge commits; `merged` gives the commit of each merged pull request."""
    after = [
        one for one in reports if one.number is not None and merged.get((one.repository, one.number)) == one.head_sha
    ]
    failed = Counter(rule.severity for one in after for rule in one.verdicts if rule.mandatory and _fails(rule.verdict))
    return Escapes(rescanned=len(after), escaped=failed.total(), escaped_critical=failed[Severity.CRITICAL])


def _fails(verdict: Verdict) -> bool:
    return verdict in (Verdict.FAIL, Verdict.ERROR)
