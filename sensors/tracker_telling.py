"""Progress goes back: one comment an item, kept up to date, with its status and labels. Said once a change."""

import hashlib
from typing import Final

from domain.errors import ForgeRefused
from domain.lifecycle import RunState
from domain.tickets import Ticket
from policy.progress import Progress, Standpoint, progress_of
from sensors.tracker_desk import TrackerDesk
from sensors.tracker_filing import marker_of
from sensors.tracker_votes import tally_of

TOLD: Final = "tracker_told"
NOTES: Final = 10


def tell(desk: TrackerDesk, ticket: Ticket, *, again: bool = False) -> bool:
    """Say where a ticket stands, unless that was the last thing said; return whether it was said now.

    The ledger has the state before it is told, and what was told after: killed in between, the repeat finds the
    comment by its marker and changes nothing.

    Raises:
        ForgeUnavailable: the tracker does not answer; nothing is lost by trying later.
    """
    number = desk.number_of(ticket)
    if number is None or not _speaks(desk, ticket):
        return False
    progress = progress_of(standpoint(desk, ticket))
    digest = _digest(progress)
    if not again and digest == last_told(desk, ticket):
        return False
    refused = None
    try:
        desk.tracker.say(desk.repository.name, number, marker=marker_of(number), text=progress.text)
        desk.tracker.move(desk.repository.name, number, progress.status, labels=progress.labels)
    except ForgeRefused as error:  # locked, deleted, transferred: saying it again would not help
        refused = error.message
    told = {"item": ticket.manifest.tracker_item, "status": progress.status.value, "labels": sorted(progress.labels)}
    desk.record(TOLD, {**told, "digest": digest, "refused": refused}, ticket=ticket)
    return True


def standpoint(desk: TrackerDesk, ticket: Ticket) -> Standpoint:
    """Gather what is known of a ticket."""
    lookup = desk.factory.lookup
    runs = lookup.runs(ticket_id=ticket.id)
    run = runs[-1] if runs else None
    waits = run is not None and run.state is RunState.AWAITING_APPROVAL
    approvals = desk.factory.oversight.approvals(run_id=run.id) if run and waits else []
    reports = (lookup.evidence(one.id)[1] for one in reversed(runs))
    return Standpoint(
        ticket=ticket,
        run=run,
        approval=approvals[-1] if approvals else None,
        pull_request=lookup.pull_request(ticket.id),
        report=next((report for report in reports if report is not None), None),
        tally=tally_of(desk, ticket, run) if run and waits else None,
        given_up=_given_up(desk, ticket),
        notes=_notes(desk, ticket),
    )


def _given_up(desk: TrackerDesk, ticket: Ticket) -> str | None:
    """Return what nobody but a person mends any more; a follow-up that begins again takes it back."""
    events = desk.factory.lookup.timeline(ticket_id=ticket.id, names=("rework_began", "rework_given_up"))
    return str(events[-1].payload["reason"]) if events and events[-1].name == "rework_given_up" else None


def last_told(desk: TrackerDesk, ticket: Ticket) -> str | None:
    events = desk.factory.lookup.timeline(ticket_id=ticket.id, names=(TOLD,))
    return str(events[-1].payload["digest"]) if events else None


def _speaks(desk: TrackerDesk, ticket: Ticket) -> bool:
    """An item's newer ticket has the word."""
    other = desk.live_tickets().get(ticket.manifest.tracker_item or "")
    return other is None or other.id == ticket.id


def _notes(desk: TrackerDesk, ticket: Ticket) -> tuple[str, ...]:
    filed = desk.factory.lookup.timeline(ticket_id=ticket.id, names=("tracker_filed",))
    return tuple(str(note) for note in filed[-1].payload["passed_over"])[:NOTES] if filed else ()


def _digest(progress: Progress) -> str:
    words = "\0".join([progress.text, progress.status, *sorted(progress.labels)])
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()
