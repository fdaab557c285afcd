"""What routing and KPIs learn of a run, and narrowed timelines, on every database."""

from datetime import timedelta

import pytest

from domain.assignments import Assignment
from domain.errors import IllegalTransition, InvalidInput, NotFound
from domain.execution import EventDraft, RunFacts, Usage
from domain.forge import Edits
from domain.governance import Verdict
from domain.lifecycle import RunState
from domain.profiles import Profile
from domain.routing import Route
from policy.work_order import work_order
from tests.adapters.ledger.book import Book, end_of, pull_request_of
from tests.adapters.ledger.conformance import report_of


def judged(book: Book, *verdicts: Verdict, succeeds: bool = True) -> bool:
    lease = book.collected()
    for number, verdict in enumerate(verdicts):
        report = report_of(lease.run_id, tree=str(number), verdict=verdict)
        later = report.model_copy(update={"judged_at": report.judged_at + timedelta(seconds=number)})
        book.evidence.save_report(lease, later, now=book.now)
    if succeeds:
        book.backlog.complete_ticket(lease, verified=False, now=book.now)
    (outcome,) = book.oversight.outcomes()
    return outcome.verified


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_success_is_verified_by_a_passing_report(book: Book, verdict: Verdict) -> None:
    assert judged(book, verdict) is (verdict in (Verdict.PASS, Verdict.WARN))


def test_the_newest_report_counts(book: Book) -> None:
    assert judged(book, Verdict.FAIL, Verdict.PASS) is True


def test_an_older_pass_does_not_count(book: Book) -> None:
    assert judged(book, Verdict.PASS, Verdict.UNDETERMINED) is False


def test_without_a_report_nothing_is_verified(book: Book) -> None:
    assert judged(book) is False


def test_a_run_that_has_not_succeeded_is_not_verified(book: Book) -> None:
    assert judged(book, Verdict.PASS, succeeds=False) is False


def test_every_run_has_its_row_and_only_its_own_report(book: Book) -> None:
    lease = book.testing()
    failed = book.started(book.file(profile="bugfixer", engine="command"))
    book.learn(failed, RunFacts(usage=Usage(cost_usd=0.5)))
    book.move(7)
    book.fail(failed)
    by_run = {one.run_id: one for one in book.oversight.outcomes()}
    row = by_run[failed.run_id]
    assert (row.harness, row.profile, row.repository, row.seconds) == ("command", "bugfixer", "calc", 7.0)
    assert (row.usage.cost_usd, row.verified, row.state) == (0.5, False, RunState.FAILED)
    assert set(by_run) == {lease.run_id, failed.run_id}


def test_the_profile_a_run_was_assigned_with_is_told(book: Book) -> None:
    profile = Profile(name="qa", version=1, persona="x" * 200)
    ticket = book.file(profile="bugfixer", engine="codex")
    order = work_order(ticket.manifest, profile)
    chosen = Assignment(harness="codex", order=order, route=Route(ticket_id=ticket.id, reason="it can"))
    book.leased(ticket, assignment=chosen)
    assert [(one.harness, one.profile, one.task_class) for one in book.oversight.outcomes()] == [("codex", "qa", "qa")]


@pytest.mark.parametrize("assigned", [True, False])
def test_without_a_profile_there_is_none(book: Book, assigned: bool) -> None:
    ticket = book.file()
    order = work_order(ticket.manifest, None)
    chosen = Assignment(harness="command", order=order, route=Route(ticket_id=ticket.id, reason="it can"))
    book.leased(ticket, **({"assignment": chosen} if assigned else {}))
    assert [(one.profile, one.task_class) for one in book.oversight.outcomes()] == [(None, "plain")]


@pytest.mark.parametrize(("edits", "rate"), [(Edits(differing=1, merged=4), 0.25), (Edits(differing=0, merged=4), 0.0),
                                             (Edits(differing=9, merged=4), 1.0), (None, None)])  # fmt: skip
