"""factory dead-letter …"""

from typing import Annotated

import typer

from control_plane.cli.options import AsJson, Reason
from control_plane.cli.output import answer, columns
from control_plane.cli.reading import open_reading
from control_plane.cli.ticket_text import ticket_lines
from control_plane.runs.person import current_person
from control_plane.runs.wording import harmless
from control_plane.tickets.documents import ticket_document, ticket_line
from control_plane.tickets.identity import find_ticket
from domain.lifecycle import Stage

app = typer.Typer(rich_markup_mode=None)
letters = typer.Typer(
    help="Tickets whose attempts are spent.\n\nExample: factory dead-letter list", no_args_is_help=True
)
app.add_typer(letters, name="dead-letter")


@letters.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the tickets that no further attempt will be made at, and why.

    Example: factory dead-letter list --json
    """
    found = open_reading().lookup.tickets(stage=Stage.DEAD_LETTER)
    rows = [(one.id, one.attempts, harmless(one.manifest.title), harmless(one.reason or "")) for one in found]
    document = {"tickets": [ticket_line(one) for one in found]}
    answer(document, columns(rows, ("id", "attempts", "title", "reason")), as_json=as_json)


@letters.command("requeue")
def requeue(
    ticket: Annotated[str, typer.Argument(metavar="TICKET")], *, reason: Reason, as_json: AsJson = False
) -> None:
    """Put a ticket back into the queue, with its retries counted anew.

    Example: factory dead-letter requeue T-1 --reason "the test is fixed"
    """
    factory = open_reading()
    found = find_ticket(factory, ticket)
    factory.operators.requeue(found.id, actor=current_person(), reason=reason, now=factory.now())
    document = ticket_document(factory, factory.lookup.ticket(found.id))
    answer(document, ticket_lines(document), as_json=as_json)
