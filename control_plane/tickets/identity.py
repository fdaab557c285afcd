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
    raise NotFound(f"no ticket {text!r}", id=text)


def find_run(factory: Reads, text: str) -> Run:
    """Return the run of an id; raises as find_ticket does."""
    head, mark, tail = text.lower().rpartition("-r")
    spellings = (text, text.upper(), text.lower(), f"{head.upper()}{mark}{tail}")
    for spelling in dict.fromkeys(spellings):
        found = factory.run_ledger.find_run(run_id=spelling)
        if found is not None:
            return found
    raise NotFound(f"no run {text!r}", id=text)
