"""factory interrupt, factory continue."""

from typing import Annotated

import typer

from control_plane.cli.options import AsJson, Reason
from control_plane.cli.output import answer
from control_plane.cli.reading import open_reading
from control_plane.runs.pausing import go_on
from control_plane.runs.pausing import interrupt as interrupt_run
from control_plane.tickets.documents import run_document
from control_plane.tickets.identity import find_newest_run

app = typer.Typer(rich_markup_mode=None)

RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id; a ticket's means its newest run.")]


@app.command("interrupt")
def interrupt(run: RunId, *, reason: Reason, as_json: AsJson = False) -> None:
    """Pause a harness at work: it stops, what it did is kept, and the run waits for a person.

    Example: factory interrupt T-1-r1 --reason "it is on the wrong track"
    """
    desk = open_reading()
    found = interrupt_run(desk, find_newest_run(desk, run), reason=reason)
    lines = [
        f"{found.id} is asked to pause by {found.interrupt_requested_by}",
        f"  then: `factory continue {found.id}`, or `factory reject {found.id} --reason ...`",
    ]
    asked = {"interrupt_requested_by": found.interrupt_requested_by, "interrupt_reason": found.interrupt_reason}
    answer({**run_document(found), **asked}, lines, as_json=as_json)


@app.command("continue")
def continue_(
    run: RunId,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Kept with the decision.")] = "let it go on",
    as_json: AsJson = False,
) -> None:
    """Let a run go on that was interrupted or used up its budget: in its session, where the harness can.

    Example: factory continue T-1-r1 --reason "two dollars more are fine"
    """
    desk = open_reading()
    approval = go_on(desk, find_newest_run(desk, run), reason=reason)
    document = approval.model_dump(mode="json", exclude={"schema_version", "product_id"})
    answer(document, [f"{approval.run_id} goes on, says {approval.actor}"], as_json=as_json)
