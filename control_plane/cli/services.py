"""factory up, factory try."""

from typing import Annotated

import typer

from control_plane.cli.opening import open_home
from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, leave, note
from control_plane.cli.progress import Progress
from control_plane.services.up import serve
from control_plane.trial.trial import new_home, run_trial, trial_lines
from control_plane.webhooks.documents import refused_line
from resources.webhooks import without_secret

app = typer.Typer(rich_markup_mode=None)


@app.command("up")
def up(
    *,
    port: Annotated[int | None, typer.Option(help="Of the web address (default 3000, or a free one).")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the services in the foreground: code location, daemon and Dagster's pages. Ctrl-C stops all of it.

    It listens on this machine only; the address that is printed carries the token that lets you in.

    Example: factory up --port 3001
    """
    factory = open_home()
    lacking = without_secret(factory.oversight.repositories())
    if lacking:
        note(f"warning: {refused_line(lacking)}")

    def announce(address: str) -> None:
        lines = [
            f"Dagster UI: {address}",
            f"home: {factory.settings.home} (logs in {factory.settings.logs_dir})",
            "next: `factory ticket add FILE.md`, `factory timeline TICKET --follow`; Ctrl-C stops everything",
        ]
        answer({"url": address, "home": str(factory.settings.home)}, lines, as_json=as_json)

    serve(factory, port=port, tell=note, announce=announce)


@app.command("try")
def try_(as_json: AsJson = False) -> None:
    """Run the whole factory once on a sample repository, in a state directory of its own.

    Three tickets: one ends in a pull request, one breaks a test and is stopped, one waits for a person.

    Example: factory try --json
    """
    with Progress("trying the factory …") as progress:
        document = run_trial(new_home(), progress.show, progress.tell)
    answer(document, trial_lines(document), as_json=as_json)
    leave(0 if document["ok"] else 1)
