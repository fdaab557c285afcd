"""Tickets and their leases."""

from datetime import datetime
from typing import Protocol

from domain.execution import ClaimRequest, Lease, LeaseRef, Run
from domain.failures import AttemptEnd
from domain.lifecycle import Component
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
        """Extend the lease and return its run, whose `cancel_requested_by` tells a wish to stop. LeaseLost: not the
        holder, or too late; `expires_at` is unchanged."""

    def complete_ticket(self, lease: LeaseRef, *, verified: bool, now: datetime) -> Ticket:
        """End the run as succeeded, release the lease, set completed_at; stage testing when verified, else review.

        Repeating it after it took effect returns the ticket and writes nothing.
        """

    def fail_ticket(self, lease: LeaseRef, *, end: AttemptEnd, component: Component, now: datetime) -> Ticket:
        """End the run, release the lease and send the ticket back to the queue or to the dead letters.

        Repeating it for a run that already ended returns the ticket and writes nothing.
        """

    def rework_ticket(self, ticket_id: str, *, reason: str, now: datetime) -> Ticket:
        """Queue a delivered ticket again, its retries counted anew. IllegalTransition: it is not, or a run is open."""
