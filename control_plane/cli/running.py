"""factory run …"""

from typing import Annotated

import typer

from control_plane.cli.opening import open_home
from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, leave, note
from control_plane.cli.progress import Progress
from control_plane.cli.ticket_text import ticket_lines
from control_plane.runs.operating import dispatch, run_to_end
from control_plane.services.beat import is_alive
from control_plane.tickets.documents import ticket_document
from control_plane.tickets.ending import Ending
from control_plane.tickets.identity import find_ticket
from domain.tickets import Ticket
from resources.wiring import Factory

app = typer.Typer(rich_markup_mode=None)


@app.command("run")
def run(
    ticket_id: Annotated[str, typer.Argument(metavar="TICKET")],
    *,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, retries included.")] = True,
    as_json: AsJson = False,
) -> None:
    """Work on a ticket now. Without a running `factory up`, what is needed is started and stopped again.

    Exit code: 0 a pull request is open, 3 it waits for a person, 1 it failed.

    Example: factory run T-1 --wait
    """
    factory = open_home()
    ticket = find_ticket(factory, ticket_id)
    ending = _follow(factory, ticket) if wait else _only_dispatch(factory, ticket)
    document = ticket_document(factory, factory.lookup.ticket(ticket.id))
    answer(document, ticket_lines(document), as_json=as_json)
    leave(ending)


def _follow(factory: Factory, ticket: Ticket) -> Ending:
    with Progress(f"{ticket.id} …") as progress:
        try:
            return run_to_end(factory, ticket, progress.show, progress.tell)
        except KeyboardInterrupt:
            progress.tell(
                f"no longer following {ticket.id}. If it was running here, its lease ends by itself within "
                f"{factory.settings.lease_ttl:.0f} s; the next `factory up` or `factory run` takes it up again."
            )
            raise


def _only_dispatch(factory: Factory, ticket: Ticket) -> Ending:
    dispatch(factory, ticket, note)
    if not is_alive(factory):
        note("no daemon is alive to start it: `factory up`")
    return Ending.PULL_REQUEST
