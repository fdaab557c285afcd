"""Findings on the head, less those that the base has too and those that policy lets through."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from domain.changes import ChangeFacts
from domain.findings import Finding, Scan
from policy.governance.model import GovernancePolicy
from policy.governance.shape import excluded


class Sifted(NamedTuple):
    new: tuple[Finding, ...] = ()  #: worst first
    doubtful: tuple[Finding, ...] = ()  #: new for all we know: the scan of the base says nothing
    before: tuple[Finding, ...] = ()  #: the base has them too
    let_through: tuple[Finding, ...] = ()


def sift(rule: str, scans: Sequence[Scan], facts: ChangeFacts, policy: GovernancePolicy) -> Sifted:
    """Sort the findings of a rule's scans; as many of one fingerprint are old as the base has, not more."""
    on_base = Counter(_key(finding) for scan in facts.base_scans for finding in scan.findings)
    unclear = {scan.scanner for scan in facts.base_scans if not scan.known}
    added = {file.path for file in facts.files if file.status == "A"}
    new, doubtful, before, let_through = [], [], [], []
    for finding in sorted((one for scan in scans for one in scan.findings), key=_worst_first):
        if excluded(policy, rule, finding.path, finding.rule, facts.now.date()):
            let_through.append(finding)
        elif on_base[_key(finding)] > 0:
            on_base[_key(finding)] -= 1
            before.append(finding)
        elif finding.scanner in unclear and finding.path not in added:
            doubtful.append(finding)
        else:
            new.append(finding)
    return Sifted(tuple(new), tuple(doubtful), tuple(before), tuple(let_through))


def _key(finding: Finding) -> tuple[str, str]:
    return finding.scanner, finding.fingerprint


def _worst_first(finding: Finding) -> tuple[int, str, int, str, str, str]:
    place = (finding.path, finding.line or 0)
    return -finding.severity.rank, *place, finding.scanner, finding.rule, finding.fingerprint
