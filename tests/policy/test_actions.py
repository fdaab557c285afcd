"""What the factory may do alone, what takes a person, what is denied until a person's word, and how diffs are mapped."""

from datetime import UTC, datetime

import pytest
import yaml
from pydantic import ValidationError

from domain.changes import Dependency, Ecosystem, WorkflowChange
from domain.governance import Approval, ApprovalState, Clearance, Decision, FileChange
from domain.tickets import Tier
from policy.action_rules import ActionPolicy, Leave, Mechanism
from policy.actions import Content, Grant, actions_of, grants_of, held_back, permit, stop_for
from resources.policy_files import SHIPPED, load_policy

POLICY = load_policy().actions
ALONE = ["read_files", "run_checks", "push_branch", "open_pull_request", "comment", "write_docs"]
APPROVED = {
    "merge": Mechanism.PULL_REQUEST_REVIEW,
    "deploy": Mechanism.ENVIRONMENT_GATE,
    "workflow_edit": Mechanism.PULL_REQUEST_REVIEW,
    "iam": Mechanism.ASK_AND_MANUAL,
    "secrets": Mechanism.ASK_AND_MANUAL,
    "dependency_add": Mechanism.PROPOSAL_AND_REVIEW,
    "security_md": Mechanism.PULL_REQUEST_REVIEW,
}
DANGEROUS = ["cloud_iam", "wif_config", "secret_change", "deploy_target", "workflow_broadening", "new_dependency"]


def ask(action: str, *grants: Grant, tier: Tier = Tier.AUTONOMOUS, subject: str = "T-1-r1"):
    return permit(action, subject, tier, POLICY, grants)


def grant(action: str, **told) -> Grant:
    fields = {"subject": "T-1-r1", "actor": "ann", "reason": "looked at", "at": datetime(2026, 1, 2, tzinfo=UTC)}
    return Grant(action=action, **{**fields, **told})


@pytest.mark.parametrize("action", ALONE)
def test_six_actions_need_no_approval_in_the_autonomous_tier(action: str) -> None:
    assert ask(action).leave is Leave.ALLOW


@pytest.mark.parametrize("action", ["push_branch", "open_pull_request"])
def test_a_constrained_repository_waits_before_any_push(action: str) -> None:
    told = ask(action, tier=Tier.CONSTRAINED)
    assert (told.leave, told.mechanism) == (Leave.REQUIRE_APPROVAL, Mechanism.RECORDED_APPROVAL)
    assert ask(action, grant(action), tier=Tier.CONSTRAINED).leave is Leave.ALLOW
    assert ask(action, tier=Tier.SUPERVISED).leave is Leave.ALLOW


@pytest.mark.parametrize("action", APPROVED)
@pytest.mark.parametrize("tier", list(Tier))
def test_seven_actions_always_need_a_person_by_their_mechanism(action: str, tier: Tier) -> None:
    told = ask(action, tier=tier)
    assert (told.leave, told.mechanism) == (Leave.REQUIRE_APPROVAL, APPROVED[action])
    assert APPROVED[action].replace("_", " ") in told.reason


@pytest.mark.parametrize("action", DANGEROUS)
@pytest.mark.parametrize("tier", list(Tier))
def test_six_dangerous_classes_are_denied_until_a_recorded_approval_which_unlocks_once(action: str, tier: Tier) -> None:
    assert ask(action, tier=tier).leave is Leave.DENY
    told = ask(action, grant(action), tier=tier)
    assert (told.leave, told.reason) == (Leave.ALLOW, "approved by ann: looked at")
    assert told.grant is not None
    assert ask(action, told.grant, tier=tier).leave is Leave.DENY


@pytest.mark.parametrize("other", [{"subject": "T-2-r1"}, {"action": "new_dependency"}, {"used": True}])
def test_a_grant_of_something_else_unlocks_nothing(other: dict) -> None:
    assert ask("cloud_iam", grant(**{"action": "cloud_iam", **other})).leave is Leave.DENY


def test_no_approval_lets_the_factory_merge() -> None:
    assert ask("merge", grant("merge")).leave is Leave.REQUIRE_APPROVAL


def test_an_unknown_action_is_denied() -> None:
    assert ask("launch_rockets", grant("launch_rockets")).leave is Leave.DENY


def test_tables_cover_the_whole_policy() -> None:
    assert set(POLICY.actions) == {*ALONE, *APPROVED, *DANGEROUS, "dependency_change", "shared_edit"}


def content(*paths: str, **told) -> Content:
    return Content(files=tuple(FileChange(path=path, status="M") for path in paths), **told)


def dependency(**told) -> Dependency:
    return Dependency(**{"ecosystem": Ecosystem.PYPI, "name": "left", "path": "pyproject.toml", **told})


