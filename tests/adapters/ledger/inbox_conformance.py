"""What every ledger promises of webhook deliveries and of governance's reports."""

from datetime import timedelta
from typing import Any

import pytest

from domain.deliveries import Delivery, DeliveryState
from domain.errors import NotFound
from domain.execution import ArtifactRef
from domain.findings import Severity
from domain.governance import Verdict
from domain.governed import GovernanceReport, RuleVerdict, ToolCost
from tests.adapters.ledger.book import NOON, Book
from tests.adapters.ledger.conformance import in_threads

BODY = ArtifactRef(sha256="b" * 64, kind="webhook", size=2, name="body.json")
HOSTILE = "NUL \0, lone \ud800, quote '\", snowman \N{SNOWMAN}, \u202e"

SHOWN = HOSTILE.replace("\ud800", "")  #: what a rule may say


def delivery_of(name: str = "d-1", *, after: float = 0, **more: Any) -> Delivery:
    told = {"id": name, "forge": "github", "event": "issues", "repository": "calc", "body": BODY, **more}
    return Delivery(received_at=NOON + timedelta(seconds=after), **told)


def governance_of(name: str, *, head: str = "a", after: float = 0, **more: Any) -> GovernanceReport:
    rule = RuleVerdict(
        rule="sast", verdict=Verdict.FAIL, severity=Severity.HIGH, mandatory=True, message=SHOWN, command="x"
    )
    told: dict[str, Any] = {
        "id": name,
        "repository": "calc",
        "number": 7,
        "base_sha": "0" * 40,
        "head_sha": head * 40,
        "policy_sha256": "f" * 64,
        "verdict": Verdict.FAIL,
        "verdicts": (rule,),
        "tools": (ToolCost(scanner="bandit", seconds=1.5),),
        "seconds": 2.5,
        "judged_at": NOON + timedelta(seconds=after),
    }
    return GovernanceReport.model_validate({**told, **more})


class InboxConformance:
    def test_a_delivery_comes_back_as_it_was(self, book: Book) -> None:
        assert book.inbox.take(delivery_of(action="opened"))
        assert book.inbox.find("d-1") == delivery_of(action="opened")
        assert book.inbox.waiting(now=NOON) == [delivery_of(action="opened")]

    def test_a_known_delivery_changes_nothing(self, book: Book) -> None:
        book.inbox.take(delivery_of())
        book.inbox.settle("d-1", DeliveryState.DONE, "filed", now=NOON)
        before = book.inbox.find("d-1")
        assert not book.inbox.take(delivery_of(event="push", after=9))
        assert book.inbox.find("d-1") == before

    def test_concurrent_senders_of_one_delivery_make_one_row(self, book: Book) -> None:
        found = in_threads(8, lambda _: book.inbox.take(delivery_of()))
        assert sorted(found) == [False] * 7 + [True]
        assert len(book.inbox.newest()) == 1

    def test_a_delivery_is_stored_as_waiting_whatever_it_says(self, book: Book) -> None:
        book.inbox.take(delivery_of(state="done", outcome="lies", attempts=9, settled_at=NOON, retry_at=NOON))
        assert book.inbox.find("d-1") == delivery_of()

    def test_the_oldest_is_decided_first_and_the_newest_shown_first(self, book: Book) -> None:
        for name, after in (("d-3", 3), ("d-1", 1), ("d-2", 2)):
            book.inbox.take(delivery_of(name, after=after))
        assert [one.id for one in book.inbox.waiting(now=NOON)] == ["d-1", "d-2", "d-3"]
        assert [one.id for one in book.inbox.waiting(now=NOON, limit=2)] == ["d-1", "d-2"]
        assert [one.id for one in book.inbox.newest(limit=2)] == ["d-3", "d-2"]

    @pytest.mark.parametrize("state", [DeliveryState.DONE, DeliveryState.IGNORED, DeliveryState.FAILED])
    def test_what_is_settled_waits_no_more(self, book: Book, state: DeliveryState) -> None:
        book.inbox.take(delivery_of())
        book.inbox.settle("d-1", state, "why", now=book.move(5))
        found = book.inbox.find("d-1")
        assert (found.state, found.outcome, found.settled_at) == (state, "why", book.now)
        assert found.attempts == (1 if state is DeliveryState.FAILED else 0)
        assert book.inbox.waiting(now=book.move(9999)) == []
        assert book.inbox.newest(state=state) == [found]
        assert book.inbox.newest(state=DeliveryState.WAITING) == []

    def test_what_failed_rests_and_holds_nobody_up(self, book: Book) -> None:
        book.inbox.take(delivery_of("d-1"))
        book.inbox.take(delivery_of("d-2", after=1))
        later = NOON + timedelta(seconds=60)
        book.inbox.settle("d-1", DeliveryState.WAITING, "offline", now=NOON, retry_at=later)
        assert [one.id for one in book.inbox.waiting(now=later - timedelta(seconds=1), limit=1)] == ["d-2"]
        assert [one.id for one in book.inbox.waiting(now=later, limit=1)] == ["d-1"]
        found = book.inbox.find("d-1")
        assert (found.attempts, found.outcome, found.retry_at) == (1, "offline", later)

    def test_what_is_settled_is_not_unsettled_by_who_was_slower(self, book: Book) -> None:
        book.inbox.take(delivery_of())
        book.inbox.settle("d-1", DeliveryState.DONE, "filed", now=NOON)
        book.inbox.settle("d-1", DeliveryState.WAITING, "offline", now=NOON, retry_at=NOON)
        assert (book.inbox.find("d-1").state, book.inbox.find("d-1").outcome) == (DeliveryState.DONE, "filed")

    def test_replay_begins_anew(self, book: Book) -> None:
        book.inbox.take(delivery_of())
        book.inbox.settle("d-1", DeliveryState.WAITING, "offline", now=NOON, retry_at=NOON)
        book.inbox.settle("d-1", DeliveryState.FAILED, "gave up", now=NOON)
        assert book.inbox.replay("d-1") == delivery_of()
        assert book.inbox.waiting(now=NOON) == [delivery_of()]

    def test_an_unknown_delivery_is_not_found(self, book: Book) -> None:
        for ask in (
            lambda: book.inbox.find("d-9"),
            lambda: book.inbox.replay("d-9"),
            lambda: book.inbox.settle("d-9", DeliveryState.DONE, "", now=NOON),
        ):
            with pytest.raises(NotFound):
                ask()

    def test_counts_by_event_and_state(self, book: Book) -> None:
        assert book.inbox.counts() == {}
        for number, event in enumerate(("push", "push", "issues")):
            book.inbox.take(delivery_of(f"d-{number}", event=event))
        book.inbox.settle("d-1", DeliveryState.IGNORED, "nobody wants it", now=NOON)
        waits, ignored = DeliveryState.WAITING, DeliveryState.IGNORED
        assert book.inbox.counts() == {"issues": {waits: 1}, "push": {waits: 1, ignored: 1}}

    def test_hostile_words_are_kept_and_bounded(self, book: Book) -> None:
        book.inbox.take(delivery_of(action="o\0p"))
        book.inbox.settle("d-1", DeliveryState.FAILED, HOSTILE + "x" * 1_000_000, now=NOON)
        assert book.inbox.find("d-1").outcome.startswith("NUL \ufffd")
        assert len(book.inbox.find("d-1").outcome) == 2_000


