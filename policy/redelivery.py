"""How often, and how soon, a delivery that could not be carried out is tried again."""

from datetime import datetime, timedelta
from typing import Final

from domain.tickets import RetrySettings
from policy.retry import retry_delay

TRIES: Final = 8
REST: Final = RetrySettings(backoff=timedelta(seconds=20))
LONGEST_REST: Final = timedelta(minutes=15)


def next_try(failures: int, *, now: datetime, jitter: float) -> datetime | None:
    """Return when to try again after so many failures; None when TRIES are spent.

    >>> next_try(1, now=datetime(2026, 1, 1), jitter=0.5)
    datetime.datetime(2026, 1, 1, 0, 0, 15)
    >>> next_try(8, now=datetime(2026, 1, 1), jitter=0.5) is None
    True
    """
    if failures >= TRIES:
        return None
    return now + retry_delay(failures, REST, LONGEST_REST, jitter)
