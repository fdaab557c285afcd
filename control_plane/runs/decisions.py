"""What a person may decide about a run or a ticket."""

from control_plane.runs.person import current_person
from domain.errors import ForgeRefused
from domain.execution import Run
from domain.governance import Approval
from domain.tickets import Ticket
from resources import deciding
from resources.wiring import Factory


def decide(factory: Factory, run: Run, *, approved: bool, reason: str) -> Approval:
    """Approve or reject a waiting run; raises ApprovalRefused."""
    return factory.operators.decide_approval(
        run.id, approved=approved, actor=current_person(), reason=reason, now=factory.now()
    )


def cancel(factory: Factory, ticket: Ticket, *, reason: str) -> Ticket:
    """Cancel a ticket, and close the pull request it may have."""
    return deciding.cancel(factory, ticket, actor=current_person(), reason=reason)


def ship(factory: Factory, ticket: Ticket, *, reason: str) -> Ticket:
    """Merge the ticket's open pull request as a person, and record it.

    Raises:
        ForgeRefused: there is no pull request, or it cannot be merged.
        IllegalTransition: the ticket is in no stage to be shipped.
    """
    repository = factory.lookup.repository(ticket.manifest.repository)
    forge = factory.forges[repository.forge]
    found = forge.find_pull_request(repository, ticket.id)
    if found is None:
        raise ForgeRefused(f"ticket {ticket.id} has no pull request to merge", ticket=ticket.id)
    person = current_person()
    merged = forge.end_pull_request(repository, found.number, merge=True, actor=person, reason=reason)
    return factory.operators.ship(
        ticket.id, actor=person, merge_sha=merged.merge_sha, now=factory.now(), edits=merged.edits
    )