class GovernanceConformance:
    def test_a_report_comes_back_as_it_was(self, book: Book) -> None:
        report = governance_of("G-1", facts=BODY, advice="looks fine to me")
        book.governance.save(report)
        assert book.governance.find("G-1") == report
        with pytest.raises(NotFound):
            book.governance.find("G-2")

    def test_one_of_the_same_id_is_replaced(self, book: Book) -> None:
        book.governance.save(governance_of("G-1"))
        again = governance_of("G-1", verdict=Verdict.PASS, after=5)
        book.governance.save(again)
        assert book.governance.reports() == [again]

    def test_one_of_the_same_head_and_policy_is_replaced(self, book: Book) -> None:
        book.governance.save(governance_of("G-1"))
        book.governance.save(governance_of("G-2", after=1))
        book.governance.save(governance_of("G-3", after=2, policy_sha256="e" * 64))
        assert [one.id for one in book.governance.reports()] == ["G-3", "G-2"]
        assert {one.superseded_by for one in book.governance.reports()} == {None}

    def test_a_head_that_moved_supersedes(self, book: Book) -> None:
        book.governance.save(governance_of("G-1", head="a"))
        book.governance.save(governance_of("G-9", number=8))
        book.governance.save(governance_of("G-2", head="b", after=1))
        assert book.governance.find("G-1").superseded_by == "b" * 40
        assert book.governance.find("G-2").superseded_by is None
        assert book.governance.find("G-9").superseded_by is None
        book.governance.save(governance_of("G-1", head="a", after=2))  # pushed back to where it was
        assert book.governance.find("G-1").superseded_by is None
        assert book.governance.find("G-2").superseded_by == "a" * 40

    def test_a_report_that_came_too_late_supersedes_nothing(self, book: Book) -> None:
        book.governance.save(governance_of("G-2", head="b"))
        book.governance.save(governance_of("G-1", head="a", after=1, superseded_by="b" * 40))
        assert book.governance.find("G-2").superseded_by is None
        assert book.governance.find("G-1").superseded_by == "b" * 40

    def test_heads_saved_at_once_leave_one_in_force(self, book: Book) -> None:
        saved = in_threads(6, lambda index: book.governance.save(governance_of(f"G-{index}", head=f"{index}")))
        assert saved == [None] * 6
        assert [one.superseded_by for one in book.governance.reports()].count(None) == 1

    def test_reports_of_a_path_stand_alone(self, book: Book) -> None:
        book.governance.save(governance_of("G-1", number=None))
        book.governance.save(governance_of("G-2", number=None, head="b", after=1))
        assert [one.superseded_by for one in book.governance.reports()] == [None, None]

    def test_reports_can_be_narrowed_newest_first(self, book: Book) -> None:
        for after, (name, repository, number) in enumerate((("G-1", "calc", 1), ("G-2", "calc", 2), ("G-3", "x", 1))):
            book.governance.save(governance_of(name, repository=repository, number=number, after=after))
        names = [one.id for one in book.governance.reports()]
        assert names == ["G-3", "G-2", "G-1"]
        assert [one.id for one in book.governance.reports(repository="calc")] == ["G-2", "G-1"]
        assert [one.id for one in book.governance.reports(repository="calc", number=1)] == ["G-1"]
        assert [one.id for one in book.governance.reports(limit=1)] == ["G-3"]
