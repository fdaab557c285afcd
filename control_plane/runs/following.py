"""Follow tickets through the ledger's timeline, retries included, until the factory has nothing left to do."""

import time
from collections.abc import Callable, Iterator, Sequence

from control_plane.desk import Reads
from control_plane.tickets.documents import newest_approval
from control_plane.tickets.ending import Ending, ending_of
from domain.execution import Event, Run
from domain.tickets import Ticket

INTERVAL = 0.3  #: seconds between two looks
Show = Callable[[Event], None]


def ending_now(factory: Reads, ticket: Ticket) -> Ending | None:
    runs = factory.lookup.runs(ticket_id=ticket.id)
    run = runs[-1] if runs else None
    approval = newest_approval(factory, run) if run else None
    return ending_of(ticket, run, factory.lookup.pull_request(ticket.id), approval)


def follow(
    factory: Reads, ticket_ids: Sequence[str], show: Show, keep: Callable[[], None], after_seq: int = 0
) -> dict[str, Ending]:
    """Show every new event of the tickets and return how each ended.

    Args:
        factory: Where to look.
        ticket_ids: Whom to follow.
        show: Gets each event once, in order.
        keep: Called at every look, so that services stay available.
        after_seq: Events up to this one are known already.
    """
    endings: dict[str, Ending] = {}
    seen = dict.fromkeys(ticket_ids, after_seq)
    while True:
        keep()
        for ticket_id in ticket_ids:
            if ticket_id not in endings:
                # the ending is read before the events, so that the last events are never missed
                ending = ending_now(factory, factory.lookup.ticket(ticket_id))
                seen[ticket_id] = _show_new(factory, ticket_id, seen[ticket_id], show)
                if ending is not None:
                    endings[ticket_id] = ending
        if len(endings) == len(ticket_ids):
            return endings
        time.sleep(INTERVAL)


def newest_seq(factory: Reads, ticket_id: str) -> int:
    return max((event.seq for event in events_after(factory, ticket_id)), default=0)


def before_run(factory: Reads, run: Run) -> int:
    """Return the number of the last event before a run's first."""
    of_run = (event.seq for event in events_after(factory, run.ticket_id) if event.run_id == run.id)
    return next(of_run, 1) - 1


def events_after(factory: Reads, ticket_id: str, after_seq: int = 0) -> Iterator[Event]:
    """Yield every event of a ticket after one, in order, a page at a time."""
    while page := factory.lookup.timeline(ticket_id=ticket_id, after_seq=after_seq):
        yield from page
        after_seq = page[-1].seq


def tail(factory: Reads, ticket_id: str, show: Show) -> None:
    """Show the whole timeline and then every new event until the ticket ends."""
    follow(factory, [ticket_id], show, lambda: None)


def replay(factory: Reads, run: Run, show: Show) -> None:
    """Show every event of one run."""
    for event in events_after(factory, run.ticket_id, before_run(factory, run)):
        if event.run_id == run.id:
            show(event)


def _show_new(factory: Reads, ticket_id: str, after_seq: int, show: Show) -> int:
    for event in events_after(factory, ticket_id, after_seq):
        show(event)
        after_seq = event.seq
    return after_seq
