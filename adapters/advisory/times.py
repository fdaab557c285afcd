"""The times in advisories."""

from collections.abc import Iterable
from datetime import UTC, datetime


def newest_time(told: Iterable[object]) -> datetime | None:
    """Return the newest of some RFC 3339 times; what is no time does not count."""
    return max((at for one in told if (at := _time(one))), default=None)


def _time(told: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(told) if isinstance(told, str) else None
        return at.astimezone(UTC) if at and at.tzinfo else None
    except (ValueError, OverflowError):
        return None
