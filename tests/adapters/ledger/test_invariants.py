"""Illegal states are unstorable: each is tried with raw SQL, past all of our code."""

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from adapters.ledger.claims import ready_query
from adapters.ledger.schema import leases, tickets
from domain.tickets import Priority
from tests.adapters.ledger.book import NOON, Book, pull_request_of
from tests.adapters.ledger.conformance import in_threads
from tests.adapters.ledger.inbox_conformance import delivery_of, governance_of


def copy_of(table: str, **changed: str) -> str:
    """Insert a second row like the first, but for what is told; serial keys get their own value."""
    names = [column.name for column in tickets.metadata.tables[table].columns]
    kept = [name for name in names if name not in {"id", "seq"} or name in changed]
    values = ", ".join(changed.get(name, name) for name in kept)
    return f"INSERT INTO {table} ({', '.join(kept)}) SELECT {values} FROM {table} LIMIT 1"


def refuses(book: Book, statement: str) -> None:
    with pytest.raises(IntegrityError):
        book.sql(statement)


def test_one_ticket_per_idempotency_key(book: Book) -> None:
    book.file()
    refuses(book, copy_of("tickets", id="'T-9'", seq="9"))
    book.sql(copy_of("tickets", id="'T-9'", seq="9", product_id="'other'"))


def test_run_ids_and_attempts_are_unique(book: Book) -> None:
    book.dead()
    refuses(book, copy_of("runs", id="id", attempt="2"))
    refuses(book, copy_of("runs", id="'T-1-r9'"))


def test_one_live_lease_per_ticket_and_per_lock(book: Book) -> None:
    book.leased(book.file(lock="L"))
    other = book.file(lock="M")
    refuses(book, copy_of("leases", fence="2", lock="'other'"))
    refuses(book, copy_of("leases", ticket_id=f"'{other.id}'"))
    book.sql(copy_of("leases", ticket_id=f"'{other.id}'", lock="'M'"))


def test_one_open_run_per_ticket(book: Book) -> None:
    book.leased()
    refuses(book, copy_of("runs", id="'T-1-r2'", attempt="2"))
    book.sql(copy_of("runs", id="'T-1-r2'", attempt="2", state="'failed'"))


def test_one_open_pull_request_per_ticket_and_one_row_per_number(book: Book) -> None:
    lease = book.started()
    book.evidence.save_pull_request(lease, pull_request_of(lease), now=NOON)
    refuses(book, copy_of("pull_requests", number="9"))
    refuses(book, copy_of("pull_requests", state="'closed'"))


def test_one_pending_approval_per_run(book: Book) -> None:
    book.waiting()
    refuses(book, copy_of("approvals"))


def test_one_delivery_per_id_and_one_run_per_dagster_run(book: Book) -> None:
    book.started()
    book.inbox.take(delivery_of())
    refuses(book, copy_of("deliveries", id="id"))
    refuses(book, copy_of("run_dagster_runs"))


def test_one_governance_report_per_pull_request_head_and_policy(book: Book) -> None:
    book.governance.save(governance_of("G-1"))
    refuses(book, copy_of("governance_reports", id="'G-2'"))
    book.sql(copy_of("governance_reports", id="'G-3'", number="NULL"))
    book.sql(copy_of("governance_reports", id="'G-4'", number="NULL"))


@pytest.mark.parametrize(
    ("table", "column"),
    [("tickets", "stage"), ("tickets", "risk"), ("runs", "state"), ("approvals", "state"), ("deliveries", "state")],
)
def test_unknown_states_are_refused(book: Book, table: str, column: str) -> None:
    book.waiting()
    book.inbox.take(delivery_of())
    refuses(book, f"UPDATE {table} SET {column} = 'nonsense'")


@pytest.mark.parametrize(
    "statement",
    [
        copy_of("leases", run_id="'T-9-r9'", fence="9", released_at="granted_at"),
        copy_of("leases", ticket_id="'T-9'", fence="9", released_at="granted_at"),
        copy_of("runs", id="'x'", ticket_id="'T-9'"),
        copy_of("run_events", run_id="'T-9-r9'"),
        "INSERT INTO ticket_dependencies (ticket_id, depends_on) VALUES ('T-1', 'T-9')",
        "INSERT INTO ticket_dependencies (ticket_id, depends_on) VALUES ('T-1', 'T-1')",
        "DELETE FROM tickets",
    ],
)
def test_nothing_points_nowhere(book: Book, statement: str) -> None:
    book.leased()
    refuses(book, statement)


@pytest.mark.parametrize("statement", ["UPDATE run_events SET actor = 'me'", "DELETE FROM run_events"])
def test_events_are_append_only(book: Book, statement: str) -> None:
    book.file()
    with pytest.raises(DBAPIError, match="append-only"):
        book.sql(statement)
    assert book.events() == ["ticket_created"]


@pytest.mark.parametrize("change", ["id = 'T-9'", "manifest = '{}'", "manifest_sha256 = 'x'"])
def test_a_tickets_identity_and_manifest_never_change(book: Book, change: str) -> None:
    before = book.file()
    with pytest.raises(DBAPIError, match="never change"):
        book.sql(f"UPDATE tickets SET {change}")
    assert book.ticket("T-1") == before


def test_every_row_carries_product_and_version(book: Book) -> None:
    for table in tickets.metadata.tables:
        columns = {column["name"]: column for column in inspect(book.engine).get_columns(table)}
        assert columns["product_id"]["nullable"] is False, table
        assert columns["schema_version"]["nullable"] is False, table


def test_ready_tickets_are_found_by_their_own_index(book: Book) -> None:
    """The claim's cost does not grow with the backlog: no sort, no scan of the table."""
    for priority in Priority:
        book.file(priority=priority)
    held = select(leases.c.lock).where(leases.c.released_at.is_(None))
    query = ready_query(NOON).where(tickets.c.lock.not_in(held)).limit(1)
    asked = query.compile(book.engine, compile_kwargs={"literal_binds": True})
    with book.engine.begin() as connection:
        if book.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # four rows are not worth an index
            plan = str(connection.exec_driver_sql(f"EXPLAIN {asked}").all())
        else:
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").all())
    assert "ix_tickets_ready" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


def test_threads_share_a_ledger_without_losing_a_ticket(book: Book) -> None:
    for _ in range(12):
        book.file()
    won = in_threads(6, lambda _: [book.claim().ticket_id, book.claim().ticket_id])
    assert sorted(ticket for one in won for ticket in one) == sorted(f"T-{number}" for number in range(1, 13))
