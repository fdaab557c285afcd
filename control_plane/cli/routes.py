"""factory route …"""

from typing import Annotated

import typer

from control_plane.cli.opening import open_home
from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, note
from control_plane.routing.breakers import closed_to
from control_plane.routing.wording import route_lines
from control_plane.runs.wording import harmless
from control_plane.tickets.identity import find_ticket
from sensors.routing import Router

app = typer.Typer(rich_markup_mode=None)
route = typer.Typer(
    help="See who would do a ticket's work.\n\nExample: factory route explain T-1", no_args_is_help=True
)
app.add_typer(route, name="route")


@route.callback()
def _route() -> None: ...


@route.command("explain")
def explain(ticket_id: Annotated[str, typer.Argument(metavar="TICKET")], *, as_json: AsJson = False) -> None:
    """Show who would take a ticket now: each candidate with every term of its score and why, and who is refused.

    Nothing is started. The weights are those of policy/rules/routing.yaml.

    Example: factory route explain T-1
    """
    factory = open_home()
    ticket = find_ticket(factory, ticket_id)
    found = Router(factory).explain(ticket)
    answer(found.event_payload(), route_lines(found), as_json=as_json)
    for scope, state in closed_to(factory, ticket.manifest.repository).items():
        note(harmless(f"the circuit breaker of {scope} is {state.state}: {state.reason} (`factory breaker list`)"))
