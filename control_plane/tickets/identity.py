"""What people type → the ticket or run they mean, in whatever case they type it."""

from control_plane.desk import Reads
from domain.errors import NotFound
from domain.execution import Run
from domain.tickets import Ticket


def find_ticket(factory: Reads, text: str) -> Ticket:
    """Return the ticket of an id.

    Raises:
        NotFound: no spelling of it exists.
    """
    for spelling in dict.fromkeys((text, text.upper(), text.lower())):
        try:
            return factory.lookup.ticket(spelling)
        except NotFound:
            continue
    raise NotFound(f"no ticket {text[:100]!r}", id=text[:100])


def find_run(factory: Reads, text: str) -> Run:
    """Return the run of an id; raises as find_ticket does."""
    head, mark, tail = text.lower().rpartition("-r")
    spellings = (text, text.upper(), text.lower(), f"{head.upper()}{mark}{tail}")
    for spelling in dict.fromkeys(spellings):
        found = factory.run_ledger.find_run(run_id=spelling)
        if found is not None:
            return found
    raise NotFound(f"no run {text[:100]!r}", id=text[:100])


def find_either(factory: Reads, text: str) -> tuple[Ticket, Run | None]:
    """Return the ticket that the id of a ticket or of a run means, and the run when it was a run's.

    Raises:
        NotFound: it is the id of neither.
    """
    try:
        return find_ticket(factory, text), None
    except NotFound:
        pass
    try:
        run = find_run(factory, text)
    except NotFound:
        raise NotFound(f"no ticket or run {text[:100]!r}", id=text[:100]) from None
    return factory.lookup.ticket(run.ticket_id), run


def find_newest_run(factory: Reads, text: str) -> Run:
    """Return the run of an id; of a ticket's id its newest.

    Raises:
        NotFound: it is the id of neither, or the ticket has no run yet.
    """
    ticket, run = find_either(factory, text)
    if run is not None:
        return run
    runs = factory.lookup.runs(ticket_id=ticket.id)
    if not runs:
        raise NotFound(f"{ticket.id} has no run yet: `factory run {ticket.id}` starts one", id=ticket.id)
    return runs[-1]
