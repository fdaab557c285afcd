"""What the router is told of work, and what it answers."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from domain.capabilities import Requirements
from domain.engines import AUTO
from domain.model import Instant, Name, Value
from domain.tickets import Priority


class JobNeeds(Value):
    """What one ticket demands, its profile's share included."""

    id: Name
    repository: str
    priority: Priority = Priority.MEDIUM
    created_at: Instant
    engine: Name = AUTO
    engine_class: Name | None = None
    has_commands: bool = False
    capabilities: Requirements = ()
    prefers: Requirements = ()  #: wishes, the most important first
    kind: str = ""  #: the ticket's profile
    language: str = ""
    budget_left_usd: Annotated[float, Field(allow_inf_nan=False)] | None = None
    unmet_deps: tuple[str, ...] = ()
    lock_holder: str | None = None  #: the ticket that holds its lock
    passed_over: dict[str, str] = {}  #: candidate → why its own attempt at this ticket is over


class RefusalCode(StrEnum):
    WRONG_ENGINE = "wrong_engine"
    UNKNOWN_ENGINE = "unknown_engine"
    GATED = "gated"
    DISABLED = "disabled"
    WRONG_CLASS = "wrong_class"
    NOTHING_TO_RUN = "nothing_to_run"
    LACKS_CAPABILITY = "lacks_capability"
    PASSED_OVER = "passed_over"
    UNHEALTHY = "unhealthy"
    BREAKER_OPEN = "breaker_open"
    OVER_BUDGET = "over_budget"
    AT_CAPACITY = "at_capacity"


class Refusal(Value):
    candidate: str
    code: RefusalCode
    reason: str


class Term(Value):
    """One part of a score: `points` is value times weight, negative for a penalty."""

    name: str
    value: float  #: from 0 to 1
    weight: float
    points: float
    why: str


class Scored(Value):
    """A candidate that may do the work; `total` is the sum of the terms' points."""

    candidate: str
    name: Name
    matched: tuple[str, ...]  #: the ticket's requirements, all of which it meets
    terms: tuple[Term, ...]
    total: float


class Fallback(Value):
    """Who was named but cannot, and why."""

    preferred: Name
    reason: str


class Route(Value):
    """Who does the work and why, or why nobody does now."""

    ticket_id: Name
    chosen: Scored | None = None
    alternatives: tuple[Scored, ...] = ()  #: the others that could, best first
    refused: tuple[Refusal, ...] = ()
    fallback: Fallback | None = None
    reason: str
    waits: bool = False  #: nobody now, but time or another ticket's end may change that

    def event_payload(self) -> dict[str, Any]:
        """Return it as JSON values, for the event log and `--json`."""
        return self.model_dump(mode="json")
