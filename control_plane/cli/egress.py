"""factory egress …"""

from typing import Annotated

import typer

from control_plane.cli.opening import open_home
from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, columns
from control_plane.sandboxes.reached import COLUMNS, attempt_document, attempt_row, attempts_of

app = typer.Typer(rich_markup_mode=None)
egress = typer.Typer(help="See what sandboxes reached for.\n\nExample: factory egress log --refused")
app.add_typer(egress, name="egress")


@egress.callback()
def _egress() -> None: ...


@egress.command("log")
def log(
    run: Annotated[str | None, typer.Argument(help="Only this run's.", show_default=False)] = None,
    *,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Show every host that sandboxes reached for, allowed or refused, oldest first.

    What is allowed is written in policy/rules/egress.yaml: everywhere, for a repository, for a harness.

    Example: factory egress log run-12 --refused --json
    """
    found = attempts_of(open_home(), run, refused=refused, limit=limit)
    document = {"attempts": [attempt_document(attempt) for attempt in found]}
    answer(document, columns([attempt_row(attempt) for attempt in found], COLUMNS), as_json=as_json)
