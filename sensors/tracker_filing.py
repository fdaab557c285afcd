"""Items that are wanted become tickets, once; tickets whose items are wanted no more end."""

from typing import Final

from domain.errors import IdempotencyConflict, InvalidInput
from domain.lifecycle import Stage
from domain.tickets import Ticket
from domain.tracking import FactoryLabel, Item
from policy.progress import refusal
from policy.tracking import Wish, is_marked, wish_of
from resources.deciding import cancel, is_merged
from resources.intake import admit
from sensors.tracker_desk import ACTOR, TrackerDesk

FILED: Final = "filed"
REFUSED: Final = "refused"
CANCELED: Final = "cancel_requested"


def file_marked(desk: TrackerDesk, item: Item) -> Ticket | None:
    """File a marked item that no ticket is at work for; return the ticket when it is new or was brought back.

    One that was canceled because its mark was taken away is brought back with the mark.
    """
    wish = wish_of(item, desk.standing(item.author), desk.policy)
    if not desk.knows(FILED, str(wish.manifest.idempotency_key)):
        return file(desk, item, wish, by=ACTOR)
    dead = desk.dead_ticket(item)
    if dead is None or dead.idempotency_key != wish.manifest.idempotency_key or not _unmarked(desk, dead):
        return None
    return bring_back(desk, dead, actor=ACTOR, reason="wanted again in the tracker")


def bring_back(desk: TrackerDesk, ticket: Ticket, *, actor: str, reason: str) -> Ticket:
    """Put a dead letter back into the queue."""
    desk.tickets_changed()
    return desk.factory.operators.requeue(ticket.id, actor=actor, reason=reason, now=desk.factory.now())


def end(desk: TrackerDesk, ticket: Ticket, *, actor: str, reason: str) -> None:
    """Cancel a ticket and close its pull request."""
    desk.tickets_changed()
    cancel(desk.factory, ticket, actor=actor, reason=reason)


def file(desk: TrackerDesk, item: Item, wish: Wish, *, by: str) -> Ticket | None:
    """Store the ticket, then note that it is; what cannot become one is told on the item, once a reason."""
    key = str(wish.manifest.idempotency_key)
    try:
        ticket, is_new = admit(desk.factory, wish.manifest, actor=by)
    except IdempotencyConflict as known:  # same words, other labels: it stays the ticket it is
        ticket, is_new = desk.factory.lookup.ticket(known.details["ticket"]), False
    except InvalidInput as error:
        _refuse(desk, item, key, error.message)
        return None
    told = {"item": item.reference, "passed_over": list(wish.passed_over)}
    desk.record("tracker_filed", told, ticket=ticket, actor=by)
    desk.note(FILED, key)
    desk.tickets_changed()
    return ticket if is_new else None


def end_unwanted(desk: TrackerDesk, ticket: Ticket) -> bool:
    """Cancel a ticket whose item, looked at anew, was closed, is gone, or lost its mark; tell whether it was."""
    number = desk.number_of(ticket)
    if number is None:
        return False
    reason = _against(desk, ticket, desk.item(number, anew=True))
    if reason is None or is_merged(desk.factory, ticket) or _stops_already(desk, ticket):
        return False
    end(desk, ticket, actor=ACTOR, reason=reason)
    return True


def _against(desk: TrackerDesk, ticket: Ticket, item: Item | None) -> str | None:
    """Return why an item is wanted no more. A mark counts as taken away only where we last saw to it being there."""
    if item is None:
        return "its item is gone from the tracker"
    if item.status.is_over:
        return f"its item was closed in the tracker ({item.status})"
    told = desk.factory.lookup.timeline(ticket_id=ticket.id, names=("tracker_told",))
    if told and FactoryLabel.RUN in told[-1].payload["labels"] and not is_marked(item, desk.myself):
        return "its item was unmarked in the tracker"
    return None


def _stops_already(desk: TrackerDesk, ticket: Ticket) -> bool:
    run = desk.newest_run(ticket)
    return run is not None and run.finished_at is None and run.cancel_requested_by is not None


def _unmarked(desk: TrackerDesk, ticket: Ticket) -> bool:
    """Tell whether a dead letter is one because its item was wanted no more."""
    asked = desk.factory.lookup.timeline(ticket_id=ticket.id, names=(CANCELED, "ticket_requeued"))
    was_asked = bool(asked) and asked[-1].name == CANCELED and asked[-1].actor == ACTOR
    return was_asked and ticket.stage is Stage.DEAD_LETTER


def _refuse(desk: TrackerDesk, item: Item, key: str, reason: str) -> None:
    if desk.knows(REFUSED, key, reason):
        return
    say = refusal(reason)
    desk.tracker.say(desk.repository.name, item.number, marker=marker_of(item.number), text=say.text)
    desk.tracker.move(desk.repository.name, item.number, say.status, labels=say.labels)
    desk.record("tracker_refused", {"item": item.reference, "reason": reason}, ticket=None)
    desk.note(REFUSED, key, reason)


def marker_of(number: int) -> str:
    """The factory keeps one comment an item."""
    return f"progress/{number}"
