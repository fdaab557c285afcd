"""Tickets that no further attempt will be made at: why, what to do, and where the evidence lies."""

from typing import Any, Final

from control_plane.desk import Desk, Reads
from control_plane.runs.person import current_person
from control_plane.tickets.documents import ticket_line
from domain.errors import FactoryError, InvalidInput, NotReady, taxonomy
from domain.execution import Event, EventDraft, Run
from domain.lifecycle import Component, Stage
from domain.tickets import Ticket
from resources.artifacts import open_artifacts

DEAD: Final = "dead_lettered"
CLOSED: Final = "dead_letter_closed"
LONGEST_REASON: Final = 2_000
MOST: Final = 100_000
Document = dict[str, Any]


def dead_letters(factory: Reads, *, closed: bool = False) -> Document:
    """Return `{"tickets": [...]}`: those nobody closed, or with `closed` those too."""
    found = factory.lookup.tickets(stage=Stage.DEAD_LETTER, limit=MOST)
    return {"tickets": [letter(factory, one) for one in found if closed or _closed(_ends(factory, one)) is None]}


def letter(factory: Reads, ticket: Ticket) -> Document:
    """Return what is known of one dead letter; `evidence` are the artifacts of its last run, as local files."""
    events = _ends(factory, ticket)
    code = next((event.payload["code"] for event in reversed(events) if event.name == DEAD), FactoryError.code)
    error = taxonomy().get(code, FactoryError)
    runs = factory.lookup.runs(ticket_id=ticket.id)
    return {
        **ticket_line(ticket),
        "class": error.failure_class.value,
        "code": code,
        "remedy": error.remedy,
        "run": runs[-1].id if runs else None,
        "evidence": _evidence(factory, runs[-1]) if runs else [],
        "closed": _closed(events),
    }


def close(desk: Desk, ticket: Ticket, *, reason: str) -> Document:
    """Put a dead letter away for good, as a person; a requeue brings the ticket back all the same.

    Raises:
        InvalidInput: the reason is empty or longer than LONGEST_REASON characters.
        NotReady: it is no dead letter, or is closed already.
    """
    check_reason(reason)
    require_dead(ticket)
    before = letter(desk, ticket)["closed"]
    if before is not None:
        raise NotReady(f"{ticket.id} is closed already, by {before['actor']}", ticket=ticket.id)
    audit(desk, ticket, CLOSED, {"reason": reason})
    return letter(desk, ticket)


def require_dead(ticket: Ticket) -> None:
    """Raises NotReady."""
    if ticket.stage is not Stage.DEAD_LETTER:
        raise NotReady(f"{ticket.id} is {ticket.stage}, no dead letter", ticket=ticket.id)


def check_reason(reason: str) -> None:
    """Raises InvalidInput."""
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise InvalidInput(f"say why in 1 to {LONGEST_REASON} characters with --reason")


def audit(desk: Desk, ticket: Ticket, name: str, payload: Document) -> None:
    """Write one event of the person who types."""
    draft = EventDraft(
        name=name, payload=payload, ticket_id=ticket.id, actor=current_person(), component=Component.PERSON
    )
    desk.run_ledger.record_event(draft, lease=None, now=desk.now())


def _ends(factory: Reads, ticket: Ticket) -> list[Event]:
    return factory.lookup.timeline(ticket_id=ticket.id, names=(DEAD, CLOSED))


def _closed(events: list[Event]) -> Document | None:
    """A ticket that became a dead letter again after it was closed is open."""
    if not events or events[-1].name != CLOSED:
        return None
    last = events[-1]
    return {"at": last.at.isoformat(), "actor": last.actor, "reason": last.payload["reason"]}


def _evidence(factory: Reads, run: Run) -> list[Document]:
    store = open_artifacts(factory.settings)
    artifacts, _ = factory.lookup.evidence(run.id)
    return [{**one.ref.model_dump(mode="json"), "path": store.path(one.ref)} for one in artifacts]
