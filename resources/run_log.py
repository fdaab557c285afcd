"""Every event of a run as one line of JSON, a file a day: for those who read logs and not the ledger."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog

from domain.execution import Run
from resources.wiring import Factory


def log_event(factory: Factory, run: Run, name: str, payload: Mapping[str, Any]) -> None:
    """Append a line with `event`, `run_id`, `ticket_id`, `harness`, `state` and the payload's own fields."""
    folder = factory.settings.logs_dir / "runs"
    identity = {"run_id": run.id, "ticket_id": run.ticket_id, "harness": run.harness, "state": run.state.value}
    told = {key: value for key, value in payload.items() if key not in (*identity, "event", "timestamp", "level")}
    logger = _logger(folder / f"{factory.now():%Y-%m-%d}.jsonl")
    logger.info(name, **told, **identity)


@lru_cache(maxsize=8)
def _logger(file: Path) -> Any:
    file.parent.mkdir(parents=True, exist_ok=True)
    return structlog.wrap_logger(
        structlog.WriteLogger(file.open("a", encoding="utf-8", errors="replace")),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(default=str),
        ],
    )
