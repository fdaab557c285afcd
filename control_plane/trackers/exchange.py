"""Items to tickets and back, by hand: what the poller does by itself, for one item or ticket at a time."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

from control_plane.tickets.documents import Document
from control_plane.tickets.intake import only_repository
from domain.errors import InvalidInput, NotFound
from domain.tickets import Manifest, Ticket
from domain.tracking import Item
from policy.tracking import Wish, wish_of
from resources.wiring import Factory
from sensors.tracker_desk import TrackerDesk
from sensors.tracker_filing import file
from sensors.tracker_sync import TrackerSync
from sensors.tracker_telling import tell

_ITEM: Final = re.compile(r"(?:([A-Za-z0-9][A-Za-z0-9._-]{0,99})#|#|[A-Za-z]{1,10}-)?([1-9]\d{0,9})")


def from_item(factory: Factory, text: str, export: Path | None, *, actor: str) -> Document:
    """File the ticket of an item, or write its ticket file, whatever the item's labels say: a person asks for it.

    Raises:
        InvalidInput: `text` names no item, or the item cannot become a ticket as it is.
        NotFound: no such repository or item, or the repository has no tracker.
    """
    repository, number = item_named(factory, text)
    desk = desk_of(factory, repository)
    item = desk.item(number)
    if item is None:
        raise NotFound(f"no item {repository}#{number} in its tracker", item=f"{repository}#{number}")
    wish = wish_of(item, desk.standing(item.author), desk.policy)
    told = {"item": item.reference, "passed_over": list(wish.passed_over)}
    if export is not None:
        export.write_text(ticket_file_of(wish.manifest), encoding="utf-8")
        return {**told, "file": str(export), "id": None, "stage": None, "created": False}
    return {**told, "file": None, **_filed(desk, item, wish, actor)}


def to_item(factory: Factory, ticket: Ticket) -> Document:
    """Say on a ticket's item where the ticket stands, even if that was said before."""
    desk = desk_of(factory, ticket.manifest.repository)
    if desk.number_of(ticket) is None:
        raise InvalidInput(f"{ticket.id} stands for no item of a tracker", ticket=ticket.id)
    if not tell(desk, ticket, again=True):
        raise InvalidInput(f"a newer ticket of {ticket.manifest.tracker_item} has the word", ticket=ticket.id)
    told = factory.lookup.timeline(ticket_id=ticket.id, names=("tracker_told",))[-1]
    return {"ticket": ticket.id, "item": ticket.manifest.tracker_item, "status": told.payload["status"]}


def item_named(factory: Factory, text: str) -> tuple[str, int]:
    """Read `NAME#12`; with one repository enrolled also `12`, `#12` or `ITEM-12`."""
    found = _ITEM.fullmatch(text)
    if found is None:
        raise InvalidInput(f"{text[:100]!r} is no item: write REPOSITORY#NUMBER")
    return found[1] or only_repository(factory), int(found[2])


def desk_of(factory: Factory, repository: str) -> TrackerDesk:
    desk = TrackerSync(factory).desk(factory.lookup.repository(repository))
    if desk is None:
        raise NotFound(f"repository {repository} has no tracker", repository=repository)
    return desk


def ticket_file_of(manifest: Manifest) -> str:
    """Return the file that `factory ticket add` reads as this manifest."""
    keys: dict[str, Any] = manifest.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"body"})
    front = yaml.safe_dump(keys, sort_keys=False, allow_unicode=True, width=1_000_000)
    return f"---\n{front}---\n\n{manifest.body}\n"


def _filed(desk: TrackerDesk, item: Item, wish: Wish, actor: str) -> Document:
    live = desk.live_ticket(item)
    ticket = live or file(desk, item, wish, by=actor)
    if ticket is not None:
        tell(desk, ticket)
        return {"id": ticket.id, "stage": ticket.stage.value, "created": live is None}
    known = _known(desk, wish)
    if known is None:
        raise InvalidInput(
            f"{item.reference} cannot become a ticket as it is: its comment says why", item=item.reference
        )
    return {"id": known.id, "stage": known.stage.value, "created": False}


def _known(desk: TrackerDesk, wish: Wish) -> Ticket | None:
    tickets = desk.factory.lookup.tickets(repository=desk.repository.name, limit=100_000)
    return next((one for one in tickets if one.idempotency_key == wish.manifest.idempotency_key), None)
