"""What a run does, learns and leaves behind."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.execution import ArtifactRef, EventDraft, LeaseRef, Run, RunFacts, Step
from domain.forge import PullRequest
from domain.governance import Approval, CheckResult, PolicyReport


class RunLedger(Protocol):
    """What a run does and learns."""

    def start_run(self, lease: LeaseRef, *, dagster_run_id: str, ttl_seconds: float, now: datetime) -> Run:
        """Bind a Dagster run and move claimed or awaiting_approval to running; once bound, a repeat is a no-op.

        Raises:
            LeaseConflict: the lease was started by another Dagster run.
        """

    def record_facts(self, lease: LeaseRef, facts: RunFacts, *, step: Step | None, now: datetime) -> Run:
        """Store what a step learned and, when `step` is given, that it finished. COLLECT moves the stage to review."""

    def record_event(self, draft: EventDraft, *, lease: LeaseRef | None, now: datetime) -> None:
        """Append one event that fits the catalogue; fenced when a lease is given."""

    def record_events(self, drafts: Sequence[EventDraft], *, lease: LeaseRef, now: datetime) -> None:
        """Append events of one run in their order, all or none, fenced once; each must fit the catalogue."""

    def await_approval(self, lease: LeaseRef, *, rule: str, reason: str, deadline: datetime, now: datetime) -> Approval:
        """Park the run: awaiting_approval, lease released, one pending approval; a repeat returns it."""

    def adopt_parent(self, lease: LeaseRef, *, parent_run_id: str, step: Step, now: datetime) -> Run:
        """Give a re-executed run its parent's references, up to but without `step`."""

    def find_run(self, *, run_id: str | None = None, dagster_run_id: str | None = None) -> Run | None:
        """Return the newest run with that id or bound to that Dagster run."""


class EvidenceLedger(Protocol):
    """Artifacts, reports and pull requests of runs."""

    def add_artifact(self, lease: LeaseRef, ref: ArtifactRef, *, now: datetime) -> None:
        """Record an artifact of the run; once per run, digest and kind."""

    def save_report(self, lease: LeaseRef, report: PolicyReport, *, now: datetime) -> None:
        """Store a report; one per run and tree, the newest kept."""

    def save_pull_request(self, lease: LeaseRef, pull_request: PullRequest, *, now: datetime) -> None:
        """Store the ticket's one pull request; a repeat updates it."""

    def save_baseline(self, repository: str, base_sha: str, verify_sha256: str, checks: Sequence[CheckResult]) -> None:
        """Cache the repository's checks on its own base commit."""

    def find_baseline(self, repository: str, base_sha: str, verify_sha256: str) -> tuple[CheckResult, ...] | None: ...
