"""A harness at work paused by a person, and a paused run let go on."""

from typing import NoReturn

from control_plane.desk import Desk
from control_plane.runs.person import current_person
from control_plane.tickets.documents import newest_approval
from domain.errors import ApprovalRefused, NotReady
from domain.execution import Run
from domain.governance import Approval, ApprovalState
from domain.lifecycle import FINAL_RUN_STATES, RunState
from policy.attention import is_pause


def interrupt(desk: Desk, run: Run, *, reason: str) -> Run:
    """Ask a running run to pause; what it did is kept, and only a person lets it go on.

    Raises:
        NotReady: it does not run; the message says what can be done with it.
    """
    if run.state is not RunState.RUNNING:
        raise NotReady(f"{run.id} is {run.state} and cannot be interrupted: {_instead(desk, run)}", run=run.id)
    return desk.operators.request_interrupt(run.id, actor=current_person(), reason=reason, now=desk.now())


def go_on(desk: Desk, run: Run, *, reason: str) -> Approval:
    """Let a run go on that was interrupted, or that used up its budget.

    Raises:
        ApprovalRefused: it is not paused; the message says what can be done with it.
    """
    approval = newest_approval(desk, run)
    if approval is None or approval.state is not ApprovalState.PENDING or not is_pause(approval):
        _refuse(desk, run)
    return desk.operators.decide_approval(run.id, approved=True, actor=current_person(), reason=reason, now=desk.now())


def _refuse(desk: Desk, run: Run) -> NoReturn:
    raise ApprovalRefused(f"{run.id} is {run.state}, not paused: {_instead(desk, run)}", run=run.id)


def _instead(desk: Desk, run: Run) -> str:
    """Say which command is right for a run."""
    if run.state in FINAL_RUN_STATES:
        return f"it is over; see `factory ticket show {run.ticket_id}` for what comes next"
    if run.state is RunState.RUNNING:
        return f"it is at work; `factory run {run.id} --follow` shows it"
    if run.state is RunState.CLAIMED:
        return f"it has not begun; `factory cancel {run.ticket_id} --reason ...` takes it back"
    approval = newest_approval(desk, run)
    if approval is not None and approval.state is ApprovalState.APPROVED:
        return "somebody approved it already; it goes on by itself"
    word = "continue" if approval is not None and is_pause(approval) else "approve"
    return f"it waits for a person; `factory {word} {run.id}` or `factory reject {run.id}`, each with --reason"
