"""Every ticket that is not at rest names who acts next and by when."""

from datetime import timedelta

import pytest

from domain.errors import CpuExceeded, Stalled, TimedOut, ToolCallsExceeded
from domain.execution import Lease, Run
from domain.governance import Approval
from domain.lifecycle import RunState, Stage
from domain.repositories import RepositorySettings
from domain.tickets import Risk
from policy.attention import is_pause, next_action, stalled
from policy.limits import RunLimits, Spent, breach
from policy.readiness import missing_for
from policy.risk import initial_risk
from tests.policy.facts import NOON, manifest, ticket

WEEK = NOON + timedelta(days=7)


def run(state: RunState) -> Run:
    return Run(
        id="T-1-r1",
        ticket_id="T-1",
        attempt=1,
        state=state,
        fence=1,
        harness="command",
        created_at=NOON,
        updated_at=NOON,
    )


def lease() -> Lease:
    return Lease(
        id=1, ticket_id="T-1", run_id="T-1-r1", fence=1, owner="d", lock="r", harness="command",
        granted_at=NOON, heartbeat_at=NOON, expires_at=NOON + timedelta(minutes=2),
    )  # fmt: skip


def approval(**told) -> Approval:
    return Approval(
        id=1,
        run_id="T-1-r1",
        ticket_id="T-1",
        rule="x",
        request_reason="high risk",
        requested_at=NOON,
        deadline=WEEK,
        **told,
    )


def test_final_stages_need_nobody() -> None:
    for stage in (Stage.SHIPPED, Stage.DEAD_LETTER):
        action = next_action(ticket(stage=stage), None, None)
        assert not stalled(action=action, ticket=ticket(stage=stage), now=WEEK)


def test_queued_is_overdue_after_its_priority_allows() -> None:
    waiting = ticket(stage=Stage.QUEUED)
    action = next_action(waiting, None, None)
    assert (action.actor, stalled(waiting, action, NOON)) == ("factory", False)
    assert stalled(waiting, action, NOON + timedelta(days=1))


def test_a_blocked_ticket_waits_for_its_dependencies_and_is_not_stalled() -> None:
    blocked = ticket(stage=Stage.QUEUED, blocked_on=("T-9",))
    action = next_action(blocked, None, None)
    assert "T-9" in action.action
    assert not stalled(blocked, action, WEEK)


def test_a_run_at_work_has_its_leases_expiry_as_deadline() -> None:
    action = next_action(ticket(), run(RunState.RUNNING), None, lease())
    assert action.deadline == lease().expires_at
    assert stalled(ticket(), action, WEEK)


def test_building_without_a_lease_is_stalled() -> None:
    assert stalled(ticket(), next_action(ticket(), run(RunState.RUNNING), None), NOON)


def test_a_waiting_approval_is_a_persons_and_an_approved_one_the_factorys() -> None:
    review = ticket(stage=Stage.REVIEW)
    waiting = next_action(review, run(RunState.AWAITING_APPROVAL), approval())
    assert (waiting.actor, waiting.deadline) == ("person", WEEK)
    assert "high risk" in waiting.action
    decided = next_action(review, run(RunState.AWAITING_APPROVAL), approval(decided_at=NOON))
    assert decided.actor == "factory"


@pytest.mark.parametrize("stage", [Stage.TESTING, Stage.REVIEW])
def test_an_open_pull_request_is_a_persons(stage: Stage) -> None:
    action = next_action(ticket(stage=stage, completed_at=NOON), run(RunState.SUCCEEDED), None)
    assert (action.actor, action.deadline is not None) == ("person", True)


def test_limits_name_what_was_breached() -> None:
    limits = RunLimits(wall=10, inactivity=5)
    assert breach(limits, Spent(elapsed=1, idle=1)) is None
    assert isinstance(breach(limits, Spent(elapsed=11, idle=1)), TimedOut)
    assert isinstance(breach(limits, Spent(elapsed=6, idle=6)), Stalled)


def test_each_limit_has_a_reason_of_its_own():
    limits = RunLimits(wall=10, inactivity=5, cpu=3, tool_calls=2)
    assert isinstance(breach(limits, Spent(cpu=3.1)), CpuExceeded)
    assert isinstance(breach(limits, Spent(tool_calls=3)), ToolCallsExceeded)
    assert breach(limits, Spent(cpu=3, tool_calls=2)) is None


def test_readiness_names_what_is_missing() -> None:
    demanding = RepositorySettings(require=("owner", "milestone", "acceptance"))
    assert missing_for(manifest(owner="ann", commands=[]), demanding) == ("milestone", "acceptance", "commands")
    assert missing_for(manifest(), RepositorySettings()) == ()


def test_risk_is_the_tickets_word_else_the_harnesss() -> None:
    assert initial_risk(manifest(), True) is Risk.LOW
    assert initial_risk(manifest(engine="codex"), False) is Risk.MEDIUM
    assert initial_risk(manifest(risk="high"), True) is Risk.HIGH


@pytest.mark.parametrize(("rule", "word"), [("interrupted", "continue"), ("budget", "continue"), ("x", "approve")])
def test_a_paused_run_is_to_be_continued_and_a_finished_change_approved(rule: str, word: str) -> None:
    asked = approval().model_copy(update={"rule": rule})
    action = next_action(ticket(stage=Stage.REVIEW), run(RunState.AWAITING_APPROVAL), asked)
    assert (action.actor, action.action) == ("person", f"{word} or reject T-1-r1: high risk")
    assert is_pause(asked) is (word == "continue")
