"""factory breaker …"""

from typing import Annotated

import typer

from control_plane.cli.opening import open_home
from control_plane.cli.options import AsJson, Reason
from control_plane.cli.output import answer, columns
from control_plane.routing.breakers import breaker_document, find_scope, states
from control_plane.routing.breakers import reset as reset_breaker
from control_plane.runs.wording import harmless
from sensors.routing import scope_of

app = typer.Typer(rich_markup_mode=None)
breaker = typer.Typer(
    help="What rests because it failed again and again, or costs too much.\n\nExample: factory breaker list",
    no_args_is_help=True,
)
app.add_typer(breaker, name="breaker")


@breaker.command("list")
def list_(as_json: AsJson = False) -> None:
    """List every circuit breaker: closed, open (nothing is sent there), or half_open (one run tries it).

    Example: factory breaker list --json
    """
    found = states(open_home())
    rows = [
        (scope, one.state, "" if one.until is None else f"{one.until:%Y-%m-%d %H:%M:%S}", harmless(one.reason))
        for scope, one in found.items()
    ]
    document = {"breakers": [breaker_document(scope, one) for scope, one in found.items()]}
    answer(document, columns(rows, ("scope", "state", "until", "reason")), as_json=as_json)


@breaker.command("reset")
def reset(
    scope: Annotated[str, typer.Argument(help="everything, harness:NAME or repository:NAME.")],
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Close a circuit breaker now: failures and costs of before no longer count.

    Example: factory breaker reset harness:codex --reason "the key is renewed"
    """
    factory = open_home()
    found = find_scope(factory, scope)
    state = reset_breaker(factory, found, reason=reason)
    told = scope_of(*found)
    answer(breaker_document(told, state), [f"{told} is {state.state}"], as_json=as_json)
