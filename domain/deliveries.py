"""Webhook deliveries: stored once as they came, then decided on."""

from enum import StrEnum

from domain.execution import ArtifactRef
from domain.model import Instant, Name, Record


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DONE = "done"  #: had an effect, or was found to need none
    IGNORED = "ignored"  #: nothing here wants such an event
    FAILED = "failed"  #: a bug or a refusal; replay it when mended


class Delivery(Record):
    id: Name  #: the forge's own
    forge: Name
    event: Name
    action: str = ""
    repository: Name  #: enrolled name
    body: ArtifactRef
    received_at: Instant
    state: DeliveryState = DeliveryState.WAITING
    outcome: str = ""
    settled_at: Instant | None = None
    retry_at: Instant | None = None  #: not to be tried again before; of a waiting one that failed
    attempts: int = 0  #: that failed
