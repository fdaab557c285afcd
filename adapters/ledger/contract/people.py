"""What people decide."""

from datetime import datetime
from typing import Protocol

from domain.execution import Run
from domain.forge import Edits
from domain.governance import Approval
from domain.repositories import Repository
from domain.tickets import Ticket


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
