"""Where a ticket's way ends for whoever waits for it."""

from enum import IntEnum

from domain.execution import Run
from domain.forge import PullRequest, PullRequestState
from domain.governance import Approval, ApprovalState
from domain.lifecycle import RESTING_STAGES, RunState, Stage
from domain.tickets import Ticket


class Ending(IntEnum):
    """The exit codes of `factory run --wait`."""

    PULL_REQUEST = 0
    FAILED = 1
    WAITS_FOR_PERSON = 3


def ending_of(
    ticket: Ticket, run: Run | None, pull_request: PullRequest | None, approval: Approval | None = None
) -> Ending | None:
    """Return how it ended; None while the factory still has something to do."""
    if ticket.stage is Stage.SHIPPED:
        return Ending.PULL_REQUEST
    if ticket.stage in RESTING_STAGES:
        return Ending.FAILED
    if ticket.completed_at is not None and ticket.stage in (Stage.TESTING, Stage.REVIEW):
        is_open = pull_request is not None and pull_request.state is not PullRequestState.CLOSED
        return Ending.PULL_REQUEST if is_open else Ending.WAITS_FOR_PERSON
    if run is not None and run.state is RunState.AWAITING_APPROVAL:
        approved = approval is not None and approval.state is ApprovalState.APPROVED
        return None if approved else Ending.WAITS_FOR_PERSON
    return None
