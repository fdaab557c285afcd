"""What every stage of a head works with, and what it answers."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from adapters.forge.contract import ReviewDesk
from domain.errors import FactoryError, LeaseLost
from domain.execution import ArtifactRef
from domain.governed import GovernanceReport
from domain.heads import HeadState, WantedHead
from domain.repositories import Repository
from resources.wiring import Factory

log = structlog.get_logger()

BEAT: Final = timedelta(seconds=10)


@dataclass(frozen=True)
class Presented:
    """Who calls a stage: one Dagster run, with what its tags claim; no fence: a person began it."""

    partition: str
    dagster_run_id: str
    fence: int | None = None


@dataclass(frozen=True)
class StageResult:
    """`cleared` False: the head moved, its pull request ended, or it is somebody else's; what follows must not run."""

    metadata: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    cleared: bool = True
    report: GovernanceReport | None = None


@dataclass
class HeadContext:
    """One stage's view of its head, brought up to date by each write."""

    factory: Factory
    repository: Repository
    desk: ReviewDesk
    head: WantedHead
    _lost: LeaseLost | None = None

    def record(self, *, facts: tuple[ArtifactRef, float] | None = None, report_id: str | None = None) -> None:
        """Store what a stage learnt. Raises LeaseLost."""
        self.head = self.factory.heads.record(self.head.ref, expires_at=self._until(), facts=facts, report_id=report_id)

    def still_ours(self) -> None:
        """Raises LeaseLost: the head moved, or somebody else was asked."""
        self.record()

    def settle(self, state: HeadState, reason: str, *, not_before: datetime | None = None) -> None:
        now = self.factory.now()
        self.head = self.factory.heads.settle(self.head.ref, state, reason, now=now, not_before=not_before)

    def tell(self, line: str) -> None:
        """Note progress; stop what is at work when the head is not ours any more."""
        log.info("governance_progress", head=self.head.partition, said=line)
        if self._lost is not None:
            raise LeaseLost(self._lost.message)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the head ours while a stage works, silent or not."""
        over = threading.Event()
        beating = threading.Thread(target=self._beat_until, args=(over, self.head), daemon=True)
        beating.start()
        try:
            yield
        finally:
            over.set()
            beating.join()

    def _beat_until(self, over: threading.Event, head: WantedHead) -> None:
        while not over.wait(BEAT.total_seconds()):
            try:
                self.factory.heads.record(head.ref, expires_at=self._until())
            except LeaseLost as error:
                self._lost = error
                return
            except FactoryError as error:  # the next beat tries again
                log.warning("head_not_kept", head=head.partition, code=error.code)

    def _until(self) -> datetime:
        return self.factory.now() + timedelta(seconds=self.factory.settings.lease_ttl)
