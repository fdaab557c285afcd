"""Webhook deliveries: Inbox over SQL."""

from collections import defaultdict
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, Select, func, or_, select, update

from adapters.ledger.engine import opened
from adapters.ledger.rows import delivery_of, many, one
from adapters.ledger.schema_reviews import deliveries
from adapters.ledger.transaction import insert_or_skip
from domain.deliveries import Delivery, DeliveryState
from domain.errors import NotFound

LONGEST_OUTCOME: Final = 2_000  #: characters
UNDECIDED: Final = {"state": DeliveryState.WAITING, "outcome": "", "settled_at": None, "retry_at": None, "attempts": 0}
ATTEMPTED: Final = (DeliveryState.WAITING, DeliveryState.FAILED)


class InboxLedger:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(self, delivery: Delivery) -> bool:
        told = delivery.model_dump(mode="json", include={"forge", "event", "action", "repository", "body"})
        values = {**told, **UNDECIDED, "id": delivery.id, "received_at": delivery.received_at}
        with opened(self._engine, writing=True) as conn:
            return insert_or_skip(conn, deliveries, values) is not None

    def waiting(self, *, now: datetime, limit: int = 100) -> list[Delivery]:
        due = or_(deliveries.c.retry_at.is_(None), deliveries.c.retry_at <= now)
        query = select(deliveries).where(deliveries.c.state == DeliveryState.WAITING, due)
        return self._read(query.order_by(deliveries.c.received_at, deliveries.c.id).limit(limit))

    def settle(
        self,
        delivery_id: str,
        state: DeliveryState,
        outcome: str,
        *,
        now: datetime,
        retry_at: datetime | None = None,
    ) -> None:
        attempts = deliveries.c.attempts + (1 if state in ATTEMPTED else 0)
        said = {"state": state, "outcome": outcome[:LONGEST_OUTCOME], "settled_at": now}
        change = update(deliveries).where(deliveries.c.id == delivery_id, deliveries.c.state == DeliveryState.WAITING)
        with opened(self._engine, writing=True) as conn:
            _found(conn, delivery_id)
            conn.execute(change.values(**said, attempts=attempts, retry_at=retry_at))

    def replay(self, delivery_id: str) -> Delivery:
        with opened(self._engine, writing=True) as conn:
            _found(conn, delivery_id)
            conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(UNDECIDED))
            return _found(conn, delivery_id)

    def find(self, delivery_id: str) -> Delivery:
        with opened(self._engine) as conn:
            return _found(conn, delivery_id)

    def newest(self, *, state: DeliveryState | None = None, limit: int = 100) -> list[Delivery]:
        query = select(deliveries).order_by(deliveries.c.received_at.desc(), deliveries.c.id.desc()).limit(limit)
        return self._read(query if state is None else query.where(deliveries.c.state == state))

    def counts(self) -> dict[str, dict[DeliveryState, int]]:
        columns = (deliveries.c.event, deliveries.c.state)
        query = select(*columns, func.count().label("number")).group_by(*columns).order_by(*columns)
        found: dict[str, dict[DeliveryState, int]] = defaultdict(dict)
        with opened(self._engine) as conn:
            for row in many(conn, query):
                found[row["event"]][DeliveryState(row["state"])] = row["number"]
        return dict(found)

    def _read(self, query: "Select[tuple[object, ...]]") -> list[Delivery]:
        with opened(self._engine) as conn:
            return [delivery_of(row) for row in many(conn, query)]


def _found(conn: Connection, delivery_id: str) -> Delivery:
    """Raises NotFound."""
    row = one(conn, select(deliveries).where(deliveries.c.id == delivery_id))
    if row is None:
        raise NotFound(f"no delivery {delivery_id!r}", delivery=delivery_id)
    return delivery_of(row)
