"""A run that is to pause: what is done is kept, the sandbox freed, and only a person lets it go on."""

from datetime import timedelta
from typing import Final

from domain.alerts import Alert
from domain.errors import FactoryError, InterruptRequested
from domain.governance import ApprovalState
from factory_pipelines.execution.stages.context import RunContext, StepResult
from policy.rules_model import OnBreach
from sensors.leftovers import Leftovers

BUDGET: Final = "budget"
INTERRUPTED: Final = "interrupted"


def pause_rule(context: RunContext, failure: FactoryError) -> str | None:
    """Return the rule a stopped harness waits under; None when its attempt ends."""
    if isinstance(failure, InterruptRequested):
        return INTERRUPTED
    limit = failure.details.get("limit")
    choice = context.factory.policy.limits.on_breach.get(str(limit)) if limit else None
    return BUDGET if choice is OnBreach.PAUSE else None


def note_breach(context: RunContext, failure: FactoryError) -> None:
    """Write the audit event of a limit that was breached, and alert the operator."""
    limit = failure.details.get("limit")
    if limit is None:
        return
    action = context.factory.policy.limits.on_breach.get(str(limit), OnBreach.REQUEUE)
    context.event("limit_breached", limit=limit, code=failure.code, action=action, reason=failure.message)
    alert = Alert(
        kind="limit_breached",
        text=f"{context.run.id}: {failure.message} ({action})",
        at=context.factory.now(),
        ticket_id=context.ticket.id,
        run_id=context.run.id,
        details={"limit": limit, "code": failure.code, "action": action.value},
    )
    context.factory.notifier.alert(alert)


def park(context: RunContext, rule: str, failure: FactoryError) -> StepResult:
    factory = context.factory
    deadline = factory.now() + timedelta(seconds=factory.settings.approval_deadline)
    Leftovers(factory).remove(context.run.id)
    factory.run_ledger.await_approval(
        context.lease, rule=rule, reason=failure.message, deadline=deadline, now=factory.now()
    )
    return StepResult(metadata={"paused": failure.message}, cleared=False)


def allowances(context: RunContext) -> int:
    """Return how many budgets the run may use up: one, and one more each time a person let it go on."""
    decided = context.factory.oversight.approvals(run_id=context.run.id)
    return 1 + sum(one.rule == BUDGET and one.state is ApprovalState.APPROVED for one in decided)
