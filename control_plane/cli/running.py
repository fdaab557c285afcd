"""factory run …"""

from typing import Annotated

import typer

from control_plane.cli.live import LiveView
from control_plane.cli.opening import open_home
from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, leave, note
from control_plane.cli.progress import Progress
from control_plane.cli.ticket_text import ticket_lines
from control_plane.runs.operating import Listener, dispatch, run_to_end, show_ended
from control_plane.services.beat import is_alive
from control_plane.tickets.documents import ticket_document
from control_plane.tickets.ending import Ending
from control_plane.tickets.identity import find_either, find_ticket
from domain.tickets import Ticket
from resources.wiring import Factory

app = typer.Typer(rich_markup_mode=None)


@app.command("run")
def run(
    ticket_id: Annotated[str, typer.Argument(metavar="TICKET", help="With --follow a run's id will do, too.")],
    *,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, retries included.")] = True,
    live: Annotated[
        bool, typer.Option("--follow", help="Wait, and show the agent's own steps; --json prints one a line.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Work on a ticket now. Without a running `factory up`, what is needed is started and stopped again.

    A ticket that is at work already is only followed. Exit code: 0 a pull request is open, 3 it waits for a person,
    1 it failed.

    Example: factory run T-1 --follow
    """
    factory = open_home()
    if live and not wait:
        raise typer.BadParameter("--follow waits: give one of --follow and --no-wait")
    if live:
        _live(factory, ticket_id, as_json=as_json)
    ticket = find_ticket(factory, ticket_id)
    ending = _follow(factory, ticket) if wait else _only_dispatch(factory, ticket)
    _tell_end(factory, ticket, as_json=as_json)
    leave(ending)


def _live(factory: Factory, text: str, *, as_json: bool) -> None:
    ticket, named = find_either(factory, text)
    with Progress(f"{ticket.id} …") as progress:
        view = LiveView(factory, progress, as_json=as_json)
        listener = Listener(view.show, progress.tell, view.look, whole=True)
        ending = show_ended(factory, named, listener) if named else None
        if ending is None:
            ending = _to_end(factory, ticket, listener)
        view.close()
    if not as_json:
        _tell_end(factory, ticket, as_json=False)
    leave(ending)


def _follow(factory: Factory, ticket: Ticket) -> Ending:
    with Progress(f"{ticket.id} …") as progress:
        return _to_end(factory, ticket, Listener(progress.show, progress.tell))


def _to_end(factory: Factory, ticket: Ticket, listener: Listener) -> Ending:
    try:
        return run_to_end(factory, ticket, listener)
    except KeyboardInterrupt:
        listener.tell(
            f"no longer following {ticket.id}. If it was running here, its lease ends by itself within "
            f"{factory.settings.lease_ttl:.0f} s; the next `factory up` or `factory run` takes it up again."
        )
        raise


def _only_dispatch(factory: Factory, ticket: Ticket) -> Ending:
    dispatch(factory, ticket, note)
    if not is_alive(factory):
        note("no daemon is alive to start it: `factory up`")
    return Ending.PULL_REQUEST


def _tell_end(factory: Factory, ticket: Ticket, *, as_json: bool) -> None:
    document = ticket_document(factory, factory.lookup.ticket(ticket.id))
    answer(document, ticket_lines(document), as_json=as_json)
