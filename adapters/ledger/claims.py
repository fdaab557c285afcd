"""Granting a lease. What refuses is returned, not raised: what was put right on the way there is kept."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, func, insert, literal_column, select, update

from adapters.ledger.endings import end_expired
from adapters.ledger.leases import conflict, is_expired, live_lease
from adapters.ledger.moves import lock_run, lock_ticket, move_ticket, open_run
from adapters.ledger.rows import lease_of, many, one
from adapters.ledger.schema import READY, leases, pauses, runs, tickets
from adapters.ledger.schema_evidence import approvals
from adapters.ledger.transaction import Unit, insert_or_skip
from domain.assignments import Assignment
from domain.errors import CapacityRefused, FactoryError, NotReady, Paused
from domain.execution import ClaimRequest, Lease, Usage
from domain.governance import ApprovalState
from domain.lifecycle import Component, RunState, Stage, StageEvent

EVERYTHING: Final = "*"
_TURN: Final = 0x6C65617365  #: advisory lock: one look at the room at a time


def ready_query(now: datetime) -> Select[tuple[object, ...]]:
    """Queued tickets that may be leased, best first, by the index on ready rows alone."""
    paused = select(pauses.c.scope)
    return (
        select(tickets)
        .where(literal_column(f"({READY})"), tickets.c.not_before <= now, tickets.c.repository.not_in(paused))
        .order_by(tickets.c.priority_rank, tickets.c.seq)
    )


def claim(unit: Unit, request: ClaimRequest) -> Lease | FactoryError | None:
    """Grant the lease asked for, or say why not."""
    if request.ticket_id is None:
        return _claim_first(unit, request)
    ticket = lock_ticket(unit, request.ticket_id)
    lease = live_lease(unit, ticket["id"])
    if lease is not None:
        if not is_expired(lease, unit.now):
            return conflict(lease)
        end_expired(unit, ticket, lock_run(unit, lease["run_id"]), lease)
        ticket = lock_ticket(unit, ticket["id"])
    if request.by_hand and ticket["stage"] == Stage.DEAD_LETTER:
        _revive(unit, ticket)
        ticket = lock_ticket(unit, ticket["id"])
    run = open_run(unit, ticket["id"])
    harness = str(run["harness"]) if run is not None else _harness(ticket, request)
    refusal = _not_ready(unit, ticket, run) or _paused(unit, ticket["repository"]) or _no_room(unit, harness, request)
    if refusal is not None:
        return refusal
    return _grant(unit, ticket, run, request) or _lock_held(ticket)


def _claim_first(unit: Unit, request: ClaimRequest) -> Lease | FactoryError | None:
    refusal = _paused(unit, EVERYTHING) or _no_room(unit, "", request)
    if refusal is not None:
        return refusal
    full = _full_harnesses(unit, request)
    held = select(leases.c.lock).where(leases.c.released_at.is_(None))
    passed: list[str] = []
    while True:
        conditions: list[ColumnElement[bool]] = [tickets.c.lock.not_in(held)]
        if full:
            conditions.append(tickets.c.harness.not_in(full))
        if passed:
            conditions.append(tickets.c.lock.not_in(passed))
        best = ready_query(unit.now).where(*conditions).limit(1)
        ticket = one(unit.conn, best.with_for_update(skip_locked=True, key_share=True))
        if ticket is None:
            return None
        lease = _grant(unit, ticket, None, request)
        if lease is not None:
            return lease
        passed.append(ticket["lock"])  # another claimer took the lock between our look and our insert


def _revive(unit: Unit, ticket: RowMapping) -> None:
    """A hand asked for it: through dispatch a person's, in a backfill or re-execution the run's own."""
    hand = unit if unit.by is Component.EXECUTION else replace(unit, by=Component.PERSON)
    base = ticket["attempts"]
    move_ticket(hand, ticket, [StageEvent.REVIVE], attempts_base=base, not_before=unit.now, completed_at=None)
    hand.note("ticket_requeued", ticket_id=ticket["id"], reason="claimed by hand")


def _not_ready(unit: Unit, ticket: RowMapping, run: RowMapping | None) -> NotReady | None:
    if run is not None:
        approved = run["state"] == RunState.AWAITING_APPROVAL and _approved(unit, run["id"])
        return None if approved else NotReady(f"{ticket['id']} waits for approval of {run['id']}", run=run["id"])
    if ticket["stage"] != Stage.QUEUED:
        return NotReady(f"{ticket['id']} is in stage {ticket['stage']}", stage=ticket["stage"])
    if ticket["unmet_deps"]:
        return NotReady(f"{ticket['id']} waits for {ticket['unmet_deps']} of its deps", deps=ticket["unmet_deps"])
    if ticket["not_before"] > unit.now:
        until = ticket["not_before"].isoformat()
        return NotReady(f"{ticket['id']} rests until {until}", not_before=until)
    return None


def _approved(unit: Unit, run_id: str) -> bool:
    query = select(approvals.c.state).where(approvals.c.run_id == run_id).order_by(approvals.c.id.desc()).limit(1)
    return unit.conn.execute(query).scalar_one_or_none() == ApprovalState.APPROVED


def _paused(unit: Unit, repository: str) -> Paused | None:
    query = select(pauses.c.scope, pauses.c.reason).where(pauses.c.scope.in_({EVERYTHING, repository}))
    found = many(unit.conn, query.order_by(pauses.c.scope))
    if not found:
        return None
    scope = found[0]["scope"]
    what = "everything" if scope == EVERYTHING else scope
    return Paused(f"dispatch of {what} is paused: {found[0]['reason']}", scope=scope)


def _no_room(unit: Unit, harness: str, request: ClaimRequest) -> CapacityRefused | None:
    if request.max_running is None and not request.harness_limits:
        return None
    if unit.on_postgres:  # SQLite lets one writer in at a time anyway
        unit.conn.execute(select(func.pg_advisory_xact_lock(_TURN)))
    counts = _live_counts(unit)
    if request.max_running is not None and sum(counts.values()) >= request.max_running:
        return CapacityRefused(f"{request.max_running} runs are at work, which is the limit", limit="max_running")
    limit = request.harness_limits.get(harness)
    if limit is not None and counts.get(harness, 0) >= limit:
        return CapacityRefused(f"{limit} runs of {harness} are at work, which is its limit", limit=harness)
    return None


def _live_counts(unit: Unit) -> dict[str, int]:
    query = select(leases.c.harness, func.count().label("live")).where(leases.c.released_at.is_(None))
    return {row["harness"]: row["live"] for row in many(unit.conn, query.group_by(leases.c.harness))}


def _full_harnesses(unit: Unit, request: ClaimRequest) -> list[str]:
    if not request.harness_limits:
        return []
    counts = _live_counts(unit)
    return [name for name, limit in request.harness_limits.items() if counts.get(name, 0) >= limit]


def _lock_held(ticket: RowMapping) -> CapacityRefused:
    return CapacityRefused(f"the lock {ticket['lock']} of {ticket['id']} is held", limit="lock", lock=ticket["lock"])


def _grant(unit: Unit, ticket: RowMapping, run: RowMapping | None, request: ClaimRequest) -> Lease | None:
    """Write the lease first: the index that refuses it is what decides; None when the lock is held."""
    fence = ticket["fence"] + 1
    attempt = ticket["attempts"] + 1
    run_id = run["id"] if run is not None else f"{ticket['id']}-r{attempt}"
    values = {
        "ticket_id": ticket["id"],
        "run_id": run_id,
        "fence": fence,
        "owner": request.owner,
        "lock": ticket["lock"],
        "harness": _harness(ticket, request) if run is None else run["harness"],
        "granted_at": unit.now,
        "heartbeat_at": unit.now,
        "expires_at": unit.now + timedelta(seconds=request.ttl_seconds),
    }
    lease_id = insert_or_skip(unit.conn, leases, values)
    if lease_id is None:
        return None
    if run is None:
        _open_run(unit, ticket, values, request.assignment)
        move_ticket(unit, ticket, [StageEvent.LEASE], run_id=run_id, fence=fence, attempts=attempt)
    else:
        unit.conn.execute(update(runs).where(runs.c.id == run_id).values(fence=fence, updated_at=unit.now))
        unit.conn.execute(update(tickets).where(tickets.c.id == ticket["id"]).values(fence=fence))
    expires = values["expires_at"].isoformat()
    unit.note(
        "lease_granted", ticket_id=ticket["id"], run_id=run_id, fence=fence, owner=request.owner, expires_at=expires
    )
    granted = one(unit.conn, select(leases).where(leases.c.id == lease_id))
    return None if granted is None else lease_of(granted)


def _harness(ticket: RowMapping, request: ClaimRequest) -> str:
    return request.assignment.harness if request.assignment else str(ticket["harness"])


def _open_run(unit: Unit, ticket: RowMapping, lease: dict[str, Any], assignment: Assignment | None) -> None:
    values = {key: lease[key] for key in ("ticket_id", "fence", "harness")}
    unit.conn.execute(
        insert(runs).values(
            **values,
            id=lease["run_id"],
            attempt=ticket["attempts"] + 1,
            state=RunState.CLAIMED,
            assignment=assignment and assignment.model_dump(mode="json"),
            created_at=unit.now,
            updated_at=unit.now,
            usage=Usage().model_dump(mode="json"),
            finished_steps=[],
        )
    )
    if assignment is not None:
        route = assignment.route
        told = {"harness": assignment.harness, "reason": route.reason, "route": route.event_payload()}
        unit.note("harness_assigned", ticket_id=ticket["id"], run_id=lease["run_id"], **told)
