"""Take one ticket to its end by hand: dispatch it, see to the services, follow it, put the services away."""

import time
from collections.abc import Callable

from control_plane.runs.following import Show, ending_now, follow, newest_seq
from control_plane.services.session import ServiceSession
from control_plane.tickets.ending import Ending
from domain.errors import CapacityRefused, LeaseConflict, NotReady
from domain.tickets import Ticket
from resources.wiring import Factory
from sensors.supervisor import RunSupervisor

Tell = Callable[[str], None]


def dispatch(factory: Factory, ticket: Ticket, tell: Tell) -> None:
    """Ask for the ticket's lease; where it only has to wait for its turn, say so.

    Raises:
        FactoryError: it cannot be worked on before somebody does something.
    """
    try:
        RunSupervisor(factory).dispatch(ticket.id)
    except LeaseConflict:
        tell(f"{ticket.id} is being worked on already")
    except CapacityRefused as reason:
        tell(f"{ticket.id} waits for its turn: {reason.message}")
    except NotReady as reason:
        if ticket.blocked_on or ticket.not_before <= factory.now():
            raise
        tell(f"{ticket.id} rests until {ticket.not_before:%H:%M:%S}: {reason.message}")


def run_to_end(factory: Factory, ticket: Ticket, show: Show, tell: Tell) -> Ending:
    """Dispatch a ticket and follow it, retries included, to its end."""
    ending = ending_now(factory, ticket)
    if ending in (Ending.PULL_REQUEST, Ending.WAITS_FOR_PERSON):
        return ending
    seen = newest_seq(factory, ticket.id)
    dispatch(factory, ticket, tell)
    with ServiceSession(factory, tell, f"factory run {ticket.id}") as session:
        endings = follow(factory, [ticket.id], show, session.ensure, seen)
        put_away(session, tell)
    return endings[ticket.id]


def put_away(session: ServiceSession, tell: Tell) -> None:
    """Let what our services still carry come to its end."""
    told = False
    while not session.drain():
        if not told:
            tell("waiting for what these services still carry (Ctrl-C ends it; recovery takes it up again) …")
        told = True
        time.sleep(0.3)
