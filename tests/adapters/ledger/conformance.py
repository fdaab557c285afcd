"""What every ledger promises, whatever database it lies in. `test_conformance.py` runs it on each."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.errors import (
    ApprovalRefused,
    CapacityRefused,
    DependencyCycle,
    IdempotencyConflict,
    IllegalTransition,
    InvalidInput,
    LeaseConflict,
    LeaseExpired,
    LeaseLost,
    NotFound,
    NotPermitted,
    NotReady,
    Paused,
    TimedOut,
)
from domain.execution import ArtifactRef, EventDraft, LeaseRef, RunEnvironment, RunFacts, SandboxRef, Step, Usage
from domain.forge import PullRequestState
from domain.governance import ApprovalState, CheckResult, Origin, PolicyReport, Verdict
from domain.lifecycle import Component, RunState, Stage
from domain.repositories import Repository, RepositorySettings
from domain.tickets import Risk, Ticket, Tier
from tests.adapters.ledger.book import LOG, NOON, PATCH, SHA, TTL, Book, draft_of, end_of, pull_request_of

ENVIRONMENT = RunEnvironment(
    base_sha=SHA, sandbox="process", image_digest="none", tool_versions={"git": "2"}, profile_sha256="e" * 64
)


def report_of(run_id: str, *, tree: str = "d", verdict: Verdict = Verdict.PASS) -> PolicyReport:
    shas = {"base_sha": SHA, "tree_sha": tree * 40}
    return PolicyReport(run_id=run_id, verdict=verdict, verdicts=(), judged_at=NOON, **shas)


class CreateConformance:
    def test_create_ticket_success(self, book: Book) -> None:
        ticket, new = book.backlog.create_ticket(draft_of(priority="high"), now=NOON)
        assert new
        assert (ticket.id, ticket.stage, ticket.created_by, ticket.fence) == ("T-1", Stage.QUEUED, "ann", 0)
        assert book.ticket("T-1") == ticket
        assert book.events("T-1") == ["ticket_created"]

    def test_create_ticket_conflict(self, book: Book) -> None:
        book.file("k")
        with pytest.raises(IdempotencyConflict) as caught:
            book.file("k", body="something else")
        assert caught.value.details == {"ticket": "T-1"}
        assert len(book.lookup.tickets()) == 1

    def test_the_same_key_and_content_is_the_same_ticket(self, book: Book) -> None:
        first, _ = book.backlog.create_ticket(draft_of(), now=NOON)
        again, new = book.backlog.create_ticket(draft_of(), now=NOON + timedelta(hours=1))
        assert (again, new) == (first, False)
        assert book.events() == ["ticket_created"]
        assert book.file("other").id == "T-2"

    def test_concurrent_creators_with_one_key_make_one_ticket(self, book: Book) -> None:
        found = in_threads(8, lambda _: book.backlog.create_ticket(draft_of(), now=NOON))
        assert sorted(new for _, new in found) == [False] * 7 + [True]
        assert {ticket.id for ticket, _ in found} == {"T-1"}
        assert len(book.lookup.tickets()) == 1

    def test_every_word_of_a_manifest_comes_back(self, book: Book) -> None:
        front = {
            "body": "null \0, snowman \N{SNOWMAN}, quote '\" and \\u0000",
            "acceptance": [{"text": "works", "check": "true"}, "pretty"],
            "timeout": "90s",
            "retry": {"max": 5, "backoff": "1m", "on": ["timeout"]},
            "review-policy": {"reviewers": ["ann"]},
            "verify-only": ["true"],
        }
        ticket = book.file(**front)
        assert book.ticket(ticket.id).manifest == draft_of(**front).manifest

    def test_an_unknown_dependency_is_refused(self, book: Book) -> None:
        with pytest.raises(NotFound):
            book.file(deps=["T-99"])
        assert book.lookup.tickets() == []

    def test_a_cycle_is_refused_with_its_path(self, book: Book) -> None:
        with pytest.raises(DependencyCycle, match="T-1 -> T-1"):
            book.file(deps=["T-1"])


class ReadyConformance:
    def test_fetch_ready_success(self, book: Book) -> None:
        names = ["low", "medium", "critical", "medium", "high"]
        for priority in names:
            book.file(priority=priority)
        ready = [ticket.id for ticket in book.backlog.fetch_ready(limit=10, now=NOON)]
        assert ready == ["T-3", "T-5", "T-2", "T-4", "T-1"]
        assert [one.id for one in book.backlog.fetch_ready(limit=2, now=NOON)] == ["T-3", "T-5"]

    def test_fetch_ready_conflict(self, book: Book) -> None:
        """What is leased, resting or blocked is not offered."""
        book.leased()
        rests = book.fail(book.started(), end_of(retry_at=NOON + timedelta(seconds=30)))
        book.file(deps=[rests.id])
        assert book.backlog.fetch_ready(limit=10, now=book.now) == []
        assert [one.id for one in book.backlog.fetch_ready(limit=10, now=book.move(30))] == [rests.id]

    def test_a_diamond_opens_in_order(self, book: Book) -> None:
        top = book.file()
        left, right = book.file(deps=[top.id]), book.file(deps=[top.id])
        bottom = book.file(deps=[left.id, right.id, left.id])
        assert book.ticket(bottom.id).blocked_on == (left.id, right.id)
        assert self.offered(book) == [top.id]
        book.testing(top)
        assert self.offered(book) == [left.id, right.id]
        book.testing(left)
        assert book.ticket(bottom.id).blocked_on == (right.id,)
        with pytest.raises(NotReady, match="1 of its deps"):
            book.claim(bottom)
        book.testing(right)
        book.operators.ship(right.id, actor="ann", merge_sha=SHA, now=book.now)
        assert self.offered(book) == [bottom.id]

    def test_a_dependency_that_is_canceled_blocks_again(self, book: Book) -> None:
        needed = book.file()
        book.testing(needed)
        then = book.file(deps=[needed.id])
        assert self.offered(book) == [then.id]
        book.operators.request_cancel(needed.id, actor="ann", reason="wrong", now=book.now)
        assert book.ticket(then.id).blocked_on == (needed.id,)
        assert self.offered(book) == []

    def test_a_pause_hides_what_it_covers(self, book: Book) -> None:
        book.file()
        other = book.file(repository="other")
        book.operators.set_paused("calc", True, actor="ann", reason="freeze", now=NOON)
        assert self.offered(book) == [other.id]
        book.operators.set_paused("*", True, actor="ann", reason="fire", now=NOON)
        assert self.offered(book) == []
        assert book.oversight.pauses() == {"*": "fire", "calc": "freeze"}

    def offered(self, book: Book) -> list[str]:
        return [ticket.id for ticket in book.backlog.fetch_ready(limit=10, now=book.now)]


class ClaimConformance:
    def test_claim_ticket_success(self, book: Book) -> None:
        ticket = book.file()
        lease = book.claim(ticket, owner="worker-1", component=Component.DISPATCH)
        assert lease is not None
        assert (lease.run_id, lease.fence, lease.owner) == ("T-1-r1", 1, "worker-1")
        assert lease.expires_at == NOON + timedelta(seconds=TTL)
        stored = book.ticket(ticket.id)
        assert (stored.stage, stored.fence, stored.attempts) == (Stage.ASSIGNED, 1, 1)
        run = book.runs.find_run(run_id="T-1-r1")
        assert run is not None
        assert (run.state, run.fence, run.attempt) == (RunState.CLAIMED, 1, 1)
        assert book.events(ticket.id) == ["ticket_created", "stage_changed", "lease_granted"]
        assert book.oversight.live_leases() == [lease]

    def test_claim_ticket_conflict(self, book: Book) -> None:
        ticket = book.file()
        lease = book.claim(ticket, owner="worker-1")
        assert lease is not None
        before = book.events()
        answers = []
        for _ in range(10):
            with pytest.raises(LeaseConflict) as caught:
                book.claim(ticket, owner="worker-2", by_hand=True)
            answers.append((caught.value.code, caught.value.message, caught.value.details))
        expected = {"ticket": "T-1", "holder": "worker-1", "fence": 1, "expires_at": lease.expires_at.isoformat()}
        assert all(answer == answers[0] for answer in answers)
        assert answers[0][2] == expected
        assert book.events() == before

    def test_the_best_ready_ticket_is_claimed_when_none_is_named(self, book: Book) -> None:
        book.file(priority="low")
        book.file(priority="high", lock="L")
        book.file(priority="medium", lock="L")
        assert [book.claim().ticket_id, book.claim().ticket_id, book.claim()] == ["T-2", "T-1", None]

    def test_an_unknown_ticket_is_not_found(self, book: Book) -> None:
        ghost = Ticket.model_construct(id="T-9")
        with pytest.raises(NotFound):
            book.claim(ghost)

    def test_a_lock_admits_one(self, book: Book) -> None:
        first, second = book.file(lock="repo"), book.file(lock="repo")
        held = book.leased(first)
        with pytest.raises(CapacityRefused):
            book.claim(second)
        book.move(TTL + 1)  # expired, but its process may live: only recovery ends it
        with pytest.raises(CapacityRefused):
            book.claim(second)
        assert book.claim() is None
        book.fail(held, end_of(LeaseExpired("gone")), Component.RECOVERY)
        assert book.ticket(second.id).stage is Stage.QUEUED
        assert book.claim(second) is not None

    def test_limits_are_respected(self, book: Book) -> None:
        for engine in ("command", "command", "other"):
            book.file(engine=engine)
        book.leased(book.ticket("T-1"))
        limits = {"harness_limits": {"command": 1}}
        with pytest.raises(CapacityRefused, match="command"):
            book.claim(book.ticket("T-2"), **limits)
        with pytest.raises(CapacityRefused, match="limit"):
            book.claim(max_running=1)
        assert book.claim(**limits, max_running=2).ticket_id == "T-3"
        assert book.claim(**limits) is None

    def test_a_paused_repository_and_a_paused_factory_refuse(self, book: Book) -> None:
        ticket = book.file()
        book.operators.set_paused("calc", True, actor="ann", reason="freeze", now=NOON)
        with pytest.raises(Paused, match="freeze"):
            book.claim(ticket)
        assert book.claim() is None
        book.operators.set_paused("calc", False, actor="ann", reason="thaw", now=NOON)
        book.operators.set_paused("*", True, actor="ann", reason="fire", now=NOON)
        for named in (ticket, None):
            with pytest.raises(Paused, match="fire"):
                book.claim(named)
        assert book.ticket(ticket.id).stage is Stage.QUEUED
        assert book.events().count("dispatch_paused") == 2

    def test_an_expired_lease_is_ended_by_the_next_claim(self, book: Book) -> None:
        ticket = book.file()
        old = book.started(ticket)
        book.move(TTL)
        new = book.claim(ticket)
        assert new is not None
        assert (new.run_id, new.fence) == ("T-1-r2", 2)
        ended = book.runs.find_run(run_id=old.run_id)
        assert ended is not None
        assert (ended.state, ended.reason_code) == (RunState.FAILED, "lease.expired")
        moves = [e.payload["to"] for e in book.lookup.timeline(ticket_id=ticket.id) if e.name == "stage_changed"]
        assert moves == ["assigned", "building", "failed", "queued", "assigned"]
        with pytest.raises(LeaseLost):
            book.backlog.heartbeat(old, ttl_seconds=TTL, now=book.now)

    def test_an_expired_run_that_should_stop_is_canceled_by_the_next_claim(self, book: Book) -> None:
        ticket = book.file()
        book.started(ticket)
        book.operators.request_cancel(ticket.id, actor="ann", reason="enough", now=book.now)
        book.move(TTL)
        with pytest.raises(NotReady):
            book.claim(ticket)
        assert book.ticket(ticket.id).stage is Stage.DEAD_LETTER
        assert book.runs.find_run(run_id="T-1-r1").state is RunState.CANCELED

    def test_a_hand_takes_a_dead_letter(self, book: Book) -> None:
        dead = book.dead()
        with pytest.raises(NotReady):
            book.claim(dead)
        for component in (Component.EXECUTION, Component.DISPATCH):
            lease = book.claim(dead, by_hand=True, component=component)
            assert lease is not None
            assert book.ticket(dead.id).attempts_base == lease.fence - 1
            book.start(lease.ref)
            book.fail(lease.ref)

    def test_a_refused_hand_leaves_the_ticket_queued(self, book: Book) -> None:
        dead = book.dead(book.file(lock="repo"))
        book.leased(book.file(lock="repo"))
        with pytest.raises(CapacityRefused):
            book.claim(dead, by_hand=True)
        assert book.ticket(dead.id).stage is Stage.QUEUED
        assert book.events(dead.id)[-1] == "ticket_requeued"
        book.operators.request_cancel(dead.id, actor="ann", reason="no", now=book.now)
        book.operators.set_paused("*", True, actor="ann", reason="fire", now=NOON)
        with pytest.raises(Paused):
            book.claim(dead, by_hand=True)
        assert book.ticket(dead.id).stage is Stage.QUEUED


class HeartbeatConformance:
    def test_heartbeat_success(self, book: Book) -> None:
        lease = book.started()
        run = book.backlog.heartbeat(lease, ttl_seconds=TTL, now=book.move(30))
        held = book.oversight.live_leases()[0]
        assert held.expires_at == NOON + timedelta(seconds=90)
        assert (held.renewals, run.id, run.cancel_requested_by) == (1, lease.run_id, None)

    def test_heartbeat_conflict(self, book: Book) -> None:
        lease = book.started()
        stranger = lease.model_copy(update={"fence": 7})
        for ref, seconds in ((stranger, 1), (lease, TTL)):
            with pytest.raises(LeaseLost):
                book.backlog.heartbeat(ref, ttl_seconds=TTL, now=NOON + timedelta(seconds=seconds))
        assert book.oversight.live_leases()[0].expires_at == NOON + timedelta(seconds=TTL)

    def test_it_tells_a_wish_to_stop(self, book: Book) -> None:
        lease = book.started()
        book.operators.request_cancel(lease.ticket_id, actor="ann", reason="enough", now=NOON)
        run = book.backlog.heartbeat(lease, ttl_seconds=TTL, now=NOON)
        assert (run.cancel_requested_by, run.cancel_reason) == ("ann", "enough")
        assert book.ticket(lease.ticket_id).stage is Stage.BUILDING


class EndConformance:
    def test_complete_ticket_success(self, book: Book) -> None:
        lease = book.collected()
        ticket = book.backlog.complete_ticket(lease, verified=True, now=book.move(5))
        assert (ticket.stage, ticket.completed_at) == (Stage.TESTING, book.now)
        run = book.runs.find_run(run_id=lease.run_id)
        assert run is not None
        assert (run.state, run.finished_at) == (RunState.SUCCEEDED, book.now)
        assert book.oversight.live_leases() == []
        before = book.events()
        assert book.backlog.complete_ticket(lease, verified=True, now=book.move(5)) == ticket
        assert book.events() == before

    def test_complete_ticket_conflict(self, book: Book) -> None:
        ticket = book.file()
        old = book.collected(ticket)
        book.move(TTL)
        new = book.started(ticket)
        with pytest.raises(LeaseLost):
            book.backlog.complete_ticket(old, verified=True, now=book.now)
        assert book.ticket(ticket.id).stage is Stage.BUILDING
        assert book.backlog.heartbeat(new, ttl_seconds=TTL, now=book.now).state is RunState.RUNNING

    def test_what_is_not_verified_stays_in_review(self, book: Book) -> None:
        lease = book.collected()
        ticket = book.backlog.complete_ticket(lease, verified=False, now=NOON)
        assert (ticket.stage, ticket.completed_at) == (Stage.REVIEW, NOON)

    @pytest.mark.parametrize("verified", [True, False])
    def test_nothing_collected_cannot_be_complete(self, book: Book, verified: bool) -> None:
        lease = book.started()
        with pytest.raises(IllegalTransition):
            book.backlog.complete_ticket(lease, verified=verified, now=NOON)
        assert book.events()[-1] == "transition_rejected"
        assert book.runs.find_run(run_id=lease.run_id).state is RunState.RUNNING

    def test_fail_ticket_success(self, book: Book) -> None:
        lease = book.started()
        later = NOON + timedelta(seconds=30)
        ticket = book.fail(lease, end_of(TimedOut("slow"), state=RunState.TIMED_OUT, retry_at=later))
        assert (ticket.stage, ticket.not_before, ticket.reason) == (Stage.QUEUED, later, "run.timed_out: slow")
        assert book.runs.find_run(run_id=lease.run_id).state is RunState.TIMED_OUT
        before = book.events()
        assert before[-2:] == ["retry_scheduled", "lease_released"]
        assert book.fail(lease) == ticket
        assert book.events() == before
        book.move(30)
        dead = book.dead(ticket)
        assert (dead.stage, dead.attempts) == (Stage.DEAD_LETTER, 2)
        assert [run.id for run in book.lookup.runs(ticket_id=dead.id)] == ["T-1-r1", "T-1-r2"]
        assert "dead_lettered" in book.events()

    def test_fail_ticket_conflict(self, book: Book) -> None:
        ticket = book.file()
        old = book.started(ticket)
        book.move(TTL)
        with pytest.raises(LeaseLost):
            book.fail(old)  # too late for the holder
        new = book.leased(ticket)
        assert book.fail(old, by=Component.RECOVERY).stage is Stage.ASSIGNED  # its run already ended
        ghost = LeaseRef(ticket_id=ticket.id, run_id=new.run_id, fence=9)
        with pytest.raises(LeaseLost):
            book.fail(ghost, by=Component.RECOVERY)
        assert book.ticket(ticket.id).stage is Stage.ASSIGNED

    def test_recovery_ends_what_expired(self, book: Book) -> None:
        lease = book.leased()
        book.move(TTL + 1)
        ticket = book.fail(lease, end_of(LeaseExpired("gone"), retry_at=book.now), Component.RECOVERY)
        assert ticket.stage is Stage.QUEUED
        assert book.runs.find_run(run_id=lease.run_id).reason_code == "lease.expired"

    def test_a_canceled_run_buries_its_ticket(self, book: Book) -> None:
        ticket = book.fail(book.started(), end_of(state=RunState.CANCELED))
        assert ticket.stage is Stage.DEAD_LETTER

    def test_dispatch_may_not_fail_a_ticket(self, book: Book) -> None:
        lease = book.leased()
        with pytest.raises(NotPermitted):
            book.fail(lease, by=Component.DISPATCH)
        assert book.runs.find_run(run_id=lease.run_id).state is RunState.CLAIMED
        assert book.events()[-1] == "transition_rejected"


class FenceConformance:
    """An old fence, a released lease and an expired one write nothing, by any method."""

    @pytest.mark.parametrize("loss", ["superseded", "released", "expired", "invented"])
    def test_every_write_is_refused(self, book: Book, loss: str) -> None:
        ticket = book.file()
        lease = book.collected(ticket)
        match loss:
            case "superseded":
                book.move(TTL)
                book.leased(ticket)
            case "released":
                book.ask(lease)
                book.decide(lease.run_id)
            case "expired":
                book.move(TTL)
            case _:
                lease = LeaseRef(ticket_id="T-77", run_id="T-77-r1", fence=1)
        before = (book.ticket(ticket.id), book.lookup.runs(), book.events(), book.oversight.live_leases())
        for name, write in self.writes(book, lease).items():
            if (loss, name) in {("released", "ask"), ("superseded", "fail")}:
                write()  # a repeat of what took effect already
                continue
            with pytest.raises(LeaseLost):
                write()
        assert before == (book.ticket(ticket.id), book.lookup.runs(), book.events(), book.oversight.live_leases())
        assert book.lookup.evidence(lease.run_id) == ([], None)
        assert book.lookup.pull_request(ticket.id) is None

    def writes(self, book: Book, lease: LeaseRef) -> dict[str, Callable[[], object]]:
        now = book.now
        note = EventDraft(name="step_started", payload={"step": "launch"})
        return {
            "heartbeat": lambda: book.backlog.heartbeat(lease, ttl_seconds=TTL, now=now),
            "complete": lambda: book.backlog.complete_ticket(lease, verified=True, now=now),
            "fail": lambda: book.fail(lease),
            "start": lambda: book.start(lease, "another"),
            "ask": lambda: book.ask(lease),
            "facts": lambda: book.runs.record_facts(lease, RunFacts(risk=Risk.HIGH), step=None, now=now),
            "event": lambda: book.runs.record_event(note, lease=lease, now=now),
            "adopt": lambda: book.runs.adopt_parent(lease, parent_run_id="T-1-r1", step=Step.SUBMIT, now=now),
            "artifact": lambda: book.evidence.add_artifact(lease, LOG, now=now),
            "report": lambda: book.evidence.save_report(lease, report_of(lease.run_id), now=now),
            "pull request": lambda: book.evidence.save_pull_request(lease, pull_request_of(lease), now=now),
        }


class RunConformance:
    def test_a_start_binds_once(self, book: Book) -> None:
        lease = book.leased()
        run = book.runs.start_run(lease, dagster_run_id="d1", ttl_seconds=90, now=book.move(1))
        assert (run.state, run.dagster_run_ids) == (RunState.RUNNING, ("d1",))
        assert book.ticket(lease.ticket_id).stage is Stage.BUILDING
        held, before = book.oversight.live_leases(), book.events()
        assert held[0].expires_at == book.now + timedelta(seconds=90)
        assert book.runs.start_run(lease, dagster_run_id="d1", ttl_seconds=900, now=book.move(1)) == run
        assert (book.oversight.live_leases(), book.events()) == (held, before)
        with pytest.raises(LeaseConflict):
            book.start(lease, "d2")
        other = book.leased()
        with pytest.raises(LeaseConflict):
            book.start(other, "d1")
        assert book.runs.find_run(dagster_run_id="d1") == run
        assert book.runs.find_run(dagster_run_id="d9") is None
        assert book.runs.find_run() is None

    def test_facts_add_up(self, book: Book) -> None:
        lease = book.started()
        sandbox = SandboxRef(backend="process", id="s-1")
        book.learn(lease, RunFacts(environment=ENVIRONMENT, sandbox=sandbox), Step.PROVISION)
        book.learn(lease, RunFacts(usage=Usage(cost_usd=0.5), outcome=LOG), Step.LAUNCH)
        book.learn(lease, RunFacts(patch=PATCH), Step.COLLECT)
        book.learn(lease, RunFacts(validation=LOG, risk=Risk.HIGH, tier=Tier.SUPERVISED), Step.COLLECT)
        run = book.runs.find_run(run_id=lease.run_id)
        assert run is not None
        assert (run.environment, run.sandbox, run.repository_commit) == (ENVIRONMENT, sandbox, SHA)
        assert (run.patch, run.validation, run.risk, run.tier) == (PATCH, LOG, Risk.HIGH, Tier.SUPERVISED)
        assert (run.usage.cost_usd, run.outcome) == (0.5, LOG)
        assert run.finished_steps == (Step.PROVISION, Step.LAUNCH, Step.COLLECT)
        assert book.ticket(lease.ticket_id).stage is Stage.REVIEW

    def test_events_fit_the_catalogue(self, book: Book) -> None:
        lease = book.started()
        draft = EventDraft(name="step_started", payload={"step": "launch", "words": "\0 \ud800"}, actor="ann")
        book.runs.record_event(draft, lease=lease, now=book.move(1))
        event = book.lookup.timeline()[-1]
        assert (event.name, event.actor, event.at, event.run_id) == ("step_started", "ann", book.now, lease.run_id)
        assert event.payload == draft.payload
        for wrong in (EventDraft(name="nonsense", payload={}), EventDraft(name="step_started", payload={})):
            with pytest.raises(InvalidInput):
                book.runs.record_event(wrong, lease=lease, now=NOON)
        stray = draft.model_copy(update={"ticket_id": "T-9"})
        with pytest.raises(NotFound):
            book.runs.record_event(stray, lease=None, now=NOON)
        assert book.lookup.timeline(after_seq=event.seq) == []
        assert len(book.lookup.timeline(limit=2)) == 2

    def test_a_re_execution_adopts_what_came_before_its_step(self, book: Book) -> None:
        ticket = book.file()
        parent = book.started(ticket)
        book.learn(parent, RunFacts(environment=ENVIRONMENT, outcome=LOG), Step.LAUNCH)
        book.learn(parent, RunFacts(patch=PATCH), Step.COLLECT)
        book.learn(parent, RunFacts(validation=LOG, risk=Risk.LOW))
        book.fail(parent)
        child = book.started(ticket, by_hand=True)
        run = book.runs.adopt_parent(child, parent_run_id=parent.run_id, step=Step.VALIDATE, now=book.now)
        assert (run.patch, run.environment, run.outcome) == (PATCH, ENVIRONMENT, LOG)
        assert (run.validation, run.risk) == (None, None)
        assert (run.parent_run_id, run.adopted_step) == (parent.run_id, Step.VALIDATE)
        assert book.ticket(ticket.id).stage is Stage.REVIEW
        before = book.events()
        assert book.runs.adopt_parent(child, parent_run_id=parent.run_id, step=Step.VALIDATE, now=book.now) == run
        assert book.events() == before
        with pytest.raises(NotFound):
            book.runs.adopt_parent(child, parent_run_id="T-9-r1", step=Step.JUDGE, now=book.now)


class ApprovalConformance:
    def test_an_approved_run_goes_on_under_a_new_fence(self, book: Book) -> None:
        ticket = book.file()
        lease = book.collected(ticket)
        approval = book.ask(lease)
        assert (approval.state, approval.request_reason) == (ApprovalState.PENDING, "high risk")
        assert book.ask(lease) == approval
        assert book.oversight.live_leases() == []
        with pytest.raises(NotReady):
            book.claim(ticket, by_hand=True)
        assert book.oversight.approvals(undispatched=True) == []
        decided = book.decide(lease.run_id)
        assert (decided.state, decided.actor) == (ApprovalState.APPROVED, "ann")
        assert book.oversight.approvals(undispatched=True) == [decided]
        again = book.claim(ticket, component=Component.DISPATCH)
        assert again is not None
        assert (again.run_id, again.fence) == (lease.run_id, 2)
        assert book.oversight.approvals(undispatched=True) == []
        stored = book.ticket(ticket.id)
        assert (stored.stage, stored.attempts) == (Stage.REVIEW, 1)
        assert book.runs.find_run(run_id=lease.run_id).state is RunState.AWAITING_APPROVAL
        run = book.runs.start_run(again.ref, dagster_run_id="d2", ttl_seconds=TTL, now=book.now)
        assert (run.state, run.fence, len(run.dagster_run_ids)) == (RunState.RUNNING, 2, 2)
        second = book.ask(again.ref)
        assert second.id != approval.id
        with pytest.raises(NotReady):
            book.claim(ticket)

    def test_an_approval_outlives_a_launch_that_never_happened(self, book: Book) -> None:
        lease = book.waiting()
        book.decide(lease.run_id)
        book.leased(book.ticket(lease.ticket_id))
        book.move(TTL)
        again = book.claim(book.ticket(lease.ticket_id))
        assert again is not None
        assert (again.run_id, again.fence) == (lease.run_id, 3)

    def test_a_rejected_run_buries_its_ticket(self, book: Book) -> None:
        lease = book.waiting()
        assert book.decide(lease.run_id, approved=False).state is ApprovalState.REJECTED
        ticket = book.ticket(lease.ticket_id)
        assert (ticket.stage, ticket.reason) == (Stage.DEAD_LETTER, "approval.rejected: read it")
        assert book.runs.find_run(run_id=lease.run_id).state is RunState.CANCELED

    @pytest.mark.parametrize("actor", ["factory", "factory-bot", "Factory-Bot ", ""])
    def test_the_factory_does_not_decide(self, book: Book, actor: str) -> None:
        lease = book.waiting()
        with pytest.raises(ApprovalRefused):
            book.decide(lease.run_id, actor=actor)
        assert book.oversight.approvals()[0].state is ApprovalState.PENDING

    def test_a_decision_is_made_once(self, book: Book) -> None:
        lease = book.waiting()
        running = book.started()
        book.decide(lease.run_id)
        for run_id in (lease.run_id, running.run_id):
            with pytest.raises(ApprovalRefused):
                book.decide(run_id, approved=False)
        assert book.events().count("approval_decided") == 1
        assert len(book.oversight.approvals(run_id=lease.run_id)) == 1


class OperatorConformance:
    @pytest.mark.parametrize("where", ["queued", "assigned", "waiting", "relaunched", "testing"])
    def test_what_has_no_live_process_is_canceled_at_once(self, book: Book, where: str) -> None:
        ticket = book.file()
        match where:
            case "assigned":
                book.leased(ticket)
            case "waiting":
                book.waiting(ticket)
            case "relaunched":
                book.decide(book.waiting(ticket).run_id)
                book.leased(ticket)
            case "testing":
                book.testing(ticket)
        canceled = book.operators.request_cancel(ticket.id, actor="ann", reason="enough", now=book.now)
        assert (canceled.stage, canceled.reason) == (Stage.DEAD_LETTER, "run.canceled: enough")
        assert book.oversight.live_leases() == []
        assert book.oversight.approvals(undispatched=True) == []
        assert all(run.state in {RunState.CANCELED, RunState.SUCCEEDED} for run in book.lookup.runs())
        if where == "testing":
            assert book.lookup.pull_request(ticket.id).state is PullRequestState.CLOSED
        audit = [event for event in book.lookup.timeline() if event.name == "cancel_requested"]
        assert [(event.actor, event.payload["reason"]) for event in audit] == [("ann", "enough")]

    def test_a_running_run_is_asked_once(self, book: Book) -> None:
        lease = book.started()
        for actor in ("ann", "bob"):
            book.operators.request_cancel(lease.ticket_id, actor=actor, reason="enough", now=NOON)
        assert book.runs.find_run(run_id=lease.run_id).cancel_requested_by == "ann"
        assert book.events().count("cancel_requested") == 1
        assert len(book.oversight.live_leases()) == 1

    def test_a_dead_letter_is_requeued_with_retries_counted_anew(self, book: Book) -> None:
        dead = book.dead()
        back = book.operators.requeue(dead.id, actor="ann", reason="fixed", now=book.move(5))
        assert (back.stage, back.attempts, back.attempts_base, back.not_before) == (Stage.QUEUED, 1, 1, book.now)
        assert back.reason is None
        with pytest.raises(IllegalTransition):
            book.operators.requeue(dead.id, actor="ann", reason="again", now=book.now)

    def test_shipping_is_a_persons_merge(self, book: Book) -> None:
        lease = book.testing()
        shipped = book.operators.ship(lease.ticket_id, actor="ann", merge_sha="f" * 40, now=book.move(9))
        assert (shipped.stage, shipped.completed_at) == (Stage.SHIPPED, NOON)
        merged = book.lookup.pull_request(lease.ticket_id)
        assert merged is not None
        assert (merged.state, merged.merged_by, merged.merge_sha) == (PullRequestState.MERGED, "ann", "f" * 40)
        assert book.events()[-1] == "ticket_shipped"

    def test_review_ships_only_with_an_open_pull_request(self, book: Book) -> None:
        bare, proposed = book.collected(), book.collected()
        book.evidence.save_pull_request(proposed, pull_request_of(proposed), now=NOON)
        for lease in (bare, proposed):
            with pytest.raises(IllegalTransition, match="ends first"):
                book.operators.ship(lease.ticket_id, actor="ann", merge_sha=None, now=NOON)
            book.backlog.complete_ticket(lease, verified=False, now=NOON)
        with pytest.raises(IllegalTransition, match="no open pull request"):
            book.operators.ship(bare.ticket_id, actor="ann", merge_sha=None, now=NOON)
        assert book.events()[-1] == "transition_rejected"
        shipped = book.operators.ship(proposed.ticket_id, actor="ann", merge_sha=None, now=NOON)
        assert shipped.stage is Stage.SHIPPED

    def test_a_repeated_pause_changes_nothing(self, book: Book) -> None:
        for _ in range(2):
            book.operators.set_paused("*", True, actor="ann", reason="fire", now=NOON)
        for _ in range(2):
            book.operators.set_paused("*", False, actor="ann", reason="out", now=NOON)
        assert book.events() == ["dispatch_paused", "dispatch_resumed"]
        assert book.oversight.pauses() == {}

    def test_repositories_are_enrolled_and_changed(self, book: Book) -> None:
        first = Repository(
            name="calc", source="/s", remote="/r", settings=RepositorySettings(), created_at=NOON, created_by="ann"
        )
        changed = first.model_copy(update={"settings": RepositorySettings(lock="L"), "created_by": "bob"})
        for one in (first, changed):
            book.operators.save_repository(one, actor="ann", now=NOON)
        stored = book.lookup.repository("calc")
        assert (stored.settings.lock, stored.created_by) == ("L", "ann")
        assert book.oversight.repositories() == [stored]
        assert book.events() == ["repository_saved", "repository_saved"]
        with pytest.raises(NotFound):
            book.lookup.repository("nowhere")


class EvidenceConformance:
    def test_an_artifact_is_stored_once(self, book: Book) -> None:
        lease = book.started()
        other = ArtifactRef(sha256=LOG.sha256, kind="transcript", size=3, name="t")
        for ref in (LOG, LOG, other):
            book.evidence.add_artifact(lease, ref, now=NOON)
        artifacts, report = book.lookup.evidence(lease.run_id)
        assert [artifact.ref for artifact in artifacts] == [LOG, other]
        assert (artifacts[0].run_id, artifacts[0].created_at, report) == (lease.run_id, NOON, None)

    def test_the_newest_report_of_a_tree_is_kept(self, book: Book) -> None:
        lease = book.started()
        for tree, verdict in (("d", Verdict.FAIL), ("d", Verdict.PASS)):
            book.evidence.save_report(lease, report_of(lease.run_id, tree=tree, verdict=verdict), now=NOON)
        assert book.lookup.evidence(lease.run_id)[1] == report_of(lease.run_id)
        assert book.sql("SELECT count(*) FROM policy_reports")[0][0] == 1

    def test_a_ticket_has_one_open_pull_request(self, book: Book) -> None:
        lease = book.started()
        first = pull_request_of(lease)
        book.evidence.save_pull_request(lease, first, now=NOON)
        moved = pull_request_of(lease, head_sha="e" * 40)
        book.evidence.save_pull_request(lease, moved, now=NOON)
        assert book.lookup.pull_request(lease.ticket_id) == moved
        second = pull_request_of(lease, number=99)
        book.evidence.save_pull_request(lease, second, now=NOON)
        assert book.lookup.pull_request(lease.ticket_id) == second
        assert book.sql("SELECT count(*) FROM pull_requests WHERE state = 'open'")[0][0] == 1

    def test_a_baseline_is_cached(self, book: Book) -> None:
        key = ("calc", SHA, "f" * 64)
        assert book.evidence.find_baseline(*key) is None
        for code in (1, 0):
            check = CheckResult(command="true", origin=Origin.REPOSITORY, exit_code=code, seconds=0.1)
            book.evidence.save_baseline(*key, [check])
        assert book.evidence.find_baseline(*key) == (check,)

    def test_services_beat(self, book: Book) -> None:
        assert book.oversight.last_beat("dispatch") is None
        for _ in range(2):
            book.oversight.beat("dispatch", now=book.move(1))
        assert book.oversight.last_beat("dispatch") == book.now

    def test_lists_can_be_narrowed(self, book: Book) -> None:
        book.file()
        book.leased(book.file(repository="other"))
        assert [one.id for one in book.lookup.tickets(stage=Stage.QUEUED)] == ["T-1"]
        assert [one.id for one in book.lookup.tickets(repository="other")] == ["T-2"]
        assert [one.id for one in book.lookup.tickets(limit=1)] == ["T-1"]
        assert [one.id for one in book.lookup.runs(state=RunState.CLAIMED)] == ["T-2-r1"]
        assert book.lookup.runs(state=RunState.FAILED) == []


def in_threads(count: int, work: Callable[[int], object]) -> list:
    results: list = [None] * count

    def one(index: int) -> None:
        try:
            results[index] = work(index)
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=one, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
