"""What an operator is told at once, wherever they are."""

from typing import Any

from domain.model import Instant, Name, Record


class Alert(Record):
    kind: Name  #: `limit_breached`, `breaker_opened`
    text: str
    at: Instant
    ticket_id: Name | None = None
    run_id: Name | None = None
    details: dict[str, Any] = {}
