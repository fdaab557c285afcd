"""The ladder: who opens what alone."""

from itertools import product

import pytest
import yaml

from domain.errors import PolicyInvalid
from domain.governance import Clearance, Verdict
from domain.tickets import Risk, Tier
from policy.autonomy import Change, decide, effective_risk, effective_tier
from resources.policy_files import SHIPPED, load_policy
from tests.policy.facts import manifest

RULES = load_policy().approvals
OPENS = {(Tier.SUPERVISED, Risk.LOW), (Tier.AUTONOMOUS, Risk.LOW), (Tier.AUTONOMOUS, Risk.MEDIUM)}


def change(**told) -> Change:
    base = {"tier": Tier.SUPERVISED, "risk": Risk.LOW, "verdict": Verdict.PASS, "manifest": manifest(), "paths": ("a",)}
    return Change(**{**base, **told})


@pytest.mark.parametrize(("tier", "risk"), list(product(Tier, Risk)))
def test_tiers(tier: Tier, risk: Risk) -> None:
    decision = decide(change(tier=tier, risk=risk), RULES)
    assert (decision.clearance is Clearance.OPEN) == ((tier, risk) in OPENS)
    assert decision.clearance is not Clearance.REFUSED


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR])
@pytest.mark.parametrize("tier", list(Tier))
def test_a_failed_gate_is_never_up_for_approval(verdict: Verdict, tier: Tier) -> None:
    assert decide(change(verdict=verdict, tier=tier), RULES).clearance is Clearance.REFUSED


@pytest.mark.parametrize("tier", list(Tier))
def test_undetermined_waits_in_every_tier(tier: Tier) -> None:
    assert decide(change(verdict=Verdict.UNDETERMINED, tier=tier), RULES).clearance is Clearance.NEEDS_APPROVAL


def test_review_policy_manual_waits_and_reviewers_are_named() -> None:
    waits = decide(change(manifest=manifest(**{"review-policy": "manual"})), RULES)
    assert waits.clearance is Clearance.NEEDS_APPROVAL
    asked = decide(change(manifest=manifest(**{"review-policy": {"reviewers": ["ann"]}})), RULES)
    assert (asked.clearance, asked.reviewers) == (Clearance.OPEN, ("ann",))


def test_without_a_matching_rule_a_person_decides() -> None:
    assert decide(change(), RULES.model_copy(update={"rules": ()})).clearance is Clearance.NEEDS_APPROVAL


@pytest.mark.parametrize(
    ("path", "risk"),
    [
        ("src/a.py", Risk.LOW),
        (".github/workflows/ci.yml", Risk.HIGH),
        ("pyproject.toml", Risk.MEDIUM),
        ("x/y.lock", Risk.MEDIUM),
    ],
)
def test_what_a_patch_touches_raises_the_risk(path: str, risk: Risk) -> None:
    assert effective_risk(Risk.LOW, [path], RULES) is risk
    assert effective_risk(Risk.HIGH, [path], RULES) is Risk.HIGH


@pytest.mark.parametrize(("repository", "ticket"), list(product(Tier, [*Tier, None])))
def test_a_ticket_only_lowers_the_tier(repository: Tier, ticket: Tier | None) -> None:
    assert effective_tier(repository, ticket).rank <= repository.rank


def test_editing_the_file_changes_the_decision(tmp_path) -> None:
    content = yaml.safe_load((SHIPPED / "approvals.yaml").read_text())
    content["rules"].insert(0, {"rule": "all-wait", "decision": "needs_approval", "reason": "freeze"})
    (tmp_path / "approvals.yaml").write_text(yaml.safe_dump(content))
    assert decide(change(), load_policy(tmp_path).approvals).rule == "all-wait"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("rules: []", "approvals.raise_risk"),
        ("raise_risk: []\nrules: [{rule: a, decision: maybe, reason: b}]", "approvals.rules.0.decision"),
        ("raise_risk: []\nrules: [{rule: a, decision: open, reason: b, when: {colour: red}}]", "colour"),
        ("raise_risk: [", "approvals.yaml"),
        ("", "approvals"),
    ],
)
def test_a_wrong_policy_is_refused_with_the_field_named(tmp_path, text: str, named: str) -> None:
    (tmp_path / "approvals.yaml").write_text(text)
    with pytest.raises(PolicyInvalid, match=named):
        load_policy(tmp_path)
