"""What people decide about a ticket, wherever they say it: at a terminal, in a comment, by a label."""

from domain.forge import PullRequestState
from domain.tickets import Ticket
from resources.wiring import Factory


def cancel(factory: Factory, ticket: Ticket, *, actor: str, reason: str) -> Ticket:
    """Close the pull request the ticket may have, then cancel it: killed between the two, the repeat does the rest."""
    found = factory.lookup.pull_request(ticket.id)
    if found is not None and found.state is PullRequestState.OPEN:
        repository = factory.lookup.repository(ticket.manifest.repository)
        forge = factory.forges[repository.forge]
        forge.end_pull_request(repository, found.number, merge=False, actor=actor, reason=reason)
    return factory.operators.request_cancel(ticket.id, actor=actor, reason=reason, now=factory.now())


def is_merged(factory: Factory, ticket: Ticket) -> bool:
    """Tell whether the forge, asked now, has merged the ticket's pull request, whatever the ledger knows of it."""
    if factory.lookup.pull_request(ticket.id) is None:
        return False
    repository = factory.lookup.repository(ticket.manifest.repository)
    found = factory.forges[repository.forge].find_pull_request(repository, ticket.id)
    return found is not None and found.state is PullRequestState.MERGED
