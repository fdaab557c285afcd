"""What sandboxes reached for, as the egress broker wrote it down."""

from collections.abc import Sequence
from typing import Any

from control_plane.runs.wording import harmless
from domain.egress import Attempt
from domain.errors import NotFound
from resources.wiring import Factory

COLUMNS = ("at", "run", "purpose", "reach", "host", "allowed", "reason", "up", "down")


def attempts_of(factory: Factory, run: str | None, *, refused: bool, limit: int) -> list[Attempt]:
    """Return the newest attempts, oldest first, of one run (or one sandbox of it), or of all.

    Raises:
        NotFound: no sandbox of that run ever had a door.
    """
    doors = [name for name in factory.doors.logs() if run is None or name == run or name.startswith(f"{run}-")]
    if run is not None and not doors:
        raise NotFound(f"no sandbox of {run[:100]!r} had a door")
    found = [attempt for name in doors for attempt in factory.doors.attempts(name)]
    wanted = [attempt for attempt in found if not (refused and attempt.allowed)]
    return sorted(wanted, key=lambda attempt: attempt.at)[-limit:]


def attempt_document(attempt: Attempt) -> dict[str, Any]:
    return attempt.model_dump(mode="json")


def attempt_row(attempt: Attempt) -> Sequence[object]:
    host = attempt.host if attempt.port is None else f"{attempt.host}:{attempt.port}"
    return (
        f"{attempt.at:%Y-%m-%d %H:%M:%S}", attempt.run_id, attempt.purpose, attempt.reach, harmless(host),
        "yes" if attempt.allowed else "NO", harmless(attempt.reason), attempt.bytes_up, attempt.bytes_down,
    )  # fmt: skip
