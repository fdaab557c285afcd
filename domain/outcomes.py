"""What became of runs, one row each: what routing, circuit breakers, the cost table and the KPIs learn from."""

from typing import Annotated, Final

from pydantic import Field

from domain.execution import Usage
from domain.lifecycle import RunState
from domain.model import Instant, Name, Value

PLAIN: Final = "plain"  #: class of work for which no role was named


class RunOutcome(Value):
    run_id: Name
    ticket_id: Name
    repository: Name
    harness: Name
    profile: Name | None = None  #: it was assigned with; None: the ticket named none
    attempt: int
    state: RunState
    reason_code: str | None = None
    started_at: Instant
    ended_at: Instant | None = None
    usage: Usage = Usage()
    verified: bool = False  #: it succeeded, and the newest report on its change passed (warnings included)
    harness_until: Instant | None = None  #: its harness said it can do nothing before
    #: share of its merged change that people made; None: nothing of it was merged, or it is not known
    human_edit_rate: Annotated[float, Field(ge=0, le=1)] | None = None

    @property
    def task_class(self) -> str:
        """Return the class of work that the router keeps history by: the profile's."""
        return self.profile or PLAIN

    @property
    def seconds(self) -> float | None:
        """Return how long it took, waits for people included; None while it goes on."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()
