"""A delivered ticket goes back into the queue: its pull request stays open and is brought up to date."""

from adapters.ledger.moves import lock_ticket, move_ticket, open_run, refused
from adapters.ledger.transaction import Unit
from domain.errors import IllegalTransition
from domain.lifecycle import Stage, StageEvent


def rework(unit: Unit, ticket_id: str, reason: str) -> None:
    """Raises IllegalTransition, NotFound."""
    ticket = lock_ticket(unit, ticket_id)
    if ticket["completed_at"] is None or open_run(unit, ticket_id) is not None:
        stage = Stage(ticket["stage"])
        error = IllegalTransition(f"{ticket_id} is not delivered: there is nothing to work on again", stage=stage)
        raise refused(unit, error, stage, StageEvent.REWORK, ticket_id=ticket_id)
    anew = {"attempts_base": ticket["attempts"], "not_before": unit.now, "completed_at": None}
    move_ticket(unit, ticket, [StageEvent.REWORK], reason=f"rework: {reason}", **anew)
    unit.note("rework_began", ticket_id=ticket_id, reason=reason)
