"""Heads to judge: HeadQueue over SQL."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, and_, or_, select, update

from adapters.ledger.engine import opened
from adapters.ledger.rows import many, one
from adapters.ledger.schema_reviews import wanted_heads
from adapters.ledger.transaction import insert_or_skip
from domain.errors import LeaseLost
from domain.execution import ArtifactRef
from domain.heads import HeadRef, HeadState, WantedHead

COLUMNS: Final = wanted_heads.c
RESTING: Final = (HeadState.WANTED, HeadState.ASKED, HeadState.TOLD, HeadState.FAILED)


class Heads:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def want(
        self, repository: str, number: int, head_sha: str, policy_sha256: str, *, now: datetime, again: bool = False
    ) -> bool:
        fresh = _fresh(head_sha, policy_sha256, now)
        with opened(self._engine, writing=True) as conn:
            key = {"repository": repository, "number": number}
            if insert_or_skip(conn, wanted_heads, {**key, **fresh, "fence": 0}) is not None:
                return True
            known = or_(COLUMNS.head_sha != head_sha, COLUMNS.policy_sha256 != policy_sha256)
            moved = or_(known, COLUMNS.state.not_in([state.value for state in RESTING]))
            change = update(wanted_heads).where(_of(repository, number))
            change = change if again else change.where(moved)
            return bool(conn.execute(change.values(**fresh, fence=COLUMNS.fence + 1)).rowcount)

    def due(self, *, now: datetime, limit: int = 20) -> list[WantedHead]:
        wanted = and_(COLUMNS.state == HeadState.WANTED, COLUMNS.not_before <= now)
        silent = and_(COLUMNS.state == HeadState.ASKED, COLUMNS.expires_at <= now)
        query = select(wanted_heads).where(or_(wanted, silent)).order_by(COLUMNS.wanted_at, *_KEY).limit(limit)
        with opened(self._engine) as conn:
            return [WantedHead.model_validate(dict(row)) for row in many(conn, query)]

    def ask(self, head: WantedHead, *, expires_at: datetime, holder: str = "") -> WantedHead | None:
        asked = {"state": HeadState.ASKED, "expires_at": expires_at, "holder": holder, "reason": ""}
        counted = {"fence": head.fence + 1, "tries": head.tries + 1, **asked}
        with opened(self._engine, writing=True) as conn:
            held = and_(_held(head.ref), COLUMNS.state == head.state)
            changed = conn.execute(update(wanted_heads).where(held).values(counted)).rowcount
            return _found(conn, head.repository, head.number) if changed else None

    def record(
        self, ref: HeadRef, *, expires_at: datetime, facts: tuple[ArtifactRef, float] | None = None,
        report_id: str | None = None,
    ) -> WantedHead:  # fmt: skip
        values: dict[str, Any] = {"expires_at": expires_at}
        if facts is not None:
            values |= {"facts": facts[0].model_dump(mode="json"), "seconds": facts[1]}
        return self._write(ref, values if report_id is None else {**values, "report_id": report_id})

    def settle(
        self, ref: HeadRef, state: HeadState, reason: str, *, now: datetime, not_before: datetime | None = None
    ) -> WantedHead:
        return self._write(ref, {"state": state, "reason": reason[:2_000], "not_before": not_before or now})

    def find(self, repository: str, number: int) -> WantedHead | None:
        with opened(self._engine) as conn:
            return _found(conn, repository, number)

    def _write(self, ref: HeadRef, values: dict[str, Any]) -> WantedHead:
        with opened(self._engine, writing=True) as conn:
            held = and_(_held(ref), COLUMNS.state == HeadState.ASKED)
            changed = conn.execute(update(wanted_heads).where(held).values(values)).rowcount
            found = _found(conn, ref.repository, ref.number)
        if not changed or found is None:
            raise LeaseLost(f"{ref.repository}#{ref.number} at {ref.head_sha[:12]} is not ours to judge any more")
        return found


_KEY: Final = (COLUMNS.repository, COLUMNS.number)


def _fresh(head_sha: str, policy_sha256: str, now: datetime) -> dict[str, Any]:
    head = {"head_sha": head_sha, "policy_sha256": policy_sha256, "state": HeadState.WANTED, "tries": 0}
    unknown = {"expires_at": None, "holder": "", "facts": None, "seconds": 0.0, "report_id": None, "reason": ""}
    return {**head, **unknown, "wanted_at": now, "not_before": now}


def _of(repository: str, number: int) -> Any:
    return and_(COLUMNS.repository == repository, COLUMNS.number == number)


def _held(ref: HeadRef) -> Any:
    return and_(_of(ref.repository, ref.number), COLUMNS.head_sha == ref.head_sha, COLUMNS.fence == ref.fence)


def _found(conn: Connection, repository: str, number: int) -> WantedHead | None:
    row = one(conn, select(wanted_heads).where(_of(repository, number)))
    return None if row is None else WantedHead.model_validate(dict(row))
