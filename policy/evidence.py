"""Which runs tell how well work goes: those that ended, and not for want of a machine, the ledger, the forge or an
agent's service."""

from collections.abc import Iterable
from typing import Final

from domain.errors import taxonomy
from domain.lifecycle import RunState
from domain.outcomes import RunOutcome

#: causes that tell nothing of the work
NOT_OF_THE_WORK: Final = frozenset(
    {"canceled", "conflict", "crash", "forge", "harness_unavailable", "ledger", "sandbox", "storage"}
)


def cause_of(outcome: RunOutcome) -> str:
    """Return the cause of a run's end, `error` when nobody knows one."""
    error = taxonomy().get(outcome.reason_code or "")
    return error.cause if error else "error"


def telling(outcomes: Iterable[RunOutcome]) -> list[RunOutcome]:
    """Return the runs that are evidence, the oldest first."""
    ended = (one for one in outcomes if one.ended_at is not None and one.state is not RunState.CANCELED)
    return sorted((one for one in ended if _tells(one)), key=lambda one: one.started_at)


def _tells(outcome: RunOutcome) -> bool:
    if outcome.state is RunState.SUCCEEDED:
        return True
    return outcome.harness_until is None and cause_of(outcome) not in NOT_OF_THE_WORK
