"""factory webhook …"""

from pathlib import Path
from typing import Annotated

import typer

from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, columns
from control_plane.cli.reading import open_reading
from control_plane.runs.wording import harmless
from control_plane.webhooks.documents import (
    COLUMNS,
    Document,
    delivery_document,
    delivery_line,
    inbox_document,
    refused_line,
)
from control_plane.webhooks.replaying import replay_file, replay_stored
from domain.deliveries import DeliveryState
from domain.errors import InvalidInput
from resources.artifacts import open_artifacts

app = typer.Typer(rich_markup_mode=None)
webhooks = typer.Typer(
    help="What forges sent, and what came of it.\n\nExample: factory webhook list", no_args_is_help=True
)
app.add_typer(webhooks, name="webhook")


@webhooks.command("list")
def list_(
    *,
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List deliveries, the newest first, and how many there are of each event in each state.

    Example: factory webhook list --state failed --json
    """
    document = inbox_document(open_reading(), state, limit)
    rows = [[harmless(str(one[name])) for name in COLUMNS] for one in document["deliveries"]]
    counts = [(event, *(told.get(one.value, 0) for one in DeliveryState)) for event, told in document["counts"].items()]
    lines = columns(rows, COLUMNS)
    if counts:
        lines += ["", *columns(counts, ("event", *(one.value for one in DeliveryState)))]
    if document["without_secret"]:
        lines += ["", refused_line(document["without_secret"])]
    answer(document, lines, as_json=as_json)


@webhooks.command("show")
def show(delivery: Annotated[str, typer.Argument(metavar="DELIVERY")], *, as_json: AsJson = False) -> None:
    """Show one delivery: what it asks for, what came of it, and where its body lies.

    Example: factory webhook show 72d3162e-cc78-11e3-81ab-4c9367dc0958
    """
    desk = open_reading()
    document = delivery_document(desk.inbox.find(delivery.lower()), open_artifacts(desk.settings))
    asks = [f"asks for: {harmless(str(one))}" for one in document["asks"]]
    unreadable = [f"unreadable: {harmless(document['unreadable'])}"] if document["unreadable"] else []
    answer(document, [*_lines(document), *asks, *unreadable, f"body: {document['body']['path']}"], as_json=as_json)


def _lines(document: Document) -> list[str]:
    names = (*COLUMNS, "received_at", "settled_at", "retry_at")
    return [f"{name}: {harmless(str(document[name]))}" for name in names if document[name] not in (None, "")]


@webhooks.command("replay")
def replay(
    what: Annotated[str, typer.Argument(metavar="FILE|DELIVERY")],
    *,
    event: Annotated[str | None, typer.Option(help="Of a file: as X-GitHub-Event says.", show_default=False)] = None,
    repository: Annotated[
        str | None, typer.Option(help="Of a file: if not the one it names.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Feed a stored delivery, or a payload in a file, to the factory again; the services must run.

    What was done for it before is not done twice.

    Example: factory webhook replay payload.json --event pull_request
    """
    desk = open_reading()
    file = Path(what)
    if not file.is_file():
        found = replay_stored(desk, what)
    elif event is None:
        raise InvalidInput(f"{what} is a file: name its event, --event pull_request")
    else:
        found = replay_file(desk, open_artifacts(desk.settings), file, event=event, repository=repository)
    document = delivery_line(found)
    answer(document, [f"{found.id} waits: {found.event} of {found.repository}"], as_json=as_json)
