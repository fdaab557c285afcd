"""factory status."""

import typer

from control_plane.cli.options import AsJson
from control_plane.cli.output import answer
from control_plane.cli.reading import open_reading
from control_plane.health.summary import status_document

app = typer.Typer(rich_markup_mode=None)


@app.command("status")
def status(as_json: AsJson = False) -> None:
    """Show how the factory stands: queue, runs, who waits for a person, what stalls.

    Example: factory status --json
    """
    told = status_document(open_reading())
    queue, services = told["queue"], told["services"]
    lines = [
        f"home:     {told['home']}",
        "tickets:  " + (_counts(told["stages"]) or "none"),
        "runs:     " + (_counts(told["runs"]) or "none"),
        f"queue:    {queue['depth']} deep, oldest {queue['oldest_seconds']:.0f} s, {queue['retrying']} retrying",
        f"services: {'alive' if services['alive'] else 'not running (`factory up`)'}",
    ]
    lines += [f"paused:   {scope} ({reason})" for scope, reason in told["paused"].items()]
    lines += [
        f"waits for you: {run} (`factory approve|reject {run} --reason ...`)" for run in told["awaiting_approval"]
    ]
    lines += [f"STALLED:  {ticket} (`factory doctor`)" for ticket in told["stalled"]]
    answer(told, lines, as_json=as_json)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)
