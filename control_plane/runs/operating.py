"""Take one ticket to its end by hand: dispatch it, see to the services, follow it, put the services away."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from control_plane.runs.following import Show, before_run, ending_now, follow, newest_seq, replay
from control_plane.runs.standing import Standing
from control_plane.services.session import ServiceSession
from control_plane.tickets.documents import lease_of
from control_plane.tickets.ending import Ending
from control_plane.tickets.waiting import waiting_words
from domain.errors import CapacityRefused, HarnessUnavailable, LeaseConflict, NotReady
from domain.execution import Run
from domain.lifecycle import FINAL_RUN_STATES, RunState
from domain.tickets import Ticket
from policy.waiting import parked
from resources.wiring import Factory
from sensors.supervisor import RunSupervisor

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Listener:
    """Who follows: gets events and words, and is called at every look."""

    show: Show
    tell: Tell
    look: Callable[[], None] = lambda: None
    whole: bool = False  #: wants the newest run from its beginning, when it began before


def dispatch(factory: Factory, ticket: Ticket, tell: Tell) -> bool:
    """Ask for the ticket's lease; where it only has to wait for its turn, say so, and return True.

    Raises:
        FactoryError: it cannot be worked on before somebody does something.
    """
    try:
        RunSupervisor(factory).dispatch(ticket.id)
    except LeaseConflict:
        tell(f"{ticket.id} is being worked on already")
        return False
    except CapacityRefused as reason:
        if ticket.blocked_on:
            raise NotReady(f"{ticket.id} {reason.message}", deps=ticket.blocked_on) from reason
        more = f" (`factory route explain {ticket.id}`)" if reason.details.get("limit") == "harness" else ""
        tell(f"{ticket.id} waits for its turn: {reason.message}{more}")
    except HarnessUnavailable:
        tell(f"who could do {ticket.id}, and why nobody can: `factory route explain {ticket.id}`")
        raise
    except NotReady as reason:
        tell(f"{ticket.id} waits: {_rest(ticket, reason, factory.now())}")
    else:
        return False
    return True


def _rest(ticket: Ticket, reason: NotReady, now: datetime) -> str:
    """Say for what that passes by itself a ticket waits; raises the reason when there is no such thing."""
    scope = reason.details.get("breaker")
    if scope is not None:
        return f"{reason.message} (`factory breaker reset {scope} --reason ...` closes it now)"
    if ticket.blocked_on or ticket.not_before <= now:
        raise reason
    return waiting_words(parked(ticket), now)


def run_to_end(factory: Factory, ticket: Ticket, listener: Listener) -> Ending:
    """Dispatch a ticket nobody works on and follow it, retries included, to its end."""
    runs = factory.lookup.runs(ticket_id=ticket.id)
    ending = ending_now(factory, ticket)
    if ending in (Ending.PULL_REQUEST, Ending.WAITS_FOR_PERSON):
        if listener.whole and runs:
            replay(factory, runs[-1], listener.show)
        return ending
    lease = lease_of(factory, ticket.id)
    at_work = lease is not None and lease.expires_at > factory.now()
    seen = before_run(factory, runs[-1]) if listener.whole and at_work else newest_seq(factory, ticket.id)
    if at_work:
        listener.tell(f"{ticket.id} is being worked on already")
    standing = Standing(factory, ticket.id, listener.tell)
    if not at_work and dispatch(factory, ticket, listener.tell):
        standing.is_told()
    return _follow(factory, ticket, listener, standing, seen)


def _follow(factory: Factory, ticket: Ticket, listener: Listener, standing: Standing, seen: int) -> Ending:
    with ServiceSession(factory, listener.tell, f"factory run {ticket.id}") as session:

        def keep() -> None:
            session.ensure()
            listener.look()
            standing.look()

        endings = follow(factory, [ticket.id], listener.show, keep, seen)
        put_away(session, listener.tell)
    return endings[ticket.id]


def show_ended(factory: Factory, run: Run, listener: Listener) -> Ending | None:
    """Show a run that is over, and return how it ended; None when it is not over."""
    if run.state not in FINAL_RUN_STATES:
        return None
    replay(factory, run, listener.show)
    return Ending.PULL_REQUEST if run.state is RunState.SUCCEEDED else Ending.FAILED


def put_away(session: ServiceSession, tell: Tell) -> None:
    """Let what our services still carry come to its end."""
    told = False
    while not session.drain():
        if not told:
            tell("waiting for what these services still carry (Ctrl-C ends it; recovery takes it up again) …")
        told = True
        time.sleep(0.3)
