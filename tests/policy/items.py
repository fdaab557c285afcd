"""An item of a tracker, for tests that are about something else."""

from datetime import UTC, datetime
from typing import Any

from domain.tracking import Item, ItemStatus

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def make_item(**told: Any) -> Item:
    given = {
        "repository": "calc", "number": 7, "title": "Tidy calc", "text": "Please tidy.", "status": ItemStatus.OPEN,
        "author": "ann", "url": "https://forge.test/calc/7", "updated_at": NOON,
    }  # fmt: skip
    return Item.model_validate({**given, **told})
