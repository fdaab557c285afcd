"""What people decide: OperatorLedger over SQL."""

from datetime import datetime
from typing import Final

from sqlalchemy import Engine, RowMapping, delete, select, update

from adapters.ledger.leases import live_lease, release
from adapters.ledger.moves import lock_run, lock_ticket, move_run, move_ticket, open_run, refused
from adapters.ledger.rows import approval_of, one, run_by_id, ticket_by_id
from adapters.ledger.schema import pauses, repositories, runs
from adapters.ledger.schema_evidence import approvals, pull_requests
from adapters.ledger.transaction import Unit, insert_or_skip, transact, upsert
from domain.errors import ApprovalRefused, Canceled, IllegalTransition, NotFound, NotReady, Rejected
from domain.execution import Run
from domain.forge import Edits, PullRequestState
from domain.governance import Approval, ApprovalState
from domain.lifecycle import Component, RunEvent, RunState, Stage, StageEvent
from domain.repositories import Repository
from domain.tickets import Ticket

FACTORY_ACTORS: Final = frozenset({"", "factory", "factory-bot"})


class Operators:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def decide_approval(self, run_id: str, *, approved: bool, actor: str, reason: str, now: datetime) -> Approval:
        def work(unit: Unit) -> Approval:
            return _decide(unit, run_id, approved=approved, reason=reason)

        return transact(self._engine, work, now=now, by=Component.PERSON, actor=actor)

    def request_cancel(self, ticket_id: str, *, actor: str, reason: str, now: datetime) -> Ticket:
        def work(unit: Unit) -> Ticket:
            _cancel(unit, ticket_id, reason)
            return ticket_by_id(unit.conn, ticket_id)

        return transact(self._engine, work, now=now, by=Component.PERSON, actor=actor)

    def request_interrupt(self, run_id: str, *, actor: str, reason: str, now: datetime) -> Run:
        def work(unit: Unit) -> Run:
            _interrupt(unit, run_by_id(unit.conn, run_id), reason)
            return run_by_id(unit.conn, run_id)

        return transact(self._engine, work, now=now, by=Component.PERSON, actor=actor)

    def requeue(self, ticket_id: str, *, actor: str, reason: str, now: datetime) -> Ticket:
        def work(unit: Unit) -> Ticket:
            ticket = lock_ticket(unit, ticket_id)
            anew = {"attempts_base": ticket["attempts"], "not_before": now, "completed_at": None}
            move_ticket(unit, ticket, [StageEvent.REVIVE], **anew)
            unit.note("ticket_requeued", ticket_id=ticket_id, reason=reason)
            return ticket_by_id(unit.conn, ticket_id)

        return transact(self._engine, work, now=now, by=Component.PERSON, actor=actor)

    def ship(
        self, ticket_id: str, *, actor: str, merge_sha: str | None, now: datetime, edits: Edits | None = None
    ) -> Ticket:
        def work(unit: Unit) -> Ticket:
            _ship(unit, ticket_id, merge_sha, edits)
            return ticket_by_id(unit.conn, ticket_id)

        return transact(self._engine, work, now=now, by=Component.PERSON, actor=actor)

    def set_paused(self, scope: str, paused: bool, *, actor: str, reason: str, now: datetime) -> None:
        def work(unit: Unit) -> None:
            if paused:
                values = {"scope": scope, "reason": reason, "actor": actor, "paused_at": now}
                changed = insert_or_skip(unit.conn, pauses, values) is not None
            else:
                changed = unit.conn.execute(delete(pauses).where(pauses.c.scope == scope)).rowcount > 0
            if changed:
                unit.note("dispatch_paused" if paused else "dispatch_resumed", scope=scope, reason=reason)

        transact(self._engine, work, now=now, by=Component.PERSON, actor=actor)

    def save_repository(self, repository: Repository, *, actor: str, now: datetime) -> None:
        def work(unit: Unit) -> None:
            told = repository.model_dump(mode="json", exclude={"created_at"})
            values = {**told, "created_at": repository.created_at}
            upsert(unit.conn, repositories, values, keys=("name",), keep=("created_at", "created_by"))
            unit.note("repository_saved", repository=repository.name, source=repository.source)

        transact(self._engine, work, now=now, by=Component.PERSON, actor=actor)


def _interrupt(unit: Unit, asked: Run, reason: str) -> None:
    lock_ticket(unit, asked.ticket_id)
    run = lock_run(unit, asked.id)
    if run["state"] != RunState.RUNNING:
        raise NotReady(f"{asked.id} is {run['state']}: only a running run can be interrupted", run=asked.id)
    if run["interrupt_requested_by"] is None:
        wish = {"interrupt_requested_by": unit.actor, "interrupt_reason": reason, "updated_at": unit.now}
        unit.conn.execute(update(runs).where(runs.c.id == asked.id).values(wish))
        unit.note("interrupt_requested", ticket_id=asked.ticket_id, run_id=asked.id, reason=reason)


