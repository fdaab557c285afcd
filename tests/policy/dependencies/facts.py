"""Changes and policies for tests of the rules over dependencies."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.changes import Advisory, ChangeFacts, Dependency, Ecosystem, Known, Package
from domain.findings import Severity
from policy.governance.model import (
    RULES,
    DependencyPolicy,
    Exclusion,
    GovernancePolicy,
    LicensePolicy,
    PathPolicy,
    RulePolicy,
    SizePolicy,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)


def policy(
    *exclusions: Exclusion, rules: dict[str, Any] | None = None, licenses: Any = None, **told: Any
) -> GovernancePolicy:
    weights = {name: RulePolicy(severity=Severity.HIGH, mandatory=True) for name in RULES}
    weights["vulnerabilities"] = RulePolicy(severity=Severity.CRITICAL, mandatory=True, fails_from=Severity.HIGH)
    ages = {"youngest": timedelta(days=14), "youngest_package": timedelta(days=30), "new_needs_person": False}
    return GovernancePolicy(
        rules=weights | (rules or {}),
        exclusions=exclusions,
        dependencies=DependencyPolicy(**(ages | told)),
        licenses=licenses or LicensePolicy(allow=("MIT", "Apache-2.0"), deny=("GPL-3.0",)),
        paths=PathPolicy(protected=()),
        size=SizePolicy(max_files=10, max_lines=10, max_file_bytes=10),
    )


def dependency(name: str = "flask", **told: Any) -> Dependency:
    usual = {"ecosystem": Ecosystem.PYPI, "version": "3.0", "specifier": "==3.0", "path": "requirements.txt", "line": 3}
    return Dependency(**(usual | {"name": name} | told))


def package(name: str = "flask", **told: Any) -> Package:
    usual: dict[str, Any] = {
        "ecosystem": Ecosystem.PYPI,
        "version": "3.0",
        "known": Known.FOUND,
        "version_known": Known.FOUND,
        "published_at": LONG_AGO,
        "first_published_at": LONG_AGO,
        "newest": "3.0",
        "license": "MIT",
        "advisories": (),
        "url": f"https://index.example.test/{name}/",
    }
    return Package(**(usual | {"name": name} | told))


def facts(dependencies: Any = (), packages: Any = (), **told: Any) -> ChangeFacts:
    return ChangeFacts(
        repository="r",
        base_sha="0" * 40,
        head_sha="1" * 40,
        files=(),
        lines_added=1,
        lines_removed=0,
        dependencies=None if dependencies is None else tuple(dependencies),
        packages=None if packages is None else tuple(packages),
        now=NOW,
        **told,
    )


def advisory(identity: str = "PYSEC-2026-1", severity: str = "high", **told: Any) -> Advisory:
    return Advisory(id=identity, severity=severity, summary="A hole", fixed=("3.1",), **told)
