"""Facts of a change, clean unless a test says otherwise."""

from datetime import UTC, datetime
from typing import Any

from domain.changes import ChangeFacts, CommitFact, WorkflowChange
from domain.execution import ArtifactRef
from domain.findings import Finding, Scan, ScanState, Severity
from domain.governance import CheckResult, FileChange, Origin
from policy.governance.model import Exclusion, GovernancePolicy, RulePolicy
from resources.policy_files import load_policy

POLICY = load_policy().governance
BASE, HEAD = "b" * 40, "a" * 40
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
BOT = "factory-bot@localhost"
SCANNERS = ("bandit", "detect-secrets", "gitleaks", "ruff", "ruff-security", "semgrep")
CODE = "src/a.py"


def log(name: str) -> ArtifactRef:
    return ArtifactRef(sha256=name.encode().hex().ljust(64, "0")[:64], kind="log", size=1, name=name)


def file(path: str = CODE, status: str = "M", **told: Any) -> FileChange:
    return FileChange(path=path, status=status, **{"size": 10, **told})


def finding(scanner: str = "bandit", **told: Any) -> Finding:
    fields: dict[str, Any] = {
        "scanner": scanner, "rule": "B602", "severity": Severity.HIGH, "path": CODE, "line": 3,
        "text": "a shell reads what a caller wrote", "hint": "pass a list", "fingerprint": "f1",
    }  # fmt: skip
    return Finding(**{**fields, **told})


def scan(scanner: str = "bandit", *findings: Finding, **told: Any) -> Scan:
    fields: dict[str, Any] = {
        "scanner": scanner, "version": "1", "state": ScanState.COMPLETED, "files_given": (CODE,), "files_read": (CODE,),
        "alive": True, "findings": findings, "command": f"{scanner} {CODE}", "exit_code": 0, "seconds": 0.5,
        "log": log(scanner),
    }  # fmt: skip
    return Scan(**{**fields, **told})


def scans(*others: Scan) -> tuple[Scan, ...]:
    """Return a clean scan of each scanner, or the one given."""
    given = {one.scanner: one for one in others}
    return tuple(given.get(name) or scan(name) for name in SCANNERS)


def check(command: str = "pytest", code: int | None = 0, **told: Any) -> CheckResult:
    return CheckResult(command=command, origin=Origin.REPOSITORY, exit_code=code, seconds=2.0, **told)


def commit(**told: Any) -> CommitFact:
    fields: dict[str, Any] = {
        "sha": HEAD, "author": BOT, "committer": BOT, "subject": "feat: more", "ticket_id": "T-1", "run_id": "T-1-r1",
    }  # fmt: skip
    return CommitFact(**{**fields, **told})


def change(**told: Any) -> ChangeFacts:
    fields: dict[str, Any] = {
        "repository": "calc", "base_sha": BASE, "head_sha": HEAD, "files": (file(),), "lines_added": 3,
        "lines_removed": 1, "leaks": (), "scans": scans(), "base_scans": scans(), "dependencies": (), "packages": (),
        "checks": (check(),), "sbom": log("sbom"), "now": NOON,
    }  # fmt: skip
    return ChangeFacts(**{**fields, **told})


def ours(**told: Any) -> ChangeFacts:
    return change(**{"author": "factory", "ticket_id": "T-1", "commits": (commit(),), **told})


def excluding(**told: Any) -> GovernancePolicy:
    fields = {"reason": "known and looked at", "expires": "2027-01-01"}
    return POLICY.model_copy(update={"exclusions": (Exclusion.model_validate({**fields, **told}),)})


def weighed(rule: str, **told: Any) -> GovernancePolicy:
    """Return the policy with one rule weighed otherwise."""
    changed: RulePolicy = POLICY.rules[rule].model_copy(update=told)
    return POLICY.model_copy(update={"rules": {**POLICY.rules, rule: changed}})


def workflow(**told: Any) -> WorkflowChange:
    return WorkflowChange(**{"path": ".github/workflows/ci.yml", **told})
