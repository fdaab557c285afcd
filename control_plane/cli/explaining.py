"""What `factory route explain` says; it opens the whole factory."""

from typing import Any

from control_plane.cli.opening import open_home
from control_plane.routing.breakers import closed_to
from control_plane.routing.wording import route_lines
from control_plane.tickets.identity import find_ticket
from sensors.routing import Router


def explained(ticket_id: str) -> tuple[dict[str, Any], list[str], list[str]]:
    """Return the router's answer as a document and as lines, and a word on each breaker in the ticket's way.

    Raises:
        NotFound: no such ticket.
    """
    factory = open_home()
    ticket = find_ticket(factory, ticket_id)
    found = Router(factory).explain(ticket)
    notes = [
        f"the circuit breaker of {scope} is {state.state}: {state.reason} (`factory breaker list`)"
        for scope, state in closed_to(factory, ticket.manifest.repository).items()
    ]
    return found.event_payload(), route_lines(found), notes
