"""How the factory stands, at a glance."""

from collections import Counter
from typing import Any

from control_plane.desk import Reads
from control_plane.health.attention import stalled_tickets
from control_plane.services.beat import BEAT, is_alive
from domain.lifecycle import RunState, Stage
from domain.tickets import Ticket


def status_document(factory: Reads) -> dict[str, Any]:
    tickets = factory.lookup.tickets(limit=100_000)
    stages = Counter(ticket.stage for ticket in tickets)
    states = Counter(run.state for run in factory.lookup.runs(limit=100_000))
    waiting = factory.lookup.runs(state=RunState.AWAITING_APPROVAL)
    last = factory.oversight.last_beat(BEAT)
    return {
        "home": str(factory.settings.home),
        "stages": {stage.value: stages[stage] for stage in Stage},
        "runs": {state.value: states[state] for state in RunState},
        "queue": _queue(factory, [ticket for ticket in tickets if ticket.stage is Stage.QUEUED]),
        "live_leases": len(factory.oversight.live_leases()),
        "awaiting_approval": [run.id for run in waiting],
        "stalled": [ticket.id for ticket, _ in stalled_tickets(factory)],
        "paused": factory.oversight.pauses(),
        "services": {"alive": is_alive(factory), "last_dispatch": last.isoformat() if last else None},
    }


def _queue(factory: Reads, queued: list[Ticket]) -> dict[str, Any]:
    now = factory.now()
    ages = [(now - ticket.created_at).total_seconds() for ticket in queued]
    return {
        "depth": len(queued),
        "oldest_seconds": round(max(ages, default=0.0), 1),
        "retrying": sum(ticket.attempts > ticket.attempts_base for ticket in queued),
        "blocked": sum(bool(ticket.blocked_on) for ticket in queued),
    }
