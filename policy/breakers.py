"""Circuit breakers: what failed again and again, or costs too much, rests, and is tried with one run before it is
trusted again. A breaker is a reading of the latest run outcomes, so there is nothing to get out of step with them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, PositiveInt

from domain.candidates import Breaker
from domain.errors import HarnessCrashed
from domain.handwriting import Duration
from domain.lifecycle import RunState
from domain.model import Instant, Value
from domain.outcomes import RunOutcome
from policy.evidence import cause_of

HOUR = timedelta(hours=1)
#: causes that speak of the ticket or of a person, never of the harness, repository or factory
INNOCENT = frozenset({"canceled", "rejected", "conflict", "needs_person"})
#: causes and codes that speak of the harness; a worker that died or a lost lease do not
OF_HARNESS = frozenset({"harness_unavailable", "timeout", HarnessCrashed.code})
#: causes of whoever did its work to the end, whatever became of it: a harness that got there answers
ANSWERED = frozenset({"harness_failed", "limit", "needs_person", "patch_empty", "patch_rejected", "verify_failed"})


class BreakerRule(Value):
    """When the breaker of one scope opens."""

    failures: PositiveInt  #: in a row, before it opens: runs of a harness, else tickets, whose retries count as one
    usd_per_hour: Annotated[float, Field(gt=0, allow_inf_nan=False)]  #: of runs that ended, before it opens


class BreakerPolicy(Value):
    """What fails again and again, or costs too much, rests; then one run tries it out."""

    harness: BreakerRule  #: of each harness
    repository: BreakerRule  #: of each repository
    everything: BreakerRule  #: of the whole factory
    rest: Duration  #: until one run tries it; doubled with each further failure
    longest: Duration  #: it rests


class BreakerState(Value):
    state: Breaker = Breaker.CLOSED
    reason: str = ""
    until: Instant | None = None  #: when an open one is tried again


def breaker(
    outcomes: Sequence[RunOutcome],
    rule: BreakerRule,
    policy: BreakerPolicy,
    *,
    now: datetime,
    reset_at: datetime | None = None,
    causes: frozenset[str] | None = None,
) -> BreakerState:
    """Return the breaker of a scope.

    Args:
        outcomes: The latest runs of the scope, in any order.
        rule: Of the scope.
        policy: How long it rests.
        now: Of the question.
        reset_at: When an operator closed it; what ended before does not count.
        causes: Causes or codes of failures that count, the scope being a harness; None: all but those that speak of
            the ticket, of a person, or of a harness alone, which hands its work on.
    """
    ended = [one for one in outcomes if one.ended_at is not None and (reset_at is None or one.ended_at > reset_at)]
    ended.sort(key=lambda one: one.ended_at or one.started_at)
    return _failing(ended, rule, policy, now, causes) or _costly(ended, rule, now) or BreakerState()


def _failing(
    ended: Sequence[RunOutcome], rule: BreakerRule, policy: BreakerPolicy, now: datetime, causes: frozenset[str] | None
) -> BreakerState | None:
    streak: list[RunOutcome] = []
    for one in reversed(ended):
        if one.state is RunState.SUCCEEDED or (causes is not None and cause_of(one) in ANSWERED):
            break
        if _counts(one, causes):
            streak.append(one)
    failed, kind = (len(streak), "runs") if causes is not None else (len({one.ticket_id for one in streak}), "tickets")
    last = streak[0].ended_at if failed >= rule.failures else None
    if last is None:
        return None
    seconds = policy.rest.total_seconds() * 2.0 ** min(failed - rule.failures, 30)
    until = last + timedelta(seconds=min(seconds, policy.longest.total_seconds()))
    reason = f"{failed} {kind} in a row failed, the last with {streak[0].reason_code}"
    return BreakerState(state=Breaker.OPEN if now < until else Breaker.HALF_OPEN, reason=reason, until=until)


def _counts(one: RunOutcome, causes: frozenset[str] | None) -> bool:
    if causes is not None:
        return cause_of(one) in causes or one.reason_code in causes
    return cause_of(one) not in INNOCENT and one.harness_until is None


def _costly(ended: Sequence[RunOutcome], rule: BreakerRule, now: datetime) -> BreakerState | None:
    """Open until so much of the hour's spending is an hour old that the rest fits."""
    recent = [(one.ended_at, one.usage.cost_usd) for one in ended if one.ended_at and now - one.ended_at < HOUR]
    spent = sum(cost for _, cost in recent)
    if spent <= rule.usd_per_hour:
        return None
    reason = f"{spent:.2f} USD in the last hour, more than {rule.usd_per_hour:.2f}"
    later = ((at, sum(cost for _, cost in recent[number:])) for number, (at, _) in enumerate(recent, start=1))
    until = next(at + HOUR for at, left in later if left <= rule.usd_per_hour)
    return BreakerState(state=Breaker.OPEN, reason=reason, until=until)
