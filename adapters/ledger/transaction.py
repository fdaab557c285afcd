"""One write transaction: what every step of it needs, its events, and its refusal."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError

from adapters.ledger.engine import opened
from adapters.ledger.schema import run_events
from domain.errors import IllegalTransition, LedgerUnavailable, NotPermitted
from domain.events import check_event
from domain.lifecycle import Component

TRIES: Final = 3
_COLLISIONS: Final = frozenset({"40001", "40P01"})  #: serialization failure, deadlock: Postgres asks to try again
_Result = TypeVar("_Result")


@dataclass
class Unit:
    """One transaction of one component at one time; its events are written last, in one statement."""

    conn: Connection
    now: datetime
    by: Component
    actor: str = "factory"
    events: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)

    def note(self, name: str, *, ticket_id: str | None = None, run_id: str | None = None, **payload: Any) -> None:
        """Add an event of the catalogue, by this unit's component and actor."""
        self.events.append(self.event(name, payload, ticket_id=ticket_id, run_id=run_id))

    def event(self, name: str, payload: dict[str, Any], *, ticket_id: str | None, run_id: str | None) -> dict[str, Any]:
        return {
            "name": name,
            "event_version": check_event(name, payload).version,
            "at": self.now,
            "ticket_id": ticket_id,
            "run_id": run_id,
            "actor": self.actor,
            "component": self.by.value,
            "payload": payload,
        }

    def flush(self) -> None:
        if self.events:
            self.conn.execute(insert(run_events), self.events)
            self.events = []

    @property
    def on_postgres(self) -> bool:
        return self.conn.dialect.name == "postgresql"


def transact(
    engine: Engine, work: Callable[[Unit], _Result], *, now: datetime, by: Component, actor: str = "factory"
) -> _Result:
    """Run `work` in one transaction; a refused lifecycle move is undone and recorded before it is raised."""
    for tries_left in reversed(range(TRIES)):
        unit: Unit | None = None
        try:
            with opened(engine, writing=True) as conn:
                unit = Unit(conn, now, by, actor)
                result = work(unit)
                unit.flush()
            return result
        except LedgerUnavailable as error:
            if not tries_left or not _collided(error):
                raise
        except (IllegalTransition, NotPermitted):
            if unit is not None and unit.refusals:
                with opened(engine, writing=True) as conn:
                    conn.execute(insert(run_events), unit.refusals)
            raise
    raise AssertionError("unreachable: the last try returns or raises")


def _collided(error: LedgerUnavailable) -> bool:
    cause = error.__cause__
    return isinstance(cause, OperationalError) and getattr(cause.orig, "sqlstate", None) in _COLLISIONS


def insert_or_skip(conn: Connection, table: Table, values: dict[str, Any]) -> Any:
    """Insert a row unless it breaks a unique index; return its primary key's first column, or None."""
    key = next(iter(table.primary_key.columns))
    return conn.execute(
        _insert(conn, table).values(values).on_conflict_do_nothing().returning(key)
    ).scalar_one_or_none()


def upsert(
    conn: Connection, table: Table, values: dict[str, Any], *, keys: tuple[str, ...], keep: tuple[str, ...] = ()
) -> None:
    """Insert a row, or update the one with the same `keys`; columns in `keep` stay as first written."""
    fresh = {name: value for name, value in values.items() if name not in {*keys, *keep}}
    conn.execute(_insert(conn, table).values(values).on_conflict_do_update(index_elements=list(keys), set_=fresh))


def _insert(conn: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)
