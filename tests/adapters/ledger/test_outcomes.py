"""What routing and KPIs learn of a run, and narrowed timelines, on every database."""

from datetime import timedelta

import pytest

from domain.execution import RunFacts, Usage
from domain.governance import Verdict
from domain.lifecycle import RunState
from tests.adapters.ledger.book import Book
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


def test_a_timeline_can_be_narrowed_to_names(book: Book) -> None:
    dead, other = book.dead(), book.dead()
    names = ["dead_lettered", "ticket_created"]
    found = book.lookup.timeline(ticket_id=dead.id, names=names)
    assert [(one.name, one.ticket_id) for one in found] == [("ticket_created", dead.id), ("dead_lettered", dead.id)]
    every = book.lookup.timeline(names=["dead_lettered"])
    assert [one.ticket_id for one in every] == [dead.id, other.id]
    assert book.lookup.timeline(names=["dead_lettered"], after_seq=every[0].seq, limit=1) == every[1:]
    assert book.lookup.timeline(names=["' OR 1=1 --"]) == []
