"""factory tracker …, and `aq`, its other name."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from control_plane.cli.options import AsJson
from control_plane.cli.output import answer, leave

app = typer.Typer(rich_markup_mode=None)
tracker = typer.Typer(
    help="Bring a tracker's items in as tickets, and their progress back.\n\nExample: factory tracker sync",
    no_args_is_help=True,
)
app.add_typer(tracker, name="tracker")

ALIASES: Final = {"from-tracker": "from", "to-tracker": "to"}


@tracker.command("from")
def from_(
    item: Annotated[str, typer.Argument(metavar="REPOSITORY#NUMBER")],
    *,
    export: Annotated[Path | None, typer.Option(help="Write the ticket file here instead of filing it.")] = None,
    as_json: AsJson = False,
) -> None:
    """File the ticket of one item, whatever its labels; the same item again gives the same ticket.

    Example: factory tracker from shop#12 --export 12.md
    """
    from control_plane.cli.opening import open_home  # noqa: PLC0415 - `--help` does not pay for the wiring
    from control_plane.runs.person import current_person  # noqa: PLC0415
    from control_plane.trackers.exchange import from_item  # noqa: PLC0415

    document = from_item(open_home(), item, export, actor=current_person())
    passed_over = [f"  passed over: {words}" for words in document["passed_over"]]
    if document["file"]:
        answer(document, [f"{document['item']} written to {document['file']}", *passed_over], as_json=as_json)
        return
    word = "filed" if document["created"] else "known already"
    line = f"{document['id']} {word} ({document['stage']}): factory run {document['id']} --wait"
    answer(document, [line, *passed_over], as_json=as_json)


@tracker.command("to")
def to(ticket: Annotated[str, typer.Argument(metavar="TICKET")], as_json: AsJson = False) -> None:
    """Say on a ticket's item where the ticket stands.

    Example: factory tracker to T-1
    """
    from control_plane.cli.opening import open_home  # noqa: PLC0415
    from control_plane.tickets.identity import find_ticket  # noqa: PLC0415
    from control_plane.trackers.exchange import to_item  # noqa: PLC0415

    factory = open_home()
    document = to_item(factory, find_ticket(factory, ticket))
    answer(document, [f"{document['ticket']} told on {document['item']}: {document['status']}"], as_json=as_json)


@tracker.command("sync")
def sync(as_json: AsJson = False) -> None:
    """Look at every tracker once: file, cancel, obey and tell what is due; exit 1 when part of it failed.

    Example: factory tracker sync --json
    """
    from control_plane.cli.opening import open_home  # noqa: PLC0415
    from sensors.tracker_sync import TrackerSync  # noqa: PLC0415

    document = asdict(TrackerSync(open_home()).sync())
    done = ("filed", "canceled", "orders", "decided", "told")
    lines = [f"{name}: {', '.join(document[name])}" for name in done if document[name]]
    lines += [f"failed: {where} ({why})" for where, why in document["failed"].items()]
    answer(document, lines or ["nothing to do"], as_json=as_json)
    if document["failed"]:
        leave(1)


def main() -> None:
    """Run `aq from-tracker ITEM` and `aq to-tracker [TICKET]` as the commands they stand for."""
    from control_plane.cli.app import run  # noqa: PLC0415 - app imports this module by name

    sys.exit(run(translated(sys.argv[1:])))


def translated(words: list[str]) -> list[str]:
    """Return the words of `factory` for those of `aq`; a bare `to-tracker` tells everything there is to tell."""
    first, rest = (words[0], words[1:]) if words else ("", [])
    if first == "to-tracker" and not [word for word in rest if not word.startswith("-")] and "--help" not in rest:
        return ["tracker", "sync", *rest]
    return ["tracker", ALIASES.get(first, first), *rest] if words else ["tracker"]
