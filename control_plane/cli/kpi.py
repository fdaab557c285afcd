"""factory kpi."""

import typer

from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, columns
from control_plane.cli.reading import open_reading
from control_plane.cli.since import MOST_RUNS, Since, since_when, tell_when_cut
from control_plane.governance.escaping import escapes
from control_plane.runs.kpi import kpi_of
from domain.lifecycle import Stage

app = typer.Typer(rich_markup_mode=None)


@app.command("kpi")
def kpi(since: Since = "30d", *, as_json: AsJson = False) -> None:
    """Show how many runs broke a limit, what a shipped ticket cost, and what escaped governance.

    The rate is breaches by runs that began since then; the cost that of all these runs by tickets shipped since then.
    Escaped violations are those that `factory governance rescan` found in merged changes.

    Example: factory kpi --since 7d
    """
    desk = open_reading()
    began = since_when(since, desk.now())
    outcomes = desk.oversight.outcomes(since=began, limit=MOST_RUNS)
    tell_when_cut(outcomes)
    shipped = desk.lookup.tickets(stage=Stage.SHIPPED, limit=MOST_RUNS)
    document = kpi_of(outcomes, shipped, began, escapes(desk.lookup, desk.governance)).document()
    rows = [(name, "none yet" if value is None else _told(value)) for name, value in document.items()]
    answer(document, columns(rows, ("kpi", "value")), as_json=as_json)


def _told(value: float) -> str:
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}"
