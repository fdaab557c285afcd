"""Leases: who holds one, who lost it, how it is let go."""

from datetime import datetime

from sqlalchemy import RowMapping, select, update

from adapters.ledger.moves import lock_ticket
from adapters.ledger.rows import one
from adapters.ledger.schema import leases
from adapters.ledger.transaction import Unit
from domain.errors import LeaseConflict, LeaseLost, NotFound
from domain.execution import LeaseRef


def lock_leased(unit: Unit, ref: LeaseRef) -> RowMapping:
    """Lock the ticket a lease is about, before the lease itself; raises LeaseLost when there is none."""
    try:
        return lock_ticket(unit, ref.ticket_id)
    except NotFound:
        raise lost(ref, "was never granted") from None


def find_lease(unit: Unit, ref: LeaseRef) -> RowMapping:
    """Return the lease a caller names, locked, whatever became of it.

    Raises:
        LeaseLost: no such lease was ever granted.
    """
    query = select(leases).where(
        leases.c.ticket_id == ref.ticket_id, leases.c.run_id == ref.run_id, leases.c.fence == ref.fence
    )
    row = one(unit.conn, query.with_for_update(key_share=True))
    if row is None:
        raise lost(ref, "was never granted")
    return row


def require_held(unit: Unit, ref: LeaseRef, lease: RowMapping, *, even_expired: bool = False) -> None:
    """Raises LeaseLost when the lease was released, or has expired."""
    if lease["released_at"] is not None:
        raise lost(ref, f"was released: {lease['release_reason']}")
    if not even_expired and is_expired(lease, unit.now):
        raise lost(ref, f"expired at {lease['expires_at'].isoformat()}")


def held_lease(unit: Unit, ref: LeaseRef) -> RowMapping:
    """Return the caller's live lease, locked; raises LeaseLost."""
    lease = find_lease(unit, ref)
    require_held(unit, ref, lease)
    return lease


def check_held(unit: Unit, ref: LeaseRef) -> None:
    """Raise LeaseLost unless the lease is live; readers do not wait for each other."""
    query = select(leases.c.id).where(
        leases.c.ticket_id == ref.ticket_id,
        leases.c.run_id == ref.run_id,
        leases.c.fence == ref.fence,
        leases.c.released_at.is_(None),
        leases.c.expires_at > unit.now,
    )
    if one(unit.conn, query.with_for_update(read=True)) is None:
        raise lost(ref, "is not held any more")


def live_lease(unit: Unit, ticket_id: str) -> RowMapping | None:
    """Return the ticket's unreleased lease, locked; it may have expired."""
    query = select(leases).where(leases.c.ticket_id == ticket_id, leases.c.released_at.is_(None))
    return one(unit.conn, query.with_for_update(key_share=True))


def release(unit: Unit, lease: RowMapping, reason: str) -> None:
    unit.conn.execute(
        update(leases).where(leases.c.id == lease["id"]).values(released_at=unit.now, release_reason=reason)
    )
    unit.note(
        "lease_released", ticket_id=lease["ticket_id"], run_id=lease["run_id"], fence=lease["fence"], reason=reason
    )


def is_expired(lease: RowMapping, now: datetime) -> bool:
    return bool(lease["expires_at"] <= now)


def lost(ref: LeaseRef, how: str) -> LeaseLost:
    words = f"the lease of {ref.run_id} on {ref.ticket_id} with fence {ref.fence} {how}"
    return LeaseLost(words, ticket=ref.ticket_id, run=ref.run_id, fence=ref.fence)


def conflict(lease: RowMapping) -> LeaseConflict:
    """The same answer to the same question, however often it is asked."""
    return LeaseConflict(
        f"{lease['ticket_id']} is held by {lease['owner']} (run {lease['run_id']}, fence {lease['fence']})",
        ticket=lease["ticket_id"],
        holder=lease["owner"],
        fence=lease["fence"],
        expires_at=lease["expires_at"].isoformat(),
    )
