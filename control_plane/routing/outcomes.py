"""What became of each run, as the features that a router can learn from."""

import math
from typing import Any, Final

from domain.outcomes import RunOutcome

FEATURES: Final = (
    "engine", "profile", "repository", "task_class", "duration_seconds", "cost_usd", "verify_passed", "human_edit_rate"
)  # fmt: skip


def outcome_document(one: RunOutcome) -> dict[str, Any]:
    """Return a run's features with what it was. None: not known yet, or not at all."""
    ended = one.ended_at is not None
    return {
        "run": one.run_id,
        "ticket": one.ticket_id,
        "state": one.state.value,
        "started_at": one.started_at.isoformat(),
        "engine": one.harness,
        "profile": one.profile,
        "repository": one.repository,
        "task_class": one.task_class,
        "duration_seconds": one.seconds,
        "cost_usd": one.usage.cost_usd if math.isfinite(one.usage.cost_usd) else None,
        "verify_passed": one.verified if ended else None,
        "human_edit_rate": one.human_edit_rate,
    }


def outcome_row(document: dict[str, Any]) -> list[str]:
    """Return the cells of a table: the run, then its features."""
    return [document["run"], *(_cell(document[name]) for name in FEATURES)]


def _cell(value: str | float | bool | None) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
    return value
