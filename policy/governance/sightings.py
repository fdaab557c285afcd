"""Findings and scans in words."""

from collections import Counter
from collections.abc import Sequence

from domain.findings import Finding, Scan
from policy.governance.visible import counted


def place(finding: Finding) -> str:
    """Return one line: where, what, how bad, what to do."""
    where = finding.path + (f":{finding.line}" if finding.line else "")
    package = f" {finding.package} {finding.version or ''}".rstrip() if finding.package else ""
    hint = f" -> {finding.hint}" if finding.hint else ""
    return f"{where}: {finding.rule} ({finding.severity}, {finding.scanner}){package}: {finding.text}{hint}"


def count(findings: Sequence[Finding]) -> str:
    by_severity = Counter(finding.severity for finding in findings)
    worst_first = sorted(by_severity, key=lambda severity: -severity.rank)
    told = ", ".join(f"{by_severity[severity]} {severity}" for severity in worst_first)
    return f"{counted(len(findings), 'new finding')} ({told})"


def summary(scan: Scan) -> str:
    version = f" {scan.version}" if scan.version else ""
    end = "did not end" if scan.exit_code is None else f"exit code {scan.exit_code}"
    return (
        f"{scan.scanner}{version}: {scan.state.replace('_', ' ')}, {end}, "
        f"{len(scan.files_read)} of {len(scan.files_given)} files read, {counted(len(scan.findings), 'finding')}"
    )
