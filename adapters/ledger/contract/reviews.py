"""What forges send, and what governance says of pull requests."""

from datetime import datetime
from typing import Protocol

from domain.deliveries import Delivery, DeliveryState
from domain.execution import ArtifactRef
from domain.governed import GovernanceReport
from domain.heads import HeadRef, HeadState, WantedHead


class Inbox(Protocol):
    """Webhook deliveries, each stored once, whatever is sent again and in whatever order."""

    def take(self, delivery: Delivery) -> bool:
        """Store a delivery; False when its id is known, and nothing changes then."""

    def waiting(self, *, now: datetime, limit: int = 100) -> list[Delivery]:
        """Return what is to be decided on now, oldest first; what failed only after its `retry_at`."""

    def settle(
        self,
        delivery_id: str,
        state: DeliveryState,
        outcome: str,
        *,
        now: datetime,
        retry_at: datetime | None = None,
    ) -> None:
        """Record what became of a waiting one; WAITING puts it back until `retry_at`. WAITING and FAILED count an
        attempt. What somebody else settled meanwhile stays as it is. NotFound: no such delivery."""

    def replay(self, delivery_id: str) -> Delivery:
        """Put a delivery back among the waiting, its attempts counted anew. Raises NotFound."""

    def find(self, delivery_id: str) -> Delivery:
        """Raises NotFound."""

    def newest(self, *, state: DeliveryState | None = None, limit: int = 100) -> list[Delivery]:
        """Newest first."""

    def counts(self) -> dict[str, dict[DeliveryState, int]]:
        """Return how many deliveries there are of each event in each state."""


class GovernanceLedger(Protocol):
    """Reports of governance, one a repository, pull request, head and policy; a head that moved supersedes."""

    def save(self, report: GovernanceReport) -> None:
        """Store it; one of the same id, or of the same pull request, head and policy, is replaced.

        A report that is not itself superseded supersedes those of the same pull request at other heads; so a report of
        a head that is no longer the pull request's is saved with `superseded_by`.
        """

    def find(self, report_id: str) -> GovernanceReport:
        """Raises NotFound."""

    def reports(
        self, *, repository: str | None = None, number: int | None = None, limit: int = 100
    ) -> list[GovernanceReport]:
        """Newest first."""


class HeadQueue(Protocol):
    """The head to judge of each pull request. LeaseLost (a write): it moved, or a newer fence was granted."""

    def want(
        self, repository: str, number: int, head_sha: str, policy_sha256: str, *, now: datetime, again: bool = False
    ) -> bool:
        """Want this head judged under this policy; False when it was or is (unless `again`): nothing changes then."""

    def due(self, *, now: datetime, limit: int = 20) -> list[WantedHead]:
        """Return what waits and what was asked for and fell silent, oldest first."""

    def ask(self, head: WantedHead, *, expires_at: datetime, holder: str = "") -> WantedHead | None:
        """Grant the next fence to one caller; None when the row is not as `head` says any more."""

    def record(
        self, ref: HeadRef, *, expires_at: datetime, facts: tuple[ArtifactRef, float] | None = None,
        report_id: str | None = None,
    ) -> WantedHead:  # fmt: skip
        """Stay alive, and store what was learnt: facts with the seconds they took, the report."""

    def settle(
        self, ref: HeadRef, state: HeadState, reason: str, *, now: datetime, not_before: datetime | None = None
    ) -> WantedHead: ...

    def find(self, repository: str, number: int) -> WantedHead | None: ...
