"""factory cost."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, columns
from control_plane.cli.reading import open_reading
from control_plane.cli.since import MOST_RUNS, Since, since_when, tell_when_cut
from control_plane.desk import Desk
from control_plane.runs.costs import By, Cost, summed, total

app = typer.Typer(rich_markup_mode=None)

TITLES: Final = ("input", "cached input", "output", "cost usd", "runs")


@app.command("cost")
def cost(
    by: Annotated[By, typer.Option(help="What a row stands for; a day is that of UTC on which a run began.")] = By.RUN,
    since: Since = "30d",
    *,
    as_json: AsJson = False,
) -> None:
    """Show the tokens and the money that runs used. Input does not count what was read from a cache.

    With --by ticket the ticket's own budget stands beside it.

    Example: factory cost --by ticket --since 7d
    """
    desk = open_reading()
    outcomes = desk.oversight.outcomes(since=since_when(since, desk.now()), limit=MOST_RUNS)
    tell_when_cut(outcomes)
    rows = summed(outcomes, by)
    answer({"rows": [row.document() for row in rows]}, _table(desk, rows, by), as_json=as_json)


def _table(desk: Desk, rows: Sequence[Cost], by: By) -> list[str]:
    if not rows:
        return columns([], ())
    budgets = [_budget(desk, row.key) for row in rows] if by is By.TICKET else []
    cells = [[*_cells(row), *budgets[place : place + 1]] for place, row in enumerate(rows)]
    told = [*cells, [*_cells(total(rows)), *([""] if budgets else [])]]
    return columns(told, (by.value, *TITLES, *(["budget usd"] if budgets else [])))


def _cells(row: Cost) -> list[str]:
    usd = f"{row.document()['cost_usd']:.4f}"
    counts = (row.input_tokens, row.cached_input_tokens, row.output_tokens)
    return [row.key, *(f"{count:,}" for count in counts), usd, str(row.runs)]


def _budget(desk: Desk, ticket_id: str) -> str:
    budget = desk.lookup.ticket(ticket_id).manifest.budget
    return "" if budget is None or budget.usd is None else f"{budget.usd:.2f}"
