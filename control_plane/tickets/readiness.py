"""May a ticket be worked on, and if not, what does it wait for?"""

from typing import Any

from control_plane.desk import Reads
from domain.lifecycle import Stage
from domain.tickets import Ticket
from policy.readiness import missing_for


def readiness(factory: Reads, ticket: Ticket) -> dict[str, Any]:
    """Return `{"ticket", "ready", "missing", "reasons"}`."""
    repository = factory.lookup.repository(ticket.manifest.repository)
    missing = missing_for(ticket.manifest, repository.settings)
    reasons = [f"its key {key!r} is empty" for key in missing]
    if ticket.stage is not Stage.QUEUED:
        reasons.append(f"it is {ticket.stage}")
    reasons += [f"{dependency} is not done" for dependency in ticket.blocked_on]
    if ticket.not_before > factory.now():
        reasons.append(f"it rests until {ticket.not_before.isoformat()}")
    pauses = factory.oversight.pauses()
    reasons += [
        f"dispatch of {scope} is paused: {pauses[scope]}" for scope in ("*", repository.name) if scope in pauses
    ]
    return {"ticket": ticket.id, "ready": not reasons, "missing": list(missing), "reasons": reasons}
