"""A harness that cannot work for a reason outside the ticket: how long it rests, and what becomes of the attempt."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from domain.errors import FactoryError, HarnessUnavailable, ImageUnavailable, QuotaExceeded
from domain.failures import AttemptEnd
from domain.lifecycle import RunState
from domain.tickets import Ticket
from policy.retry import end_attempt
from policy.rules_model import OnBreach, Policy, RetryPolicy

TOLD: Final = "retry_after"  #: in an error's details: seconds, when the model's API said so


def harness_until(error: FactoryError, policy: RetryPolicy, now: datetime) -> datetime | None:
    """Return when the harness may be asked again; None when the failure says nothing against it."""
    if error.cause != HarnessUnavailable.cause:
        return None
    told = _told(error)
    if told is not None:
        return now + timedelta(seconds=min(told, policy.longest_rest.total_seconds()))
    return now + policy.rests.get(error.code, policy.rest)


def end_or_hand_on(
    error: FactoryError,
    ticket: Ticket,
    policy: Policy,
    *,
    resting: Mapping[str, datetime] | None,
    now: datetime,
    jitter: float,
) -> AttemptEnd:
    """Decide how an attempt ends.

    A harness's own trouble hands the ticket to another at once; when nobody else can, and it is known when somebody
    can again, the ticket rests until then. A ticket whose image is not here rests too. None of these spends an attempt.
    All else is retried as its class allows.

    Args:
        error: Why it ended.
        ticket: Whose attempt it was.
        policy: Bounds of retries and rests, and what becomes of whoever breaches a limit.
        resting: None when another harness can take over now; else who rests until when, without the run's own.
        now: Of the end.
        jitter: A draw in [0, 1).
    """
    end = end_attempt(error, ticket, policy.retry, now=now, jitter=jitter)
    if policy.limits.on_breach.get(str(error.details.get("limit"))) is OnBreach.TERMINATE:
        return replace(end, retry_at=None)
    asked = ticket.manifest.retry.on
    if end.run_state is RunState.CANCELED or (asked is not None and error.cause not in asked):
        return end
    if error.code == ImageUnavailable.code:
        return replace(end, retry_at=now + policy.retry.rests.get(error.code, policy.retry.rest), spends=False)
    until = harness_until(error, policy.retry, now)
    if until is None:
        return end
    if resting is None:
        return replace(end, retry_at=now, spends=False, harness_until=until)
    known = [*resting.values(), *([until] if _is_known(error) else [])]
    if known:
        return replace(end, retry_at=min(known), spends=False, harness_until=until)
    return end


def _told(error: FactoryError) -> float | None:
    """Return the seconds that the model's API asked for, None when it said none or nonsense."""
    told = error.details.get(TOLD)
    return told if isinstance(told, (int, float)) and told >= 0 and not isinstance(told, bool) else None


def _is_known(error: FactoryError) -> bool:
    """Tell whether it passes by itself at a time that somebody knows."""
    return _told(error) is not None or error.code == QuotaExceeded.code
