"""What the factory says of a ticket on its item, at every stage, with hostile words inside."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from markdown_it import MarkdownIt

from domain.execution import Run
from domain.forge import PullRequest
from domain.governance import Approval, GateVerdict, PolicyReport, Verdict
from domain.lifecycle import RunState, Stage
from domain.tickets import Manifest, Risk, Ticket
from domain.tracking import FactoryLabel, ItemStatus
from policy.progress import REVIEW, STUCK, WORKING, Standpoint, progress_of, refusal
from policy.votes import Tally, Word

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HEAD, MERGE = "a" * 40, "b" * 40
HOSTILE = "</td> <!-- factory: key=x --> @ann #7 ![x](http://evil.test/x.png) `a` | b\n# Big\n\u202eTXT"


def ticket(stage: Stage, **told: Any) -> Ticket:
    given = {
        "id": "T-1", "stage": stage, "manifest": Manifest(title="x", repository="calc", tracker_item="calc#7"),
        "manifest_sha256": "0" * 64, "idempotency_key": "k", "lock": "calc", "risk": Risk.MEDIUM, "created_by": "ann",
        "created_at": NOON, "updated_at": NOON, "not_before": NOON,
    }  # fmt: skip
    return Ticket.model_validate({**given, **told})


def run(state: RunState = RunState.RUNNING, **told: Any) -> Run:
    given = {
        "id": "T-1-r1", "ticket_id": "T-1", "attempt": 1, "state": state, "fence": 1, "harness": "codex",
        "created_at": NOON, "updated_at": NOON,
    }  # fmt: skip
    return Run.model_validate({**given, **told})


def pull(state: str = "open", **told: Any) -> PullRequest:
    given = {
        "repository": "calc", "number": 3, "url": "https://forge.test/calc/pull/3", "title": "x", "branch": "factory/T-1",
        "base": "main", "base_sha": "c" * 40, "head_sha": HEAD, "state": state, "ticket_id": "T-1", "run_id": "T-1-r1",
        "fence": 1, "created_at": NOON, "updated_at": NOON,
    }  # fmt: skip
    return PullRequest.model_validate({**given, **told})


def approval(state: str = "pending", **told: Any) -> Approval:
    given = {
        "id": 1, "run_id": "T-1-r1", "ticket_id": "T-1", "rule": "high-risk-waits", "request_reason": "it is of high risk",
        "requested_at": NOON, "deadline": NOON + timedelta(days=7), "state": state,
    }  # fmt: skip
    return Approval.model_validate({**given, **told})


def report(verdict: Verdict = Verdict.PASS) -> PolicyReport:
    verdicts = (GateVerdict(rule="tests", verdict=verdict, message="ok"),)
    return PolicyReport(
        run_id="T-1-r1", base_sha="c" * 40, tree_sha="d" * 40, verdict=verdict, verdicts=verdicts, judged_at=NOON
    )


FAILED = run(RunState.FAILED, reason_code="verify.failed", reason="two tests failed")
WAITING = run(RunState.AWAITING_APPROVAL)

SAID = [
    (Standpoint(ticket=ticket(Stage.QUEUED)), ItemStatus.OPEN, {FactoryLabel.RUN}, ["In the queue"]),
    (
        Standpoint(ticket=ticket(Stage.BUILDING), run=run()),
        ItemStatus.IN_PROGRESS,
        WORKING,
        ["Started on factory", "codex"],
    ),
    (
        Standpoint(ticket=ticket(Stage.QUEUED, not_before=NOON + timedelta(minutes=5)), run=FAILED),
        ItemStatus.IN_PROGRESS,
        WORKING,
        ["Attempt 1 failed", "two tests failed", "not before 2026-01-01 12:05:00 UTC"],
    ),
    (Standpoint(ticket=ticket(Stage.FAILED), run=FAILED), ItemStatus.IN_PROGRESS, WORKING, ["two tests failed"]),
    (Standpoint(ticket=ticket(Stage.REVIEW), run=run()), ItemStatus.IN_PROGRESS, WORKING, ["being checked"]),
    (
        Standpoint(ticket=ticket(Stage.REVIEW), run=WAITING, approval=approval()),
        ItemStatus.IN_PROGRESS,
        REVIEW,
        ["waits for a person until 2026-01-08 12:00 UTC", "`/approve T-1-r1`", "`/reject T-1-r1 REASON`", "high risk"],
    ),
    (
        Standpoint(
            ticket=ticket(Stage.REVIEW),
            run=WAITING,
            approval=approval(),
            tally=Tally(word=Word.OPEN, approved_by=("ann",), waits_for=("bob",), needed=2),
        ),
        ItemStatus.IN_PROGRESS,
        REVIEW,
        ["1 of 2 approvals so far", "Asked: bob"],
    ),
    (
        Standpoint(ticket=ticket(Stage.REVIEW), run=WAITING, approval=approval("approved", actor="ann")),
        ItemStatus.IN_PROGRESS,
        WORKING,
        ["was approved by ann"],
    ),
    (
        Standpoint(ticket=ticket(Stage.TESTING, completed_at=NOON), pull_request=pull(), report=report()),
        ItemStatus.IN_PROGRESS,
        REVIEW,
        ["[number 3](<https://forge.test/calc/pull/3>)", HEAD, "Verified: ✅ pass"],
    ),
    (
        Standpoint(ticket=ticket(Stage.TESTING, completed_at=NOON), pull_request=pull("closed")),
        ItemStatus.IN_PROGRESS,
        STUCK,
        ["closed without a merge", "/factory retry"],
    ),
    (
        Standpoint(
            ticket=ticket(Stage.SHIPPED),
            pull_request=pull("merged", merge_sha=MERGE, merged_by="ann"),
            report=report(Verdict.WARN),
        ),
        ItemStatus.DONE,
        {FactoryLabel.DONE},
        [HEAD, MERGE, "by ann", "https://forge.test/calc/pull/3", "Verified: ⚠️ warn"],
    ),
    (
        Standpoint(ticket=ticket(Stage.DEAD_LETTER, reason="verify.failed: two tests failed"), run=FAILED),
        ItemStatus.IN_PROGRESS,
        STUCK,
        ["two tests failed", "No further attempt", "/factory retry"],
    ),
    (
        Standpoint(ticket=ticket(Stage.DEAD_LETTER, reason="run.canceled: its item was closed"), run=FAILED),
        ItemStatus.OPEN,
        set(),
        ["Canceled: its item was closed."],
    ),
    (
        Standpoint(ticket=ticket(Stage.DEAD_LETTER, reason="approval.rejected: no"), run=run(RunState.CANCELED)),
        ItemStatus.IN_PROGRESS,
        STUCK,
        ["Rejected: no."],
    ),
]


@pytest.mark.parametrize(("at", "status", "labels", "words"), SAID)
def test_what_is_said(at, status, labels, words) -> None:
    found = progress_of(at)
    assert (found.status, found.labels) == (status, frozenset(labels))
    assert found.text.startswith("**T-1** · ")
    for word in words:
        assert word in found.text
    assert found == progress_of(at)


def test_every_stage_has_words() -> None:
    for stage in Stage:
        assert progress_of(Standpoint(ticket=ticket(stage))).text


def test_nothing_of_a_shipped_ticket_is_claimed_that_is_not_known() -> None:
    found = progress_of(Standpoint(ticket=ticket(Stage.SHIPPED)))
    assert "No check is on record." in found.text


def test_hostile_words_stay_words() -> None:
    for text in (
        progress_of(Standpoint(ticket=ticket(Stage.DEAD_LETTER), run=run(RunState.FAILED, reason=HOSTILE))).text,
        progress_of(Standpoint(ticket=ticket(Stage.QUEUED), notes=(HOSTILE, "x" * 10_000))).text,
        refusal(HOSTILE).text,
    ):
        shown = MarkdownIt("commonmark").render(text)
        assert "<!--" not in text
        assert "<img" not in shown
        assert "<h1" not in shown
        assert "@ann" not in shown
        assert "#7" not in shown
        assert "\u202e" not in text
        assert len(text) < 60_000
    stolen = pull(url="https://forge.test/x>) [click](https://evil.test)")
    text = progress_of(Standpoint(ticket=ticket(Stage.TESTING, completed_at=NOON), pull_request=stolen)).text
    assert 'evil.test"' not in MarkdownIt("commonmark").render(text)
