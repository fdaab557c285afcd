"""What a run does and learns: RunLedger over SQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, RowMapping, insert, select, update

from adapters.ledger.engine import opened
from adapters.ledger.leases import check_held, conflict, find_lease, held_lease, lock_leased, release, require_held
from adapters.ledger.moves import lock_run, move_run, move_ticket
from adapters.ledger.rows import approval_of, one, run_by_id, runs_of
from adapters.ledger.schema import leases, run_dagster_runs, runs, tickets
from adapters.ledger.schema_evidence import approvals
from adapters.ledger.transaction import Unit, insert_or_skip, transact
from domain.errors import NotFound
from domain.execution import EventDraft, LeaseRef, Run, RunFacts, Step
from domain.governance import Approval, ApprovalState
from domain.lifecycle import Component, RunEvent, RunState, Stage, StageEvent

_LEARNED_IN: Final = {
    "environment": Step.PROVISION,
    "repository_commit": Step.PROVISION,
    "sandbox": Step.PROVISION,
    "outcome": Step.LAUNCH,
    "patch": Step.COLLECT,
    "validation": Step.VALIDATE,
    "risk": Step.JUDGE,
    "tier": Step.JUDGE,
}
_ORDER: Final = list(Step)


class Runs:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start_run(self, lease: LeaseRef, *, dagster_run_id: str, ttl_seconds: float, now: datetime) -> Run:
        def work(unit: Unit) -> Run:
            _start(unit, lease, dagster_run_id, now + timedelta(seconds=ttl_seconds))
            return run_by_id(unit.conn, lease.run_id)

        return transact(self._engine, work, now=now, by=Component.EXECUTION)

    def record_facts(self, lease: LeaseRef, facts: RunFacts, *, step: Step | None, now: datetime) -> Run:
        def work(unit: Unit) -> Run:
            ticket, run = _held_rows(unit, lease)
            values = _fact_values(facts)
            if step is not None and step not in run["finished_steps"]:
                values["finished_steps"] = [*run["finished_steps"], step]
            if values:
                _store(unit, lease.run_id, values)
            if step is Step.COLLECT:
                _produce(unit, ticket, lease.run_id)
            return run_by_id(unit.conn, lease.run_id)

        return transact(self._engine, work, now=now, by=Component.EXECUTION)

    def record_event(self, draft: EventDraft, *, lease: LeaseRef | None, now: datetime) -> None:
        def work(unit: Unit) -> None:
            ticket_id, run_id = draft.ticket_id, draft.run_id
            if lease is not None:
                check_held(unit, lease)
                ticket_id, run_id = lease.ticket_id, lease.run_id
            else:
                _check_known(unit, ticket_id, run_id)
            event = unit.event(draft.name, draft.payload, ticket_id=ticket_id, run_id=run_id)
            unit.events.append({**event, "actor": draft.actor, "component": draft.component})

        transact(self._engine, work, now=now, by=Component.EXECUTION)

    def record_events(self, drafts: Sequence[EventDraft], *, lease: LeaseRef, now: datetime) -> None:
        def work(unit: Unit) -> None:
            check_held(unit, lease)
            for draft in drafts:
                event = unit.event(draft.name, draft.payload, ticket_id=lease.ticket_id, run_id=lease.run_id)
                unit.events.append({**event, "actor": draft.actor, "component": draft.component})

        transact(self._engine, work, now=now, by=Component.EXECUTION)

    def await_approval(self, lease: LeaseRef, *, rule: str, reason: str, deadline: datetime, now: datetime) -> Approval:
        def work(unit: Unit) -> Approval:
            return _park(unit, lease, {"rule": rule, "request_reason": reason, "deadline": deadline})

        return transact(self._engine, work, now=now, by=Component.EXECUTION)

    def adopt_parent(self, lease: LeaseRef, *, parent_run_id: str, step: Step, now: datetime) -> Run:
        def work(unit: Unit) -> Run:
            ticket, run = _held_rows(unit, lease)
            if run["parent_run_id"] != parent_run_id:
                _adopt(unit, ticket, run, parent_run_id, step)
            return run_by_id(unit.conn, lease.run_id)

        return transact(self._engine, work, now=now, by=Component.EXECUTION)

    def find_run(self, *, run_id: str | None = None, dagster_run_id: str | None = None) -> Run | None:
        query = select(runs)
        if run_id is not None:
            query = query.where(runs.c.id == run_id)
        if dagster_run_id is not None:
            bound = select(run_dagster_runs.c.run_id).where(run_dagster_runs.c.dagster_run_id == dagster_run_id)
            query = query.where(runs.c.id.in_(bound))
        if run_id is None and dagster_run_id is None:
            return None
        with opened(self._engine) as conn:
            row = one(conn, query)
            return None if row is None else runs_of(conn, [row])[0]


def _held_rows(unit: Unit, ref: LeaseRef) -> tuple[RowMapping, RowMapping]:
    """Return ticket and run of a lease that is held; both are locked, the ticket first."""
    ticket = lock_leased(unit, ref)
    held_lease(unit, ref)
    return ticket, lock_run(unit, ref.run_id)


def _start(unit: Unit, ref: LeaseRef, dagster_run_id: str, expires_at: datetime) -> None:
    ticket = lock_leased(unit, ref)
    lease = held_lease(unit, ref)
    if lease["started_at"] is not None:
        if lease["dagster_run_id"] != dagster_run_id:
            raise conflict(lease)
        return
    run = lock_run(unit, ref.run_id)
    _bind(unit, lease, dagster_run_id)
    started = {"started_at": unit.now, "dagster_run_id": dagster_run_id}
    beat = {"heartbeat_at": unit.now, "expires_at": expires_at}
    unit.conn.execute(update(leases).where(leases.c.id == lease["id"]).values(**started, **beat))
    resumed = run["state"] == RunState.AWAITING_APPROVAL
    move_run(unit, run, RunEvent.RESUME if resumed else RunEvent.START)
    if ticket["stage"] == Stage.ASSIGNED:
        move_ticket(unit, ticket, [StageEvent.START], run_id=ref.run_id)
    ids = {"ticket_id": ref.ticket_id, "run_id": ref.run_id}
    unit.note("lease_started", **ids, fence=ref.fence, dagster_run_id=dagster_run_id)


def _bind(unit: Unit, lease: RowMapping, dagster_run_id: str) -> None:
    carried = {"run_id": lease["run_id"], "fence": lease["fence"]}
    values = {"dagster_run_id": dagster_run_id, **carried, "bound_at": unit.now}
    if insert_or_skip(unit.conn, run_dagster_runs, values) is not None:
        return
    bound = select(run_dagster_runs.c.run_id).where(run_dagster_runs.c.dagster_run_id == dagster_run_id)
    if unit.conn.execute(bound).scalar_one() != lease["run_id"]:
        raise conflict(lease)  # one Dagster run carries one run


def _fact_values(facts: RunFacts) -> dict[str, Any]:
    values = {name: value for name, value in facts.model_dump(mode="json").items() if value is not None}
    if facts.environment is not None:
        values["repository_commit"] = facts.environment.base_sha
    return values


def _store(unit: Unit, run_id: str, values: dict[str, Any]) -> None:
    unit.conn.execute(update(runs).where(runs.c.id == run_id).values(**values, updated_at=unit.now))


def _produce(unit: Unit, ticket: RowMapping, run_id: str) -> None:
    if ticket["stage"] != Stage.REVIEW:
        move_ticket(unit, ticket, [StageEvent.PRODUCE], run_id=run_id)


def _check_known(unit: Unit, ticket_id: str | None, run_id: str | None) -> None:
    for table, key in ((tickets, ticket_id), (runs, run_id)):
        if key is not None and one(unit.conn, select(table.c.id).where(table.c.id == key)) is None:
            raise NotFound(f"no row {key} in {table.name}")


def _park(unit: Unit, ref: LeaseRef, request: dict[str, Any]) -> Approval:
    lock_leased(unit, ref)
    lease = find_lease(unit, ref)
    run = lock_run(unit, ref.run_id)
    latest = select(approvals).where(approvals.c.run_id == ref.run_id).order_by(approvals.c.id.desc()).limit(1)
    asked = one(unit.conn, latest)
    parked = run["state"] == RunState.AWAITING_APPROVAL and lease["release_reason"] == RunState.AWAITING_APPROVAL
    if parked and run["fence"] == ref.fence and asked is not None:
        return approval_of(asked)
    require_held(unit, ref, lease)
    move_run(unit, run, RunEvent.WAIT, interrupt_requested_by=None, interrupt_reason=None)
    release(unit, lease, RunState.AWAITING_APPROVAL)
    ids = {"ticket_id": ref.ticket_id, "run_id": ref.run_id}
    pending = {**ids, **request, "requested_at": unit.now, "state": ApprovalState.PENDING}
    unit.conn.execute(insert(approvals).values(pending))
    told = {"rule": request["rule"], "reason": request["request_reason"], "deadline": request["deadline"].isoformat()}
    unit.note("approval_requested", **ids, **told)
    return approval_of(unit.conn.execute(latest).mappings().one())


def _adopt(unit: Unit, ticket: RowMapping, run: RowMapping, parent_run_id: str, step: Step) -> None:
    parent = one(unit.conn, select(runs).where(runs.c.id == parent_run_id, runs.c.ticket_id == run["ticket_id"]))
    if parent is None:
        raise NotFound(f"no run {parent_run_id} of {run['ticket_id']}", run=parent_run_id)
    before = [name for name, learned in _LEARNED_IN.items() if _ORDER.index(learned) < _ORDER.index(step)]
    values = {name: parent[name] for name in before if parent[name] is not None}
    _store(unit, run["id"], {**values, "parent_run_id": parent_run_id, "adopted_step": step})
    if "patch" in values:  # its COLLECT will not run again
        _produce(unit, ticket, run["id"])
