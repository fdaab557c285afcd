"""Who could do a ticket's work, as each stands now."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.capabilities import Offers
from domain.model import Name, Value

Count = Annotated[int, Field(ge=0)]
Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class CostClass(StrEnum):
    """What one change costs, roughly; lower ranks are cheaper."""

    FREE = "free"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        return list(CostClass).index(self)


class Breaker(StrEnum):
    CLOSED = "closed"
    HALF_OPEN = "half_open"  #: one attempt is let through to see whether it works again
    OPEN = "open"


class TaskHistory(Value):
    """What the ledger knows of one harness on one class of task."""

    kind: str = ""  #: the ticket's profile; empty when it had none
    language: str = ""  #: of the repository
    attempts: Count
    successes: Count  #: attempts whose change was accepted
    cost_usd: Dollars = 0.0  #: of all attempts; 0: not known


class Candidate(Value):
    """A harness that could do work, as it stands now. A machine is named once there are several."""

    name: Name
    machine: Name | None = None
    engine_class: Name
    enabled: bool = True
    healthy: bool | None = None  #: None: never probed
    health_reason: str = ""
    breaker: Breaker = Breaker.CLOSED
    running: Count = 0
    limit: Count = 1
    capabilities: Offers = ()  #: beside `engine:NAME` and `factory:MACHINE`, which are always offered
    languages: tuple[str, ...] = ()  #: it is known to be good at; none: not known
    cost_class: CostClass = CostClass.MEDIUM
    history: tuple[TaskHistory, ...] = ()
    recent: Count = 0  #: assignments it got lately
    warm: tuple[str, ...] = ()  #: repositories it has a checkout or a session of
    budget_left_usd: Annotated[float, Field(allow_inf_nan=False)] | None = None  #: of its own; None: no limit

    @property
    def id(self) -> str:
        return f"{self.machine}/{self.name}" if self.machine else self.name

    @property
    def offers(self) -> tuple[str, ...]:
        machine = (f"factory:{self.machine}",) if self.machine else ()
        return (f"engine:{self.name}", *machine, *self.capabilities)
