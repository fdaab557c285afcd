"""factory ticket …"""

from pathlib import Path
from typing import Annotated, Any

import typer

from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, columns, leave
from control_plane.cli.reading import open_reading
from control_plane.cli.ticket_text import LIST_TITLES, list_row, ticket_lines
from control_plane.tickets.documents import ticket_document, ticket_lines_of
from control_plane.tickets.identity import find_ticket
from control_plane.tickets.readiness import readiness
from domain.lifecycle import Stage

app = typer.Typer(rich_markup_mode=None)
ticket = typer.Typer(
    help="File tickets and see where they stand.\n\nExample: factory ticket list", no_args_is_help=True
)
app.add_typer(ticket, name="ticket")

Many = list[str] | None


@ticket.command("add")
def add(  # noqa: PLR0913 - one parameter for each option
    file: Annotated[Path | None, typer.Argument(help="Markdown with YAML front matter; `-` reads stdin.")] = None,
    *,
    title: Annotated[str | None, typer.Option(help="Instead of a file.")] = None,
    body: Annotated[str, typer.Option(help="What is wanted.")] = "",
    repository: Annotated[str | None, typer.Option(help="May be left out when only one is enrolled.")] = None,
    engine: Annotated[str | None, typer.Option(help="The harness that does the work, or `auto`.")] = None,
    profile: Annotated[str | None, typer.Option(help="The role it is done in; it fills what is left out.")] = None,
    engine_class: Annotated[str | None, typer.Option(help="Without an engine: any harness of this class.")] = None,
    command: Annotated[Many, typer.Option(help="For the command harness; repeatable.")] = None,
    verify: Annotated[Many, typer.Option(help="Added to the repository's own; repeatable.")] = None,
    priority: Annotated[str | None, typer.Option(help="critical, high, medium or low.")] = None,
    risk: Annotated[str | None, typer.Option(help="low, medium or high.")] = None,
    budget_usd: Annotated[str | None, typer.Option(help="Dollars all of its attempts may cost.")] = None,
    lock: Annotated[str | None, typer.Option(help="Tickets with one lock run one at a time.")] = None,
    dep: Annotated[Many, typer.Option(help="A ticket that must be done first; repeatable.")] = None,
    as_json: AsJson = False,
) -> None:
    """File a ticket, from a file or from options; the same content again gives the same ticket.

    A file begins with `---`, keys such as title, repository, commands, verify, risk, then `---` and the body.

    Example: factory ticket add --title "Modern syntax" --repository shop --command "pyupgrade --py311-plus src/*.py"
    """
    if (file is None) == (title is None):
        raise typer.BadParameter("give a FILE or --title, not both")
    from control_plane.cli import filing  # noqa: PLC0415 - reading commands do not pay for the wiring

    told: dict[str, Any] = {"title": title, "body": body, "engine": engine, "commands": command, "verify": verify}
    told |= {"repository": repository, "priority": priority, "risk": risk, "lock": lock, "deps": dep}
    told |= {"profile": profile, "engine-class": engine_class}
    told |= {"budget": None if budget_usd is None else {"usd": budget_usd}}
    stored, created = filing.file_ticket(file, told)
    document = {"id": stored.id, "stage": stored.stage.value, "created": created}
    word = "filed" if created else "known already"
    lines = [f"{stored.id} {word} ({stored.stage}): factory run {stored.id} --wait"]
    answer(document, lines, as_json=as_json)


@ticket.command("list")
def list_(
    stage: Annotated[Stage | None, typer.Option(help="Only those in this stage.")] = None,
    repository: Annotated[str | None, typer.Option(help="Only those of this repository.")] = None,
    as_json: AsJson = False,
) -> None:
    """List tickets, and what those wait for that are queued and do not go.

    Example: factory ticket list --stage dead_letter
    """
    desk = open_reading()
    found = desk.lookup.tickets(stage=stage, repository=repository)
    lines = ticket_lines_of(desk, found)
    rows = [list_row(line) for line in lines]
    answer({"tickets": lines}, columns(rows, LIST_TITLES), as_json=as_json)


@ticket.command("show")
def show(ticket_id: Annotated[str, typer.Argument(metavar="TICKET")], as_json: AsJson = False) -> None:
    """Show a ticket: who must act next, its runs, its pull request, its policy report.

    Example: factory ticket show T-1 --json
    """
    factory = open_reading()
    document = ticket_document(factory, find_ticket(factory, ticket_id))
    answer(document, ticket_lines(document), as_json=as_json)


@ticket.command("readiness")
def readiness_(ticket_id: Annotated[str, typer.Argument(metavar="TICKET")], as_json: AsJson = False) -> None:
    """Tell whether a ticket may be worked on, and what it lacks.

    Example: factory ticket readiness T-1
    """
    factory = open_reading()
    document = readiness(factory, find_ticket(factory, ticket_id))
    reasons = [f"  {reason}" for reason in document["reasons"]]
    answer(document, ["ready" if document["ready"] else "not ready:", *reasons], as_json=as_json)


@ticket.command("done-check")
def done(ticket_id: Annotated[str, typer.Argument(metavar="TICKET")], as_json: AsJson = False) -> None:
    """Look up anew whether a ticket is really delivered; exit 1 when it is not.

    Example: factory ticket done-check T-1 && echo delivered
    """
    from control_plane.cli import filing  # noqa: PLC0415 - reading commands do not pay for the wiring

    document = filing.check_done(ticket_id)
    lines = [f"{'ok ' if one['ok'] else 'NOT'} {one['name']}: {one['detail']}" for one in document["checks"]]
    answer(document, lines, as_json=as_json)
    if not document["done"]:
        leave(1)