def _decide(unit: Unit, run_id: str, *, approved: bool, reason: str) -> Approval:
    if unit.actor.strip().lower() in FACTORY_ACTORS:
        raise ApprovalRefused("the factory does not approve its own work", run=run_id)
    ticket_id = unit.conn.execute(select(runs.c.ticket_id).where(runs.c.id == run_id)).scalar_one_or_none()
    if ticket_id is None:
        raise NotFound(f"no run {run_id}", run=run_id)
    ticket = lock_ticket(unit, ticket_id)
    run = lock_run(unit, run_id)
    pending = select(approvals.c.rule).where(approvals.c.run_id == run_id, approvals.c.state == ApprovalState.PENDING)
    rule = unit.conn.execute(pending).scalar_one_or_none()
    if rule is None or run["state"] != RunState.AWAITING_APPROVAL:
        raise ApprovalRefused(f"{run_id} is {run['state']} and waits for no decision", run=run_id)
    decided = _settle(unit, run_id, approved=approved, reason=reason)
    ids = {"ticket_id": ticket_id, "run_id": run_id}
    unit.note("approval_decided", **ids, approved=approved, reason=reason, rule=rule)
    if not approved:
        move_run(unit, run, RunEvent.CANCEL, reason_code=Rejected.code, reason=reason)
        _bury(unit, ticket, run, Rejected.code, reason)
    return approval_of(decided)


def _settle(unit: Unit, run_id: str, *, approved: bool, reason: str) -> RowMapping:
    """Decide the run's pending approval, if there is one; return the newest."""
    state = ApprovalState.APPROVED if approved else ApprovalState.REJECTED
    unit.conn.execute(
        update(approvals)
        .where(approvals.c.run_id == run_id, approvals.c.state == ApprovalState.PENDING)
        .values(state=state, actor=unit.actor, reason=reason, decided_at=unit.now)
    )
    newest = select(approvals).where(approvals.c.run_id == run_id).order_by(approvals.c.id.desc()).limit(1)
    return unit.conn.execute(newest).mappings().one()


def _bury(unit: Unit, ticket: RowMapping, run: RowMapping | None, code: str, reason: str) -> None:
    run_id = None if run is None else run["id"]
    move_ticket(unit, ticket, [StageEvent.CANCEL], reason=f"{code}: {reason}", run_id=run_id)
    _set_pull_request(unit, ticket["id"], PullRequestState.CLOSED)
    buried = {"code": code, "reason": reason, "attempts": ticket["attempts"]}
    unit.note("dead_lettered", ticket_id=ticket["id"], run_id=run_id, **buried)


def _cancel(unit: Unit, ticket_id: str, reason: str) -> None:
    ticket = lock_ticket(unit, ticket_id)
    lease = live_lease(unit, ticket_id)
    run = open_run(unit, ticket_id)
    ids = {"ticket_id": ticket_id, "run_id": None if run is None else run["id"]}
    if run is not None and run["state"] == RunState.RUNNING:
        if run["cancel_requested_by"] is None:
            wish = {"cancel_requested_by": unit.actor, "cancel_reason": reason, "updated_at": unit.now}
            unit.conn.execute(update(runs).where(runs.c.id == run["id"]).values(wish))
            unit.note("cancel_requested", **ids, reason=reason)
        return
    unit.note("cancel_requested", **ids, reason=reason)
    if run is not None:
        if run["state"] == RunState.AWAITING_APPROVAL:
            _settle(unit, run["id"], approved=False, reason=reason)
        said = {"cancel_requested_by": unit.actor, "cancel_reason": reason}
        move_run(unit, run, RunEvent.CANCEL, reason_code=Canceled.code, reason=reason, **said)
    _bury(unit, ticket, run, Canceled.code, reason)
    if lease is not None:
        release(unit, lease, "canceled")


def _ship(unit: Unit, ticket_id: str, merge_sha: str | None, edits: Edits | None) -> None:
    ticket = lock_ticket(unit, ticket_id)
    stage = Stage(ticket["stage"])
    at_work = open_run(unit, ticket_id)
    if at_work is not None:
        error = IllegalTransition(f"{at_work['id']} is {at_work['state']}; it ends first", stage=stage)
        raise refused(unit, error, stage, StageEvent.SHIP, ticket_id=ticket_id, run_id=at_work["id"])
    if stage is Stage.REVIEW and not _has_open(unit, ticket_id):
        error = IllegalTransition(f"{ticket_id} has no open pull request to merge", stage=stage)
        raise refused(unit, error, stage, StageEvent.SHIP, ticket_id=ticket_id)
    completed = ticket["completed_at"] or unit.now
    move_ticket(unit, ticket, [StageEvent.SHIP], completed_at=completed)
    if edits is not None:
        _rate(unit, ticket_id, edits)
    _set_pull_request(unit, ticket_id, PullRequestState.MERGED, merged_by=unit.actor, merge_sha=merge_sha)
    unit.note("ticket_shipped", ticket_id=ticket_id, merge_sha=merge_sha)


def _rate(unit: Unit, ticket_id: str, edits: Edits) -> None:
    """Store the human-edit rate with the run whose pull request is about to be recorded as merged."""
    opened = (pull_requests.c.ticket_id == ticket_id) & (pull_requests.c.state == PullRequestState.OPEN)
    proposed = select(pull_requests.c.run_id).where(opened).scalar_subquery()
    unit.conn.execute(update(runs).where(runs.c.id == proposed).values(human_edit_rate=edits.rate))


def _has_open(unit: Unit, ticket_id: str) -> bool:
    query = select(pull_requests.c.id).where(pull_requests.c.ticket_id == ticket_id)
    return one(unit.conn, query.where(pull_requests.c.state == PullRequestState.OPEN)) is not None


def _set_pull_request(unit: Unit, ticket_id: str, state: PullRequestState, **values: str | None) -> None:
    opened = (pull_requests.c.ticket_id == ticket_id) & (pull_requests.c.state == PullRequestState.OPEN)
    unit.conn.execute(update(pull_requests).where(opened).values(state=state, updated_at=unit.now, **values))
