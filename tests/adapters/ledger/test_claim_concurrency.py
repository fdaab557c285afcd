"""Claim races, with real processes and a connection each."""

import json
import multiprocessing
import time
from collections import Counter
from pathlib import Path

import pytest

from domain.errors import CapacityRefused, LeaseConflict
from tests.adapters.ledger.book import Book, open_book
from tests.adapters.ledger.conformance import in_threads
from tests.adapters.ledger.racer import claim_all

CLAIMERS, TICKETS = 20, 200


def race(url: str, claimers: int) -> list[list[str]]:
    """Start the claimers from a fork server that has imported all, wait until each is connected, let all go at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.adapters.ledger.racer"])
    ready, won = context.Barrier(claimers), context.Queue()
    processes = [context.Process(target=claim_all, args=(url, f"claimer-{n}", ready, won)) for n in range(claimers)]
    for process in processes:
        process.start()
    found = [won.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    return found


@pytest.mark.postgres
def test_twenty_processes_win_each_ticket_once(postgres, postgres_url: str) -> None:
    postgres.empty(postgres_url)
    book = open_book(postgres_url)
    for _ in range(TICKETS):
        book.file()
    won = race(postgres_url, CLAIMERS)
    tickets = [ticket for one in won for ticket in one]
    assert Counter(tickets) == Counter(f"T-{number}" for number in range(1, TICKETS + 1))
    assert sum(bool(one) for one in won) > 1
    leases = book.oversight.live_leases()
    assert len(leases) == TICKETS
    assert {lease.fence for lease in leases} == {1}
    book.engine.dispose()


def test_four_processes_share_a_sqlite_file(tmp_path: Path, migrated_file: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(migrated_file.read_bytes())
    book = open_book(f"sqlite:///{path}")
    for _ in range(40):
        book.file()
    won = race(f"sqlite:///{path}", 4)
    assert Counter(ticket for one in won for ticket in one) == Counter(f"T-{number}" for number in range(1, 41))
    book.engine.dispose()


def test_one_ticket_has_one_winner(book: Book) -> None:
    ticket = book.file()
    answers = in_threads(8, lambda _: book.claim(ticket))
    refused = [answer for answer in answers if isinstance(answer, LeaseConflict)]
    assert len(refused) == 7
    assert len({json.dumps(one.details) for one in refused}) == 1


def test_one_lock_and_one_limit_hold_under_a_race(book: Book) -> None:
    same_lock = [book.file(lock="repo") for _ in range(8)]
    answers = in_threads(8, lambda index: book.claim(same_lock[index]))
    assert sum(isinstance(answer, CapacityRefused) for answer in answers) == 7
    others = [book.file() for _ in range(8)]
    answers = in_threads(8, lambda index: book.claim(others[index], max_running=3))
    assert sum(isinstance(answer, CapacityRefused) for answer in answers) == 6
    assert len(book.oversight.live_leases()) == 3


@pytest.mark.postgres
def test_dependents_survive_racing_dependencies(postgres, postgres_url: str) -> None:
    """Both sides of many diamonds finish at once: every count ends right, deadlocks are retried."""
    postgres.empty(postgres_url)
    book = open_book(postgres_url)
    sides = [book.collected() for _ in range(4)]
    bottoms = [book.file(deps=[side.ticket_id for side in sides]) for _ in range(10)]

    def finish(index: int) -> object:
        return book.backlog.complete_ticket(sides[index], verified=True, now=book.now)

    assert not [one for one in in_threads(4, finish) if isinstance(one, Exception)]
    assert all(book.ticket(bottom.id).blocked_on == () for bottom in bottoms)
    assert len(book.backlog.fetch_ready(limit=20, now=book.now)) == 10
    book.engine.dispose()


@pytest.mark.postgres
def test_claims_stay_flat_as_the_backlog_grows(postgres, postgres_url: str) -> None:
    """Ten claims out of 100 and out of 50 000 ready tickets cost about the same."""
    postgres.empty(postgres_url)
    book = open_book(postgres_url)
    book.file("seed")
    names = [row[0] for row in book.sql(COLUMNS)]

    def grow(start: int, end: int) -> None:
        changed = {"id": "'T-' || n", "seq": "n", "idempotency_key": "'k' || n", "lock": "'l' || n"}
        values = ", ".join(changed.get(name, name) for name in names)
        book.sql(
            f"INSERT INTO tickets ({', '.join(names)}) SELECT {values} FROM tickets, generate_series({start}, {end}) n "
            "WHERE tickets.id = 'T-1'"
        )
        book.sql("ANALYZE tickets")

    def seconds() -> float:
        times = []
        for _ in range(10):
            before = time.perf_counter()
            assert book.claim() is not None
            times.append(time.perf_counter() - before)
        return sorted(times)[3]

    grow(2, 100)
    book.claim(), book.claim()
    few = seconds()
    grow(101, 50_000)
    assert seconds() < 5 * few + 0.005
    book.engine.dispose()


COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = 'tickets' ORDER BY ordinal_position"