CI = ".github/workflows/ci.yml"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (content("src/a.py"), set()),
        (content("libs/Core/a.py", shared=("libs/core/*",)), {"shared_edit"}),
        (content("src/a.py", shared=("libs/core/*",)), set()),
        (content("README.md"), {"write_docs"}),
        (content("docs/x.png"), {"write_docs"}),
        (content(CI, workflows=(WorkflowChange(path=CI),)), {"workflow_edit"}),
        (content(CI), {"workflow_edit", "workflow_broadening"}),
        (content(CI, workflows=(WorkflowChange(path=CI, raised=("contents: write",)),)), {"workflow_edit", "workflow_broadening"}),
        (content(CI, workflows=(WorkflowChange(path=CI, broadened=("schedule",)),)), {"workflow_edit", "workflow_broadening"}),
        (content(CI, workflows=(WorkflowChange(path=CI, unreadable=True),)), {"workflow_edit", "workflow_broadening"}),
        (content("SECURITY.md"), {"security_md", "write_docs"}),
        (content("security.md"), {"security_md", "write_docs"}),
        (content(".github/CODEOWNERS"), {"iam"}),
        (content("pyproject.toml"), {"dependency_change", "dependency_add", "new_dependency"}),
        (content("pyproject.toml", dependencies=()), {"dependency_change"}),
        (content("pyproject.toml", dependencies=(dependency(previous="1.0", version="1.1"),)), {"dependency_change"}),
        (content("pyproject.toml", dependencies=(dependency(),)), {"dependency_change", "dependency_add", "new_dependency"}),
        (content("web/package.json", dependencies=(), unreadable_manifests=("web/package.json",)), {"dependency_change", "dependency_add", "new_dependency"}),
        (content("uv.lock", dependencies=(dependency(is_lock=True),)), {"dependency_change", "dependency_add", "new_dependency"}),
        (content("infra/iam/role.yaml"), {"cloud_iam"}),
        (content("infra/main.tf"), {"deploy_target"}),
        (content("infra/github-wif.tf"), {"deploy_target", "wif_config"}),
        (content("config/workload-identity.json"), {"wif_config"}),
        (content(".env.production"), {"secret_change"}),
        (content("ops/secrets/db.yaml"), {"secret_change"}),
        (content("deploy/compose.yaml"), {"deploy_target"}),
    ],
)  # fmt: skip
def test_diffs_are_mapped_to_actions(change: Content, expected: set[str]) -> None:
    assert set(actions_of(change, POLICY)) == expected


def test_what_was_moved_away_counts_too() -> None:
    moved = Content(files=(FileChange(path="x.txt", old_path="SECURITY.md", status="R"),))
    assert "security_md" in actions_of(moved, POLICY)


def test_a_held_change_names_what_a_person_has_to_approve() -> None:
    told = [ask(action) for action in ("write_docs", "new_dependency", "security_md")]
    decision = stop_for(told)
    assert decision is not None
    assert (decision.clearance, decision.rule) == (Clearance.NEEDS_APPROVAL, "action:new_dependency")
    assert decision.reason == "a person has to approve: new_dependency, security_md"
    assert stop_for([ask("write_docs")]) is None
    assert stop_for([]) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"leave": "allow", "mechanism": "pull_request_review"},
        {"leave": "deny"},
        {"leave": "maybe"},
        {"leave": "deny", "mechanism": "magic"},
    ],
)
def test_a_wrong_table_is_refused(wrong: dict) -> None:
    told = yaml.safe_load((SHIPPED / "actions.yaml").read_text())
    with pytest.raises(ValidationError):
        ActionPolicy.model_validate({"actions": {**told["actions"], "deploy": wrong}})


def test_what_facts_tell_of_must_be_in_the_table() -> None:
    told = yaml.safe_load((SHIPPED / "actions.yaml").read_text())
    del told["actions"]["new_dependency"]
    with pytest.raises(ValidationError, match="new_dependency"):
        ActionPolicy.model_validate(told)


def test_editing_the_file_changes_the_decision_without_code(tmp_path) -> None:
    text = (SHIPPED / "actions.yaml").read_text()
    (tmp_path / "actions.yaml").write_text(
        text.replace("comment: {leave: allow}", "comment: {leave: deny, mechanism: recorded_approval}")
    )
    assert permit("comment", "x", Tier.AUTONOMOUS, load_policy(tmp_path).actions).leave is Leave.DENY


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def asked(reason: str, rule: str = "action:new_dependency", **told) -> Approval:
    fields = {"id": 1, "run_id": "T-1-r1", "ticket_id": "T-1", "requested_at": NOON, "deadline": NOON}
    decided = {"state": ApprovalState.APPROVED, "actor": "ann", "reason": "fine", "decided_at": NOON}
    return Approval.model_validate({**fields, **decided, "rule": rule, "request_reason": reason, **told})


def test_a_yes_grants_the_actions_that_were_asked_for_and_no_others() -> None:
    held = stop_for([ask("new_dependency"), ask("dependency_add")])
    assert held is not None
    yes = grants_of(asked(f"high risk; {held.reason}", held.rule), POLICY)
    assert {one.action for one in yes} == {"new_dependency", "dependency_add"}
    assert stop_for([ask("new_dependency", *yes), ask("dependency_add", *yes)]) is None
    assert stop_for([ask("cloud_iam", *yes)]) is not None


@pytest.mark.parametrize(
    "approval",
    [
        asked("the repository is in the constrained tier", "constrained-waits-before-any-push"),
        asked("a person has to approve: cloud_iam", "high-risk-waits"),
        asked("a person has to approve: nonsense"),
        asked("a person has to approve: cloud_iam", actor=None, state=ApprovalState.PENDING, decided_at=None),
    ],
)
def test_a_yes_to_something_else_grants_nothing(approval: Approval) -> None:
    assert grants_of(approval, POLICY) == ()


def test_one_question_is_asked_for_tier_and_actions() -> None:
    held = stop_for([ask("new_dependency")])
    assert held is not None
    waits = Decision(clearance=Clearance.NEEDS_APPROVAL, rule="high-risk-waits", reason="high", reviewers=("bob",))
    both = held_back(waits, held)
    assert (both.rule, both.reviewers) == ("action:new_dependency", ("bob",))
    assert both.reason == f"high; {held.reason}"
    refused = Decision(clearance=Clearance.REFUSED, rule="gates", reason="red")
    assert held_back(refused, held) == refused
