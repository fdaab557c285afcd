"""Every governance rule by its name, in the order of the report."""

from collections.abc import Mapping
from typing import Final

from policy.governance.protected import protected
from policy.governance.provenance import provenance
from policy.governance.rules_checks import tests
from policy.governance.rules_dependencies import dependencies, licenses, sbom, vulnerabilities
from policy.governance.rules_scans import lint, sast, secrets
from policy.governance.rules_shape import size
from policy.governance.scope import scope
from policy.governance.shape import Rule
from policy.governance.workflows import workflows

RULESET: Final[Mapping[str, Rule]] = {
    "lint": lint,
    "tests": tests,
    "sast": sast,
    "vulnerabilities": vulnerabilities,
    "dependencies": dependencies,
    "licenses": licenses,
    "secrets": secrets,
    "scope": scope,
    "protected": protected,
    "workflows": workflows,
    "size": size,
    "provenance": provenance,
    "sbom": sbom,
}
