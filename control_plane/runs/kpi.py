"""How often runs break their limits, and what a shipped ticket costs: `factory kpi`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from control_plane.runs.costs import MICRO, By, summed, total
from domain.errors import taxonomy
from domain.model import Value
from domain.outcomes import RunOutcome
from domain.tickets import Ticket
from policy.governance.escapes import Escapes

NONE: Final = Escapes()
BREACHES: Final = frozenset({"limit", "timeout"})  #: causes of the codes with which a breached limit ends a run


class Kpi(Value):
    """Counts over one span of time; a rate of nothing is None."""

    runs: int
    breaches: int
    shipped: int
    cost_usd: float
    escapes: Escapes = Escapes()

    def document(self) -> dict[str, Any]:
        return {
            "breach_rate": self.breaches / self.runs if self.runs else None,
            "cost_per_shipped_usd": self.cost_usd / self.shipped if self.shipped else None,
            **self.model_dump(exclude={"escapes"}),
            **self.escapes.model_dump(),
        }


def kpi_of(
    outcomes: Iterable[RunOutcome], shipped: Iterable[Ticket], since: datetime | None, escapes: Escapes = NONE
) -> Kpi:
    """Count runs, whatever became of them, and of the shipped tickets those that were shipped since then."""
    known = list(outcomes)
    return Kpi(
        runs=len(known),
        breaches=sum(is_breach(one.reason_code) for one in known),
        shipped=sum(since is None or ticket.updated_at >= since for ticket in shipped),
        cost_usd=total(summed(known, By.RUN)).micro_usd / MICRO,
        escapes=escapes,
    )


def is_breach(code: str | None) -> bool:
    error = taxonomy().get(code or "")
    return error is not None and error.cause in BREACHES
