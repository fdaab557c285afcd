"""Granted leases → Dagster run requests; the run key makes a repeated tick harmless."""

from collections.abc import Iterable

import dagster as dg

from domain.execution import Lease
from domain.lifecycle import Stage
from domain.tickets import Priority, Ticket

Granted = Iterable[tuple[Lease, Ticket]]


def is_continuation(ticket: Ticket) -> bool:
    """Tell whether a granted lease carries an approved run on: its ticket never left review."""
    return ticket.stage is Stage.REVIEW


def run_requests(granted: Granted) -> list[dg.RunRequest]:
    return [
        dg.RunRequest(
            run_key=f"{lease.ticket_id}:{lease.fence}", partition_key=lease.ticket_id, tags=tags_for(lease, ticket)
        )
        for lease, ticket in granted
    ]


def tags_for(lease: Lease, ticket: Ticket) -> dict[str, str]:
    """Return the tags that limit admission and name the lease; priority mirrors the ticket's."""
    return {
        "factory/ticket": lease.ticket_id,
        "factory/lock": lease.lock,
        "factory/harness": lease.harness,
        "factory/run": lease.run_id,
        "factory/fence": str(lease.fence),
        "dagster/priority": str(len(Priority) - ticket.manifest.priority.rank),
    }
