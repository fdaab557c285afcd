"""One claimer of a race: a process with its own connection."""

from typing import Any

from adapters.ledger.backlog import Backlog
from adapters.ledger.engine import make_engine
from domain.execution import ClaimRequest
from domain.lifecycle import Component
from tests.adapters.ledger.book import NOON


def claim_all(url: str, owner: str, ready: Any, won: Any) -> None:
    """Connect, wait for the others, then claim until nothing is left."""
    backlog = Backlog(make_engine(url))
    backlog.fetch_ready(limit=1, now=NOON)
    request = ClaimRequest(owner=owner, ttl_seconds=60)
    ready.wait(timeout=60)
    tickets = []
    while (lease := backlog.claim_ticket(request, component=Component.DISPATCH, now=NOON)) is not None:
        tickets.append(lease.ticket_id)
    won.put(tickets)
