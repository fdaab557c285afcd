"""Who must act next on a ticket and by when; what nobody must is stalled."""

from datetime import datetime

from domain.execution import Lease, Run
from domain.governance import Approval
from domain.lifecycle import RunState, Stage
from domain.tickets import NextAction, Priority, Ticket

#: how long a ready ticket may wait, by priority, in seconds
QUEUE_SLA = {Priority.CRITICAL: 900, Priority.HIGH: 3600, Priority.MEDIUM: 6 * 3600, Priority.LOW: 24 * 3600}
REVIEW_SLA_SECONDS = 3 * 86400
PAUSES = frozenset({"interrupted", "budget"})  #: rules of approvals that let a harness go on working


def next_action(ticket: Ticket, run: Run | None, approval: Approval | None, lease: Lease | None = None) -> NextAction:
    """Return the one next step of a ticket; its deadline is None only at rest or where a person may take their time."""
    match ticket.stage:
        case Stage.SHIPPED:
            return NextAction(actor="nobody", action="done")
        case Stage.DEAD_LETTER:
            return NextAction(actor="person", action=f"decide: requeue or leave ({ticket.reason})")
        case Stage.QUEUED:
            return _queued(ticket)
        case Stage.TESTING:
            return _ship(ticket)
        case Stage.REVIEW if ticket.completed_at:
            return _ship(ticket)
    if run is not None and run.state is RunState.AWAITING_APPROVAL and lease is None:
        return _awaiting(run, approval)
    return NextAction(actor="factory", action="work on it", deadline=lease.expires_at if lease else None)


def _queued(ticket: Ticket) -> NextAction:
    if ticket.blocked_on:
        return NextAction(actor="factory", action=f"finish {', '.join(ticket.blocked_on)} first")
    deadline = ticket.not_before.timestamp() + QUEUE_SLA[ticket.manifest.priority]
    return NextAction(
        actor="factory", action="start it", deadline=datetime.fromtimestamp(deadline, tz=ticket.not_before.tzinfo)
    )


def _ship(ticket: Ticket) -> NextAction:
    since = (ticket.completed_at or ticket.updated_at).timestamp() + REVIEW_SLA_SECONDS
    return NextAction(
        actor="person",
        action="review and merge the pull request (`factory ship`)",
        deadline=datetime.fromtimestamp(since, tz=ticket.updated_at.tzinfo),
    )


def _awaiting(run: Run, approval: Approval | None) -> NextAction:
    if approval is None:
        return NextAction(actor="factory", action="ask for an approval")
    if approval.decided_at is not None:
        return NextAction(actor="factory", action="continue the approved run", deadline=approval.deadline)
    word = "continue" if is_pause(approval) else "approve"
    return NextAction(
        actor="person",
        action=f"{word} or reject {run.id}: {approval.request_reason}",
        deadline=approval.deadline,
    )


def is_pause(approval: Approval) -> bool:
    """Tell whether it asks to let a paused harness go on, not to let a finished change out."""
    return approval.rule in PAUSES


def stalled(ticket: Ticket, action: NextAction, now: datetime) -> bool:
    """Tell whether a ticket that is not at rest has nobody to act, or a factory step past its deadline."""
    if ticket.stage in (Stage.SHIPPED, Stage.DEAD_LETTER):
        return False
    if action.deadline is None:
        return not ticket.blocked_on
    return action.actor == "factory" and now > action.deadline
