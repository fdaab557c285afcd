"""factory runs, factory timeline."""

import json
from typing import Annotated, Any

import typer

from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, columns
from control_plane.cli.reading import open_reading
from control_plane.runs.following import tail
from control_plane.runs.wording import describe
from control_plane.tickets.documents import run_document, why
from control_plane.tickets.identity import find_ticket
from domain.execution import Event
from domain.lifecycle import RunState

app = typer.Typer(rich_markup_mode=None)


@app.command("runs")
def runs(
    ticket: Annotated[str | None, typer.Option(help="Only those of this ticket.")] = None,
    state: Annotated[RunState | None, typer.Option(help="Only those in this state.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List runs, oldest first.

    Example: factory runs --state awaiting_approval
    """
    factory = open_reading()
    ticket_id = find_ticket(factory, ticket).id if ticket else None
    found = factory.lookup.runs(ticket_id=ticket_id, state=state)
    rows = [(one.id, one.state, one.harness, f"{one.created_at:%Y-%m-%d %H:%M}", why(one)) for one in found]
    document = {"runs": [run_document(one) for one in found]}
    answer(document, columns(rows, ("run", "state", "harness", "since", "reason")), as_json=as_json)


@app.command("timeline")
def timeline(
    ticket: Annotated[str, typer.Argument(metavar="TICKET")],
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until it ends; --json prints JSON lines.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show everything that happened to a ticket, in order.

    Example: factory timeline T-1 --follow
    """
    factory = open_reading()
    found = find_ticket(factory, ticket)
    if follow:
        tail(factory, found.id, lambda event: answer(_document(event), [_line(event)], as_json=as_json))
        return
    events = factory.lookup.timeline(ticket_id=found.id)
    document = {"ticket": found.id, "events": [_document(event) for event in events]}
    answer(document, [_line(event) for event in events], as_json=as_json)


def _document(event: Event) -> dict[str, Any]:
    told = json.loads(event.model_dump_json(exclude={"schema_version", "product_id"}))
    return {**told, "text": describe(event)}


def _line(event: Event) -> str:
    return f"{event.at.astimezone():%H:%M:%S}  {event.run_id or '-':12}  {event.actor:12}  {describe(event)}"
