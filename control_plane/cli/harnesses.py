"""factory harness …"""

from typing import Annotated

import typer

from control_plane.cli.opening import open_home
from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, columns, leave
from control_plane.harnesses.states import COLUMNS, looked_at, probe_lines, probed, state_document, state_rows
from resources.brokers import brokers
from resources.harnesses import harness_named

app = typer.Typer(rich_markup_mode=None)
harness = typer.Typer(
    help="See the agent programs that tickets can name, and try one.\n\nExample: factory harness list",
    no_args_is_help=True,
)
app.add_typer(harness, name="harness")


@harness.command("list")
def list_(as_json: AsJson = False) -> None:
    """List every harness: its version, whether it is enabled, what speaks against it, and how many of it are at work.

    A program whose version is not known yet is started once, in a sandbox.

    Example: factory harness list --json
    """
    factory = open_home()
    with brokers(factory, egress=False):
        states = looked_at(factory)
    document = {"harnesses": [state_document(state) for state in states]}
    answer(document, columns(state_rows(states), COLUMNS), as_json=as_json)


@harness.command("probe")
def probe(
    name: Annotated[str, typer.Argument(help="A harness, by its name.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Start a harness's program in a sandbox, and ask its model's API with its key; exit 1 when it does not work.

    The request costs nothing: it lists models. What is found counts for dispatch: a bad finding for ten minutes.

    Example: factory harness probe codex --json
    """
    factory = open_home()
    harness_named(factory, name)
    with brokers(factory):
        state = probed(factory, name)
    answer(state_document(state), probe_lines(state), as_json=as_json)
    leave(0 if state.healthy else 1)
