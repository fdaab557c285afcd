"""How GitHub is asked: how often again, how long to wait, and when to give up and say until when."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

import requests
from github.GithubException import GithubException
from github.Requester import Requester

from domain.errors import ForgeUnavailable

SECONDARY_WAIT: Final = 60.0  #: seconds, when a secondary limit does not say how long
LONGEST_STEP: Final = 30.0  #: seconds between two attempts after a failure of the server
T = TypeVar("T")

_deadline: ContextVar[float] = ContextVar("github_deadline", default=float("inf"))


@dataclass(frozen=True, slots=True)
class Manners:
    attempts: int = 5  #: of one request
    patience: float = 180.0  #: seconds one operation may take, its waits included
    first_wait: float = 1.0  #: seconds after the first failure; doubled each time
    timeout: int = 30  #: seconds of silence of one request
    reading_pause: float | None = 0.1  #: seconds between two requests
    writing_pause: float | None = 1.0  #: seconds between two writes, as GitHub asks
    sleep: Callable[[float], None] = time.sleep

    def pause_after(self, attempt: int) -> float:
        """Return the seconds to wait after this failed attempt, spread so that many do not come back at once."""
        ceiling = min(LONGEST_STEP, self.first_wait * 2.0 ** (attempt - 1))
        return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, guards nothing

    def rest(self, seconds: float, why: str) -> None:
        """Wait, if the operation still has the time.

        Raises:
            ForgeUnavailable: it has not; the message says when GitHub may be asked again.
        """
        if time.monotonic() + seconds > _deadline.get():
            when = datetime.fromtimestamp(time.time() + seconds, UTC)
            raise ForgeUnavailable(f"{why}; GitHub may be asked again at {when:%Y-%m-%d %H:%M:%S} UTC", retry_at=when)
        self.sleep(seconds)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Bound everything inside to so many seconds, or to what an operation around it has left."""
    token = _deadline.set(min(_deadline.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


def limited_for(error: GithubException, now: float) -> float | None:
    """Return the seconds that a rate limit asks to wait; None when the answer is no rate limit."""
    headers: Mapping[str, str] = error.headers or {}
    if error.status not in {403, 429}:
        return None
    told = _seconds(headers.get("retry-after"))
    if told is not None:
        return told
    if headers.get("x-ratelimit-remaining") == "0":
        reset = _seconds(headers.get("x-ratelimit-reset"))
        return SECONDARY_WAIT if reset is None else max(0.0, reset - now) + 1.0
    if error.status == 429 or Requester.isRateLimitError(words_of(error).lower()):
        return SECONDARY_WAIT
    return None


def is_unsure(error: Exception) -> bool:
    """Tell whether the request may have had its effect although it failed."""
    if isinstance(error, GithubException):
        return error.status >= 500
    return isinstance(error, requests.RequestException)


def ensured(find: Callable[[], T | None], create: Callable[[], T], manners: Manners) -> T:
    """Return what is there, or create it; when the answer is lost, look again before creating again."""
    for attempt in range(1, manners.attempts + 1):
        found = find()
        if found is not None:
            return found
        try:
            return create()
        except (GithubException, requests.RequestException) as error:
            if not is_unsure(error) or attempt == manners.attempts:
                raise
            manners.rest(manners.pause_after(attempt), f"GitHub did not answer: {type(error).__name__}")
    raise ForgeUnavailable("GitHub was not asked: no attempts are allowed")


def words_of(error: GithubException) -> str:
    """Return GitHub's own words, one line, bounded."""
    data = error.data
    message = data.get("message") if isinstance(data, dict) else data
    return " ".join(str(message or "").split())[:500]


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text is not None and float(text) >= 0 else None
    except ValueError:
        return None
