"""Tickets that nobody moves, and leases that nobody keeps alive."""

from control_plane.desk import Reads
from domain.execution import Lease
from domain.lifecycle import RESTING_STAGES
from domain.tickets import NextAction, Ticket
from policy.attention import next_action, stalled


def stalled_tickets(factory: Reads) -> list[tuple[Ticket, NextAction]]:
    """Return tickets that are not at rest and have nobody to act, or a step of ours past its deadline."""
    leases = {lease.ticket_id: lease for lease in factory.oversight.live_leases()}
    newest = {run.ticket_id: run for run in factory.lookup.runs(limit=100_000)}
    approvals = {approval.run_id: approval for approval in factory.oversight.approvals()}
    found = []
    for ticket in factory.lookup.tickets(limit=100_000):
        if ticket.stage in RESTING_STAGES:
            continue
        run = newest.get(ticket.id)
        action = next_action(ticket, run, approvals.get(run.id) if run else None, leases.get(ticket.id))
        if stalled(ticket, action, factory.now()):
            found.append((ticket, action))
    return found


def expired_leases(factory: Reads) -> list[Lease]:
    now = factory.now()
    return [lease for lease in factory.oversight.live_leases() if lease.expires_at <= now]
