"""The shipped governance policy, and what a wrong one is refused for."""

import pytest
import yaml
from pydantic import ValidationError

from domain.errors import PolicyInvalid
from policy.governance.model import RULES, GovernancePolicy
from resources.policy_files import SHIPPED, load_policy
from tests.policy.governance.changes import POLICY

TEXT = (SHIPPED / "governance.yaml").read_text()


def test_every_rule_is_weighed_and_all_but_the_inventory_block() -> None:
    assert tuple(POLICY.rules) == RULES
    assert [name for name, rule in POLICY.rules.items() if not rule.mandatory] == ["sbom"]


def test_what_governance_reads_is_protected_from_the_factory() -> None:
    assert {".factory/*", ".factory.yaml", ".github/workflows/*", "SECURITY.md"} <= set(POLICY.paths.protected)


def test_no_licence_is_both_allowed_and_denied() -> None:
    assert not set(POLICY.licenses.allow) & set(POLICY.licenses.deny)
    assert (POLICY.dependencies.youngest.days, POLICY.dependencies.youngest_package.days) == (14, 30)


def test_an_operators_own_file_replaces_the_shipped_one(tmp_path) -> None:
    (tmp_path / "governance.yaml").write_text(TEXT.replace("max_files: 200", "max_files: 7"))
    assert load_policy(tmp_path).governance.size.max_files == 7


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  scope: {severity: high, mandatory: true}\n", ""),
        ("  scope: {", "  nonsense: {severity: low, mandatory: false}\n  scope: {"),
        ("max_files: 200", "max_files: 0"),
        ("unknown: undetermined", "unknown: pass"),
        ("youngest: 14d", "youngest: -1d"),
        ("exclusions: []", "exclusions: [{rule: lint, reason: because, expires: 2027-01-01, finding: x}]"),
        ("exclusions: []", "exclusions: [{rule: lin, reason: long enough a reason, expires: 2027-01-01, finding: x}]"),
        ("exclusions: []", "exclusions: [{rule: lint, reason: long enough a reason, expires: 2027-01-01}]"),
        ("bots: [factory-bot@localhost]", "bots: []"),
        ("budget: 900", "budget: 0"),
    ],
)
def test_a_wrong_policy_stops_the_process(tmp_path, old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(ValidationError):
        GovernancePolicy.model_validate(yaml.safe_load(TEXT.replace(old, new)))
    (tmp_path / "governance.yaml").write_text(TEXT.replace(old, new))
    with pytest.raises(PolicyInvalid, match="governance"):
        load_policy(tmp_path)
