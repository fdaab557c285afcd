"""What runs used, summed: the rows of `factory cost`."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC
from enum import StrEnum
from typing import Any, Final

from domain.model import Value
from domain.outcomes import RunOutcome

MICRO: Final = 1_000_000  #: money is summed in millionths of a dollar, so that no grouping loses any


class By(StrEnum):
    RUN = "run"
    TICKET = "ticket"
    REPOSITORY = "repository"
    HARNESS = "harness"
    DAY = "day"  #: in UTC, that the run began


class Cost(Value):
    """What the runs of one key used. Input does not count what was read from a cache."""

    key: str
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    micro_usd: int = 0
    runs: int = 0

    def document(self) -> dict[str, Any]:
        told = self.model_dump(exclude={"micro_usd", "runs"})
        return {**told, "cost_usd": self.micro_usd / MICRO, "runs": self.runs}


def key_of(one: RunOutcome, by: By) -> str:
    if by is By.DAY:
        return one.started_at.astimezone(UTC).date().isoformat()
    names: Mapping[By, str] = {
        By.RUN: one.run_id,
        By.TICKET: one.ticket_id,
        By.REPOSITORY: one.repository,
        By.HARNESS: one.harness,
    }
    return names[by]


def summed(outcomes: Iterable[RunOutcome], by: By) -> list[Cost]:
    """Return one row a key, in the order of each key's first run."""
    groups: dict[str, list[RunOutcome]] = defaultdict(list)
    for one in sorted(outcomes, key=lambda one: (one.started_at, one.run_id)):
        groups[key_of(one, by)].append(one)
    return [_sum(key, rows) for key, rows in groups.items()]


def total(rows: Iterable[Cost]) -> Cost:
    known = list(rows)
    names = Cost.model_fields.keys() - {"key"}
    return Cost(key="total", **{name: sum(getattr(one, name) for one in known) for name in names})


def _sum(key: str, rows: list[RunOutcome]) -> Cost:
    return Cost(
        key=key,
        input_tokens=sum(one.usage.input_tokens for one in rows),
        cached_input_tokens=sum(one.usage.cached_input_tokens for one in rows),
        output_tokens=sum(one.usage.output_tokens for one in rows),
        micro_usd=sum(_micro(one.usage.cost_usd) for one in rows),
        runs=len(rows),
    )


def _micro(usd: float) -> int:
    """A program may tell anything as its cost; what is no amount counts nothing."""
    micro = usd * MICRO
    return round(micro) if math.isfinite(micro) else 0
