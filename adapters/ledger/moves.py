"""The one place that applies a lifecycle move: row locked, table asked, event written, dependents told."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, select, update

from adapters.ledger.rows import one
from adapters.ledger.schema import runs, ticket_dependencies, tickets
from adapters.ledger.transaction import Unit
from domain.errors import IllegalTransition, NotFound, NotPermitted
from domain.lifecycle import (
    DEPENDENCY_MET,
    FINAL_RUN_STATES,
    RunEvent,
    RunState,
    Stage,
    StageEvent,
    advance_run,
    advance_stage,
)


def lock_ticket(unit: Unit, ticket_id: str) -> RowMapping:
    """Lock a ticket's row first in every transaction that changes it, its run or its lease.

    Raises:
        NotFound: there is no such ticket.
    """
    query = select(tickets).where(tickets.c.id == ticket_id).with_for_update(key_share=True)
    row = one(unit.conn, query)
    if row is None:
        raise NotFound(f"no ticket {ticket_id}", ticket=ticket_id)
    return row


def lock_run(unit: Unit, run_id: str) -> RowMapping:
    """Raises NotFound."""
    row = one(unit.conn, select(runs).where(runs.c.id == run_id).with_for_update(key_share=True))
    if row is None:
        raise NotFound(f"no run {run_id}", run=run_id)
    return row


def open_run(unit: Unit, ticket_id: str) -> RowMapping | None:
    """Return the ticket's one run that has not ended."""
    ended = sorted(FINAL_RUN_STATES)
    query = select(runs).where(runs.c.ticket_id == ticket_id, runs.c.state.not_in(ended))
    return one(unit.conn, query.with_for_update(key_share=True))


def move_ticket(
    unit: Unit, ticket: RowMapping, moves: Sequence[StageEvent], *, reason: str | None = None, **values: Any
) -> Stage:
    """Apply stage events in order and store other values with them.

    Raises:
        IllegalTransition, NotPermitted: the whole transaction is undone and the refusal recorded.
    """
    first = stage = Stage(ticket["stage"])
    run_id = values.pop("run_id", None)
    for move in moves:
        try:
            after = advance_stage(stage, move, unit.by)
        except (IllegalTransition, NotPermitted) as error:
            raise refused(unit, error, stage, move, ticket_id=ticket["id"], run_id=run_id) from None
        changed = {"from": stage, "to": after, "event": move, "reason": reason}
        unit.note("stage_changed", ticket_id=ticket["id"], run_id=run_id, **changed)
        stage = after
    stored = {"stage": stage, "reason": reason, "updated_at": unit.now, **values}
    unit.conn.execute(update(tickets).where(tickets.c.id == ticket["id"]).values(stored))
    _tell_dependents(unit, ticket["id"], before=first in DEPENDENCY_MET, after=stage in DEPENDENCY_MET)
    return stage


def move_run(unit: Unit, run: RowMapping, move: RunEvent, **values: Any) -> RunState:
    """Apply one run event; a final state sets finished_at. Raises as move_ticket does."""
    state = RunState(run["state"])
    try:
        after = advance_run(state, move, unit.by)
    except (IllegalTransition, NotPermitted) as error:
        raise refused(unit, error, state, move, ticket_id=run["ticket_id"], run_id=run["id"]) from None
    ended = {"finished_at": unit.now} if after in FINAL_RUN_STATES else {}
    stored = {"state": after, "updated_at": unit.now, **ended, **values}
    unit.conn.execute(update(runs).where(runs.c.id == run["id"]).values(stored))
    changed = {"from": state, "to": after, "event": move, "reason": values.get("reason")}
    unit.note("run_changed", ticket_id=run["ticket_id"], run_id=run["id"], **changed)
    return after


def refused(
    unit: Unit,
    error: IllegalTransition | NotPermitted,
    state: Stage | RunState,
    move: StageEvent | RunEvent,
    *,
    ticket_id: str,
    run_id: str | None = None,
) -> IllegalTransition | NotPermitted:
    """Keep what transact records after it undid the transaction; return the error to raise."""
    payload = {"from": state, "event": move, "reason": error.message}
    unit.refusals.append(unit.event("transition_rejected", payload, ticket_id=ticket_id, run_id=run_id))
    error.details.setdefault("ticket", ticket_id)
    return error


def _tell_dependents(unit: Unit, ticket_id: str, *, before: bool, after: bool) -> None:
    if before == after:
        return
    waiting = select(ticket_dependencies.c.ticket_id).where(ticket_dependencies.c.depends_on == ticket_id)
    count = tickets.c.unmet_deps + (1 if before else -1)
    unit.conn.execute(update(tickets).where(tickets.c.id.in_(waiting)).values(unmet_deps=count))
