"""What another program says of the same packages."""

from domain.changes import ChangeFacts
from domain.findings import Finding
from policy.governance.model import GovernancePolicy
from policy.governance.rules_scans import scans_of, why_unknown
from policy.governance.sifting import sift


def second_opinion(facts: ChangeFacts, policy: GovernancePolicy) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return what the scanners of the rule alone found, and why any of them says nothing."""
    scans = scans_of("vulnerabilities", facts.scans, policy)
    missing = set(policy.rules["vulnerabilities"].scanners) - {scan.scanner for scan in scans}
    unknown = [f"{name} did not run" for name in sorted(missing)]
    unknown += [why_unknown(scan) for scan in scans if not scan.known]
    sifted = sift("vulnerabilities", scans, facts, policy)
    known = {
        (package.name, name)
        for package in facts.packages or ()
        for advisory in package.advisories or ()
        for name in (advisory.id, *advisory.aliases)
    }
    found = (*sifted.new, *sifted.doubtful)
    return tuple(one for one in found if (one.package, one.rule) not in known), tuple(unknown)
