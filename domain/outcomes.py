"""What became of runs, one row each: what routing, circuit breakers, the cost table and the KPIs learn from."""

from domain.execution import Usage
from domain.lifecycle import RunState
from domain.model import Instant, Name, Value


class RunOutcome(Value):
    run_id: Name
    ticket_id: Name
    repository: Name
    harness: Name
    profile: str = ""  #: of the ticket; empty when it had none
    attempt: int
    state: RunState
    reason_code: str | None = None
    started_at: Instant
    ended_at: Instant | None = None
    usage: Usage = Usage()
    verified: bool = False  #: it succeeded, and the newest report on its change passed (warnings included)
    harness_until: Instant | None = None  #: its harness said it can do nothing before

    @property
    def seconds(self) -> float | None:
        """Return how long it took, waits for people included; None while it goes on."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()
