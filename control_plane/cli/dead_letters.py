"""factory dead-letter …"""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from control_plane.cli.options import AsJson, Reason
from control_plane.cli.output import answer, columns
from control_plane.cli.reading import open_reading
from control_plane.cli.ticket_text import ticket_lines
from control_plane.runs.person import current_person
from control_plane.runs.wording import harmless
from control_plane.tickets.dead_letters import close as close_letter
from control_plane.tickets.dead_letters import dead_letters
from control_plane.tickets.documents import ticket_document
from control_plane.tickets.identity import find_ticket

app = typer.Typer(rich_markup_mode=None)
letters = typer.Typer(
    help="Tickets whose attempts are spent.\n\nExample: factory dead-letter list", no_args_is_help=True
)
app.add_typer(letters, name="dead-letter")

TicketId = Annotated[str, typer.Argument(metavar="TICKET")]


@letters.command("list")
def list_(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those that were closed, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the tickets that no further attempt will be made at, why, what to do, and what their last run left.

    Example: factory dead-letter list --json
    """
    document = dead_letters(open_reading(), closed=everything)
    found = document["tickets"]
    rows = [
        (one["id"], one["class"], one["attempts"], harmless(one["title"]), harmless(one["reason"] or ""))
        for one in found
    ]
    table = columns(rows, ("id", "class", "attempts", "title", "reason"))
    answer(document, [*table, *(line for one in found for line in _lines(one))], as_json=as_json)


def _lines(one: dict[str, Any]) -> Iterator[str]:
    yield f"{one['id']}: {one['remedy']}"
    if one["closed"] is not None:
        yield f"  closed by {harmless(one['closed']['actor'])}: {harmless(one['closed']['reason'])}"
    yield from (f"  {artifact['kind']}: {artifact['path']}" for artifact in one["evidence"])


@letters.command("requeue")
def requeue(ticket: TicketId, *, reason: Reason, as_json: AsJson = False) -> None:
    """Put a ticket back into the queue, with its retries counted anew.

    Example: factory dead-letter requeue T-1 --reason "the test is fixed"
    """
    factory = open_reading()
    found = find_ticket(factory, ticket)
    factory.operators.requeue(found.id, actor=current_person(), reason=reason, now=factory.now())
    document = ticket_document(factory, factory.lookup.ticket(found.id))
    answer(document, ticket_lines(document), as_json=as_json)


@letters.command("replay")
def replay(ticket: TicketId, *, reason: Reason, as_json: AsJson = False) -> None:
    """Work on a ticket again by a Dagster backfill of its partition; the services must run.

    Example: factory dead-letter replay T-1 --reason "the mirror is back"
    """
    from control_plane.tickets.replaying import replay as replay_letter  # noqa: PLC0415 - listing need not load it

    desk = open_reading()
    found = find_ticket(desk, ticket)
    backfill = replay_letter(desk, found, reason=reason)
    document = {"id": found.id, "backfill_id": backfill}
    answer(document, [f"{found.id} is replayed by the Dagster backfill {backfill}"], as_json=as_json)


@letters.command("close")
def close(ticket: TicketId, *, reason: Reason, as_json: AsJson = False) -> None:
    """Put a dead letter away: it is listed no more, but with --all. Requeue or replay brings it back.

    Example: factory dead-letter close T-1 --reason "no longer wanted"
    """
    desk = open_reading()
    document = close_letter(desk, find_ticket(desk, ticket), reason=reason)
    answer(document, [f"{document['id']} closed by {document['closed']['actor']}"], as_json=as_json)
