"""factory route …"""

from typing import Annotated

import typer

from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, columns, note
from control_plane.cli.reading import open_reading
from control_plane.cli.since import MOST_RUNS, Since, since_when, tell_when_cut
from control_plane.routing.outcomes import FEATURES, outcome_document, outcome_row
from control_plane.runs.wording import harmless

app = typer.Typer(rich_markup_mode=None)
route = typer.Typer(
    help="See who would do a ticket's work.\n\nExample: factory route explain T-1", no_args_is_help=True
)
app.add_typer(route, name="route")


@route.command("explain")
def explain(ticket_id: Annotated[str, typer.Argument(metavar="TICKET")], *, as_json: AsJson = False) -> None:
    """Show who would take a ticket now: each candidate with every term of its score and why, and who is refused.

    Nothing is started. The weights are those of policy/rules/routing.yaml.

    Example: factory route explain T-1
    """
    from control_plane.cli import explaining  # noqa: PLC0415 - reading commands do not pay for the wiring

    found, lines, notes = explaining.explained(ticket_id)
    answer(found, lines, as_json=as_json)
    for words in notes:
        note(harmless(words))


@route.command("outcomes")
def outcomes(since: Since = "30d", *, as_json: AsJson = False) -> None:
    """Show what became of each run, the newest first: what the router learns from.

    The human-edit rate is the share of the merged change that people made, known once it is shipped.

    Example: factory route outcomes --since 7d
    """
    desk = open_reading()
    found = desk.oversight.outcomes(since=since_when(since, desk.now()), limit=MOST_RUNS)
    tell_when_cut(found)
    rows = [outcome_document(one) for one in found]
    titles = ("run", *(name.replace("_", " ") for name in FEATURES))
    answer({"outcomes": rows}, columns([outcome_row(one) for one in rows], titles), as_json=as_json)