def test_a_merge_rates_the_run_of_its_pull_request_alone(book: Book, edits: Edits | None, rate: float | None) -> None:
    ticket, other = book.file(), book.testing()
    book.fail(book.started(ticket), end_of(retry_at=book.now))
    lease = book.testing(book.ticket(ticket.id))
    assert {one.human_edit_rate for one in book.oversight.outcomes()} == {None}
    book.operators.ship(lease.ticket_id, actor="ann", merge_sha=None, now=book.now, edits=edits)
    rates = {one.run_id: one.human_edit_rate for one in book.oversight.outcomes()}
    assert rates == {f"{ticket.id}-r1": None, lease.run_id: rate, other.run_id: None}


def test_a_refused_merge_rates_nothing(book: Book) -> None:
    lease = book.collected()
    book.evidence.save_pull_request(lease, pull_request_of(lease), now=book.now)
    with pytest.raises(IllegalTransition):
        edits = Edits(differing=1, merged=2)
        book.operators.ship(lease.ticket_id, actor="ann", merge_sha=None, now=book.now, edits=edits)
    assert [one.human_edit_rate for one in book.oversight.outcomes()] == [None]


def test_edits_known_to_the_forge_are_no_part_of_the_stored_pull_request(book: Book) -> None:
    lease = book.collected()
    known = pull_request_of(lease).model_copy(update={"edits": Edits(differing=1, merged=2)})
    book.evidence.save_pull_request(lease, known, now=book.now)
    assert book.lookup.pull_request(lease.ticket_id) == pull_request_of(lease)


def test_a_beat_and_what_is_told_of_it_are_both_written_or_neither(book: Book) -> None:
    draft = EventDraft(name="breaker_reset", payload={"scope": "*", "reason": "x"}, actor="ann", component="person")
    book.oversight.beat("breaker_reset *", now=book.now, told=draft)
    (event,) = book.lookup.timeline()
    assert (event.name, event.actor, event.component, event.at) == ("breaker_reset", "ann", "person", book.now)
    for wrong in ({"name": "nonsense"}, {"payload": {}}):
        with pytest.raises(InvalidInput):
            book.oversight.beat("breaker_reset *", now=book.move(9), told=draft.model_copy(update=wrong))
    assert book.oversight.last_beat("breaker_reset *") == event.at
    assert len(book.lookup.timeline()) == 1


@pytest.mark.parametrize("name", ["\udcff", "T-1\ud800", "T-1\0", "\0", "x" * 1_000_000, "T-1'; --", "ト"])
def test_no_name_that_can_be_typed_is_more_than_not_found(book: Book, name: str) -> None:
    book.testing()
    for find in (book.lookup.ticket, book.lookup.repository):
        with pytest.raises(NotFound):
            find(name)
    assert book.runs.find_run(run_id=name) is None
    assert book.runs.find_run(dagster_run_id=name) is None
    assert book.lookup.tickets(repository=name) == []
    assert book.lookup.runs(ticket_id=name) == []
    assert book.lookup.timeline(ticket_id=name, names=[name]) == []
    assert book.lookup.evidence(name) == ([], None)
    assert book.lookup.pull_request(name) is None
    assert book.oversight.approvals(run_id=name) == []
    assert book.oversight.last_beat(name) is None
    with pytest.raises(NotFound):
        book.operators.request_cancel(name, actor=name, reason=name, now=book.now)


def test_a_timeline_can_be_narrowed_to_names(book: Book) -> None:
    dead, other = book.dead(), book.dead()
    names = ["dead_lettered", "ticket_created"]
    found = book.lookup.timeline(ticket_id=dead.id, names=names)
    assert [(one.name, one.ticket_id) for one in found] == [("ticket_created", dead.id), ("dead_lettered", dead.id)]
    every = book.lookup.timeline(names=["dead_lettered"])
    assert [one.ticket_id for one in every] == [dead.id, other.id]
    assert book.lookup.timeline(names=["dead_lettered"], after_seq=every[0].seq, limit=1) == every[1:]
    assert book.lookup.timeline(names=["' OR 1=1 --"]) == []
