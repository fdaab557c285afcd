"""Feed a delivery again: one that is stored, or a file that looks like one."""

import hashlib
import uuid
from pathlib import Path
from typing import Final

from adapters.artifacts.contract import ArtifactStore
from control_plane.desk import Desk
from control_plane.webhooks.receiving import EVENT
from domain.deliveries import Delivery
from domain.errors import InvalidInput
from domain.repositories import Repository
from domain.webhooks import LARGEST, Payload, read_payload
from resources.webhooks import FORGE, address_of

_SPACE: Final = uuid.UUID("6f2b1f0e-58f6-4f55-9a3c-5d0e2a1f7c11")  #: in which a file's content makes a delivery's id


def replay_stored(desk: Desk, delivery_id: str) -> Delivery:
    """Put a stored delivery back among the waiting. Raises NotFound."""
    return desk.inbox.replay(delivery_id.lower())


def replay_file(desk: Desk, artifacts: ArtifactStore, file: Path, *, event: str, repository: str | None) -> Delivery:
    """Store a payload as a delivery of its own; the same file, event and repository are always the same delivery.

    Raises:
        InvalidInput: no event's name, no payload, too large, or of no enrolled repository.
        NotFound: no such repository.
    """
    if not EVENT.fullmatch(event):
        raise InvalidInput(f"--event {event!r} is no event's name, such as pull_request")
    content = _read(file)
    payload = read_payload(content)
    name = desk.lookup.repository(repository).name if repository else _found(payload, desk.oversight.repositories())
    delivery = Delivery(
        id=str(uuid.uuid5(_SPACE, f"{event}\n{name}\n{hashlib.sha256(content).hexdigest()}")),
        forge=FORGE,
        event=event,
        action=payload.action,
        repository=name,
        body=artifacts.put(content, kind="json", name=f"webhook-{event}.json"),
        received_at=desk.now(),
    )
    return delivery if desk.inbox.take(delivery) else desk.inbox.replay(delivery.id)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as handle:
            return handle.read(LARGEST + 1)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error


def _found(payload: Payload, enrolled: list[Repository]) -> str:
    address = address_of(payload.repository.html_url) if payload.repository else None
    names = [one.name for one in enrolled if address is not None and address_of(one.source) == address]
    if not names:
        raise InvalidInput("the payload is of no enrolled repository: name one with --repository")
    return names[0]
