"""What can be read, and changes nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.execution import Artifact, Event, EventDraft, Lease, Run
from domain.forge import PullRequest
from domain.governance import Approval, PolicyReport
from domain.lifecycle import RunState, Stage
from domain.outcomes import RunOutcome
from domain.repositories import Repository
from domain.tickets import Ticket


class Lookup(Protocol):
    """Reads for people; nothing here changes anything."""

    def ticket(self, ticket_id: str) -> Ticket:
        """Raises NotFound."""

    def tickets(
        self, *, stage: Stage | None = None, repository: str | None = None, limit: int = 1000
    ) -> list[Ticket]: ...

    def runs(self, *, ticket_id: str | None = None, state: RunState | None = None, limit: int = 1000) -> list[Run]:
        """Oldest first."""

    def timeline(
        self, *, ticket_id: str | None = None, names: Sequence[str] = (), after_seq: int = 0, limit: int = 10_000
    ) -> list[Event]:
        """Events in the order they were written; with `names`, only events of these names."""

    def evidence(self, run_id: str) -> tuple[list[Artifact], PolicyReport | None]: ...

    def pull_request(self, ticket_id: str) -> PullRequest | None: ...

    def repository(self, name: str) -> Repository:
        """Raises NotFound."""


class Oversight(Protocol):
    """Reads for dispatch, recovery and status."""

    def repositories(self) -> list[Repository]: ...

    def live_leases(self) -> list[Lease]:
        """Every lease not yet released, expired ones too."""

    def approvals(self, *, run_id: str | None = None, undispatched: bool = False) -> list[Approval]:
        """All, those of a run, or those approved whose run still waits without a lease (oldest first)."""

    def pauses(self) -> dict[str, str]:
        """Return paused scope → reason."""

    def beat(self, component: str, *, now: datetime, told: EventDraft | None = None) -> None:
        """Remember that a service was alive, and with it, both or neither, append an event of no ticket."""

    def last_beat(self, component: str) -> datetime | None: ...

    def outcomes(self, *, since: datetime | None = None, limit: int = 2000) -> list[RunOutcome]:
        """Return what became of the newest runs that began since then, the newest first; those still open too."""
