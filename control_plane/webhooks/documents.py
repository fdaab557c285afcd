"""Deliveries as JSON and as lines: what the command line tells of the inbox."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from adapters.artifacts.contract import ArtifactStore
from control_plane.desk import Desk
from domain.deliveries import Delivery, DeliveryState
from domain.errors import FactoryError
from domain.webhooks import read_payload
from policy.inbox import Ourselves, decide
from resources.webhooks import without_secret

Document = dict[str, Any]
MOST_NAMED: Final = 10  #: repositories in one line
COLUMNS = ("id", "event", "action", "repository", "state", "attempts", "outcome")


def inbox_document(desk: Desk, state: DeliveryState | None, limit: int) -> Document:
    """Return `{"deliveries": [...], "counts": {event: {state: number}}, "without_secret": {repository: variable}}`,
    the newest first; what a repository without its secret sends is refused, and is not among them."""
    found = desk.inbox.newest(state=state, limit=limit)
    counts = {event: {one.value: number for one, number in told.items()} for event, told in desk.inbox.counts().items()}
    lacking = without_secret(desk.oversight.repositories())
    return {"deliveries": [delivery_line(one) for one in found], "counts": counts, "without_secret": lacking}


def refused_line(lacking: Mapping[str, str]) -> str:
    """Return what people must know of repositories without a secret."""
    names, secrets = (f"{', '.join(list(told)[:MOST_NAMED])}{_more(told)}" for told in (lacking, lacking.values()))
    return f"no secret is known here for webhooks of {names}: each gets 401; give the front door {secrets}"


def _more(told: Collection[str]) -> str:
    return f" and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""


def delivery_line(delivery: Delivery) -> Document:
    return delivery.model_dump(mode="json", exclude={"schema_version", "product_id", "body"})


def delivery_document(delivery: Delivery, artifacts: ArtifactStore) -> Document:
    """Return a delivery with its body's place, and what it asks for; the factory's own name is not considered."""
    body = {**delivery.body.model_dump(mode="json"), "path": artifacts.path(delivery.body)}
    try:
        asked = decide(delivery.event, read_payload(artifacts.get(delivery.body)), Ourselves())
    except FactoryError as error:
        return {**delivery_line(delivery), "body": body, "asks": [], "unreadable": error.message}
    asks = [{"effect": type(one).__name__, **one.model_dump(mode="json")} for one in asked]
    return {**delivery_line(delivery), "body": body, "asks": asks, "unreadable": None}
