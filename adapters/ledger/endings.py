"""How an attempt ends: the run, its lease and its ticket's stage move together."""

from dataclasses import replace
from typing import Final

from sqlalchemy import RowMapping

from adapters.ledger.leases import find_lease, lock_leased, release, require_held
from adapters.ledger.moves import lock_run, move_run, move_ticket, refused
from adapters.ledger.transaction import Unit
from domain.errors import Canceled, IllegalTransition, LeaseExpired
from domain.execution import LeaseRef
from domain.failures import AttemptEnd
from domain.lifecycle import FINAL_RUN_STATES, Component, RunEvent, RunState, Stage, StageEvent

_ENDS: Final = {
    RunState.FAILED: RunEvent.FAIL,
    RunState.TIMED_OUT: RunEvent.TIME_OUT,
    RunState.CANCELED: RunEvent.CANCEL,
}


def complete(unit: Unit, ref: LeaseRef, *, verified: bool) -> None:
    """Succeed; writes nothing when this lease's run already did."""
    ticket = lock_leased(unit, ref)
    lease = find_lease(unit, ref)
    run = lock_run(unit, ref.run_id)
    if run["state"] == RunState.SUCCEEDED and run["fence"] == ref.fence:
        return
    require_held(unit, ref, lease)
    if not verified and ticket["stage"] != Stage.REVIEW:
        error = IllegalTransition(f"{ticket['stage']} has no change that could be complete", stage=ticket["stage"])
        raise refused(
            unit, error, Stage(ticket["stage"]), StageEvent.VERIFY, ticket_id=ref.ticket_id, run_id=ref.run_id
        )
    move_run(unit, run, RunEvent.SUCCEED)
    moves = [StageEvent.VERIFY] if verified else []
    move_ticket(unit, ticket, moves, run_id=ref.run_id, completed_at=unit.now)
    release(unit, lease, "completed")


def fail(unit: Unit, ref: LeaseRef, end: AttemptEnd) -> None:
    """Fail, time out or cancel; writes nothing when this lease's run already ended."""
    ticket = lock_leased(unit, ref)
    lease = find_lease(unit, ref)
    run = lock_run(unit, ref.run_id)
    if run["state"] in FINAL_RUN_STATES and run["fence"] == ref.fence:
        return
    require_held(unit, ref, lease, even_expired=unit.by is Component.RECOVERY)
    end_attempt(unit, ticket, run, end)
    release(unit, lease, end.error.code)


def end_attempt(unit: Unit, ticket: RowMapping, run: RowMapping, end: AttemptEnd) -> None:
    """Move run and ticket as the policy decided; lease and ownership are the caller's matter."""
    code, words = end.error.code, end.error.message
    reason = f"{code}: {words}"
    if end.run_state not in _ENDS:
        raise ValueError(f"an attempt cannot end as {end.run_state}")
    until = end.harness_until
    move_run(unit, run, _ENDS[end.run_state], reason_code=code, reason=words, harness_until=until)
    ids = {"ticket_id": ticket["id"], "run_id": run["id"]}
    if until is not None:
        unit.note("harness_passed_over", **ids, harness=run["harness"], code=code, until=until.isoformat())
    if end.run_state is RunState.CANCELED:
        move_ticket(unit, ticket, [StageEvent.CANCEL], reason=reason, run_id=run["id"])
    elif end.retry_at is None:
        move_ticket(unit, ticket, [StageEvent.FAIL, StageEvent.EXHAUST], reason=reason, run_id=run["id"])
    else:
        moves = [StageEvent.FAIL, StageEvent.RETRY]
        base = ticket["attempts_base"] + (not end.spends)
        move_ticket(unit, ticket, moves, reason=reason, run_id=run["id"], not_before=end.retry_at, attempts_base=base)
        unit.note("retry_scheduled", **ids, code=code, not_before=end.retry_at.isoformat())
        return
    unit.note("dead_lettered", **ids, code=code, reason=words, attempts=ticket["attempts"])


def end_expired(unit: Unit, ticket: RowMapping, run: RowMapping, lease: RowMapping) -> None:
    """End what an expired lease left, on recovery's behalf; an approved run that was never resumed only loses it."""
    recovery = replace(unit, by=Component.RECOVERY)
    release(recovery, lease, "expired")
    if run["state"] == RunState.AWAITING_APPROVAL:
        return
    if run["cancel_requested_by"]:
        canceled = Canceled(f"canceled by {run['cancel_requested_by']}: {run['cancel_reason']}")
        end_attempt(recovery, ticket, run, AttemptEnd(canceled, RunState.CANCELED, None))
        return
    error = LeaseExpired(f"no heartbeat from {lease['owner']} before {lease['expires_at'].isoformat()}")
    end_attempt(recovery, ticket, run, AttemptEnd(error, RunState.FAILED, unit.now))
