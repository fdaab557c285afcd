"""What every ledger promises of heads that are to be judged."""

from datetime import timedelta

import pytest

from domain.errors import LeaseLost
from domain.heads import HeadState, WantedHead
from tests.adapters.ledger.book import LOG, NOON, Book
from tests.adapters.ledger.conformance import in_threads

OLD, NEW, POLICY, OTHER = "1" * 40, "2" * 40, "a" * 64, "b" * 64
LATER = NOON + timedelta(seconds=60)


def want(book: Book, head: str = OLD, policy: str = POLICY, **more: bool) -> bool:
    return book.heads.want("calc", 7, head, policy, now=book.now, **more)


def asked(book: Book) -> WantedHead:
    (head,) = book.heads.due(now=book.now)
    found = book.heads.ask(head, expires_at=LATER)
    assert found is not None
    return found


def row(book: Book) -> WantedHead:
    found = book.heads.find("calc", 7)
    assert found is not None
    return found


class HeadConformance:
    def test_a_head_is_wanted_once(self, book: Book) -> None:
        assert want(book)
        assert not want(book)
        assert [head.head_sha for head in book.heads.due(now=NOON)] == [OLD]
        assert book.heads.find("calc", 8) is None

    def test_asked_for_it_is_due_again_only_when_it_falls_silent(self, book: Book) -> None:
        want(book)
        first = asked(book)
        assert (first.fence, first.tries, first.state) == (1, 1, HeadState.ASKED)
        assert book.heads.due(now=NOON) == []
        assert book.heads.due(now=LATER) == [first]

    def test_only_one_of_many_is_granted(self, book: Book) -> None:
        want(book)
        (head,) = book.heads.due(now=NOON)
        won = in_threads(8, lambda _number: book.heads.ask(head, expires_at=LATER))
        assert sum(found is not None for found in won) == 1

    @pytest.mark.parametrize(("head", "policy"), [(NEW, POLICY), (OLD, OTHER)])
    def test_another_head_or_policy_begins_anew_and_ends_whoever_is_at_it(
        self, book: Book, head: str, policy: str
    ) -> None:
        want(book)
        old = asked(book)
        book.heads.record(old.ref, expires_at=LATER, facts=(LOG, 1.5), report_id="gov-1")
        assert want(book, head, policy)
        with pytest.raises(LeaseLost):
            book.heads.record(old.ref, expires_at=LATER)
        with pytest.raises(LeaseLost):
            book.heads.settle(old.ref, HeadState.TOLD, "", now=NOON)
        found = row(book)
        assert (found.state, found.tries, found.facts, found.report_id) == (HeadState.WANTED, 0, None, None)
        assert found.fence > old.fence

    def test_what_a_run_learns_stays(self, book: Book) -> None:
        want(book)
        ref = asked(book).ref
        book.heads.record(ref, expires_at=LATER, facts=(LOG, 1.5))
        book.heads.record(ref, expires_at=LATER, report_id="gov-1")
        assert (row(book).facts, row(book).seconds, row(book).report_id) == (LOG, 1.5, "gov-1")

    def test_an_older_fence_writes_nothing(self, book: Book) -> None:
        want(book)
        first = asked(book)
        assert book.heads.ask(first, expires_at=LATER) is not None
        with pytest.raises(LeaseLost):
            book.heads.settle(first.ref, HeadState.TOLD, "", now=NOON)
        assert row(book).state is HeadState.ASKED

    def test_put_back_it_waits_for_its_time(self, book: Book) -> None:
        want(book)
        book.heads.settle(asked(book).ref, HeadState.WANTED, "forge.unavailable", now=NOON, not_before=LATER)
        assert book.heads.due(now=NOON) == []
        (again,) = book.heads.due(now=LATER)
        assert (again.tries, again.reason) == (1, "forge.unavailable")

    @pytest.mark.parametrize("state", [HeadState.TOLD, HeadState.FAILED])
    def test_what_is_over_is_wanted_again_only_on_demand(self, book: Book, state: HeadState) -> None:
        want(book)
        book.heads.settle(asked(book).ref, state, "", now=NOON)
        assert not want(book)
        assert book.heads.due(now=LATER) == []
        assert want(book, again=True)
        assert row(book).tries == 0

    def test_opened_again_it_is_judged_again(self, book: Book) -> None:
        want(book)
        book.heads.settle(asked(book).ref, HeadState.GONE, "", now=NOON)
        assert want(book)
