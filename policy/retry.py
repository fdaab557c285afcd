"""The one decider of retries, over the one failure taxonomy."""

from datetime import datetime, timedelta

from domain.errors import FactoryError, FailureClass, TimedOut, taxonomy
from domain.failures import AttemptEnd
from domain.lifecycle import RunState
from domain.tickets import RetrySettings, Ticket
from policy.rules_model import RetryPolicy

CANCELED_CAUSES = frozenset({"canceled", "rejected"})


def classify(error: BaseException) -> FactoryError:
    """Return the taxonomy's error for anything that was raised; what nobody expected is of unknown class."""
    if isinstance(error, FactoryError):
        return error
    return FactoryError(f"{type(error).__name__}: {error}"[:2000])


def error_of(code: str, message: str) -> FactoryError:
    """Return the error that a stored or reported code stands for."""
    return taxonomy().get(code, FactoryError)(message)


def retry_delay(failures: int, settings: RetrySettings, cap: timedelta, jitter: float) -> timedelta:
    """Return how long a ticket rests after its failures-th failure.

    Half of the exponentially growing ceiling is certain, half is drawn, so that tickets which failed
    together do not come back together and none comes back at once.

    Args:
        failures: Attempts that failed so far, from 1.
        settings: The ticket's own; `backoff` is the first ceiling.
        cap: Upper bound of one delay.
        jitter: A draw in [0, 1).

    Raises:
        ValueError: failures is below 1, or jitter lies outside [0, 1).

    >>> retry_delay(3, RetrySettings(backoff="10s"), timedelta(hours=1), 0.5)
    datetime.timedelta(seconds=30)
    """
    if failures < 1 or not 0 <= jitter < 1:
        raise ValueError("failures starts at 1 and jitter lies in [0, 1)")
    doublings = min(failures - 1, 30)
    ceiling = min(settings.backoff.total_seconds() * 2.0**doublings, cap.total_seconds())
    return timedelta(seconds=ceiling / 2 * (1 + jitter))


def may_retry(error: FactoryError, settings: RetrySettings) -> bool:
    """Obey the ticket's `retry.on` list; without one, retry what may pass by itself and what nobody knows."""
    if error.cause in CANCELED_CAUSES or error.cause == "conflict":
        return False
    if settings.on is not None:
        return error.cause in settings.on
    return error.failure_class is not FailureClass.NON_RETRIABLE


def end_attempt(
    error: FactoryError, ticket: Ticket, policy: RetryPolicy, *, now: datetime, jitter: float
) -> AttemptEnd:
    """Decide how an attempt ends and whether the ticket gets another."""
    state = RunState.FAILED
    if error.cause in CANCELED_CAUSES:
        state = RunState.CANCELED
    elif error.cause == TimedOut.cause:
        state = RunState.TIMED_OUT
    settings = ticket.manifest.retry
    spent = max(ticket.attempts - ticket.attempts_base, 1)
    allowed = min(settings.max + 1, policy.max_attempts)
    if not may_retry(error, settings) or spent >= allowed:
        return AttemptEnd(error=error, run_state=state, retry_at=None)
    return AttemptEnd(error=error, run_state=state, retry_at=now + retry_delay(spent, settings, policy.cap, jitter))
