"""How an attempt ends, decided with a look at who else could go on."""

from datetime import datetime

from domain.errors import FactoryError
from domain.execution import Run
from domain.failures import AttemptEnd
from domain.tickets import Ticket
from policy.failover import end_or_hand_on, harness_until
from resources.wiring import Factory
from sensors.routing import Router


def decide_end(factory: Factory, run: Run, ticket: Ticket, error: FactoryError) -> AttemptEnd:
    """Return what becomes of run and ticket; asks the router only when the harness itself is at fault."""
    now, policy = factory.now(), factory.policy
    resting: dict[str, datetime] | None = {}
    if harness_until(error, policy.retry, now) is not None:
        router = Router(factory)
        out = {run.harness: f"it just failed: {error.code}"}
        resting = None if router.explain(ticket, out).chosen else router.resting(ticket)
        if resting is not None:
            resting.pop(run.harness, None)
    return end_or_hand_on(error, ticket, policy, resting=resting, now=now, jitter=factory.jitter())
