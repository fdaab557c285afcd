"""What the factory remembers: one small contract per context, held to by one conformance suite.

All times are arguments: the ledger has no clock. Every write that a run makes carries its LeaseRef and
is refused with LeaseLost when the fence is old, the lease released or `now` past its expiry; nothing is
written then. Each method is one transaction. A database that does not answer raises LedgerUnavailable.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.execution import (
    Artifact,
    ArtifactRef,
    ClaimRequest,
    Event,
    EventDraft,
    Lease,
    LeaseRef,
    Run,
    RunFacts,
    Step,
)
from domain.failures import AttemptEnd
from domain.forge import Edits, PullRequest
from domain.governance import Approval, CheckResult, PolicyReport
from domain.lifecycle import Component, RunState, Stage
from domain.outcomes import RunOutcome
from domain.repositories import Repository
from domain.tickets import Ticket, TicketDraft


class BacklogInterface(Protocol):
    """Tickets and their leases."""

    def create_ticket(self, draft: TicketDraft, *, now: datetime) -> tuple[Ticket, bool]:
        """Store a ticket once per idempotency key.

        Returns:
            The ticket and whether it is new.

        Raises:
            IdempotencyConflict: the key is known with other content.
            NotFound: a dependency does not exist.
            DependencyCycle: deps lead back to the ticket; the path is in the message.
        """

    def fetch_ready(self, *, limit: int, now: datetime) -> list[Ticket]:
        """Return queued tickets that may be leased now (deps met, not-before passed), best first:
        priority, then age."""

    def claim_ticket(self, request: ClaimRequest, *, component: Component, now: datetime) -> Lease | None:
        """Grant the lease on one ticket to exactly one caller, and make its run (`<ticket>-r<attempt>`).

        An expired lease of another run is ended first (its run fails with `lease.expired`). A ticket whose
        run waits for approval is claimed again only when that run is approved: same run, new fence.

        Returns:
            The lease; None only when `ticket_id` is None and nothing is ready.

        Raises:
            LeaseConflict: another live lease holds the ticket; details ticket, holder, fence, expires_at.
            NotReady: the ticket's stage, deps or not-before forbid it.
            CapacityRefused: its lock is held, or the overall or harness limit is reached.
            Paused: dispatch is paused for everything or for the ticket's repository.
        """

    def heartbeat(self, lease: LeaseRef, *, ttl_seconds: float, now: datetime) -> Run:
        """Extend the lease and return its run, whose `cancel_requested_by` tells a wish to stop.

        Raises:
            LeaseLost: not the holder, or too late; `expires_at` is unchanged.
        """

    def complete_ticket(self, lease: LeaseRef, *, verified: bool, now: datetime) -> Ticket:
        """End the run as succeeded, release the lease, set completed_at; stage testing when verified, else review.

        Repeating it after it took effect returns the ticket and writes nothing.
        """

    def fail_ticket(self, lease: LeaseRef, *, end: AttemptEnd, component: Component, now: datetime) -> Ticket:
        """End the run, release the lease and send the ticket back to the queue or to the dead letters.

        Repeating it for a run that already ended returns the ticket and writes nothing.
        """


class RunLedger(Protocol):
    """What a run does and learns."""

    def start_run(self, lease: LeaseRef, *, dagster_run_id: str, ttl_seconds: float, now: datetime) -> Run:
        """Bind a Dagster run and move claimed or awaiting_approval to running; once bound, a repeat is a no-op.

        Raises:
            LeaseConflict: the lease was started by another Dagster run.
        """

    def record_facts(self, lease: LeaseRef, facts: RunFacts, *, step: Step | None, now: datetime) -> Run:
        """Store what a step learned and, when `step` is given, that it finished. COLLECT moves the stage to review."""

    def record_event(self, draft: EventDraft, *, lease: LeaseRef | None, now: datetime) -> None:  # fmt: skip
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


class OperatorLedger(Protocol):
    """What people decide. Every method writes one audit event with actor and reason."""

    def decide_approval(self, run_id: str, *, approved: bool, actor: str, reason: str, now: datetime) -> Approval:
        """Decide a waiting run. Approved: it may be claimed again. Rejected: run canceled, ticket dead-lettered.

        Raises:
            ApprovalRefused: the run does not wait, or the actor is the factory itself.
        """

    def request_cancel(self, ticket_id: str, *, actor: str, reason: str, now: datetime) -> Ticket:
        """Cancel at once what has no live process (queued, assigned but unstarted, waiting, failed, testing);
        ask a running run to stop (its next heartbeat tells it)."""

    def request_interrupt(self, run_id: str, *, actor: str, reason: str, now: datetime) -> Run:
        """Ask a running run to pause: its next heartbeat tells it.

        Raises:
            NotFound: no such run. NotReady: it does not run.
        """

    def requeue(self, ticket_id: str, *, actor: str, reason: str, now: datetime) -> Ticket:
        """Take a ticket out of the dead letters, with its retries counted anew."""

    def ship(
        self, ticket_id: str, *, actor: str, merge_sha: str | None, now: datetime, edits: Edits | None = None
    ) -> Ticket:
        """Record a person's merge: testing or review (with an open pull request) becomes shipped. `edits` rate it."""

    def set_paused(self, scope: str, paused: bool, *, actor: str, reason: str, now: datetime) -> None:
        """Pause or resume dispatch of `*` or of one repository; repeating it changes nothing."""

    def save_repository(self, repository: Repository, *, actor: str, now: datetime) -> None:
        """Enrol a repository or change its settings."""


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
