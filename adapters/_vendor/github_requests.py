"""PyGithub's requester with manners: bounded retries, rate limits respected, unchanged answers not sent again."""

import copy
import threading
import time
from collections import OrderedDict
from typing import Any, Final

import requests
from github.Auth import Auth
from github.GithubException import GithubException
from github.Requester import Requester

from adapters._vendor.github_limits import Manners, is_unsure, limited_for, patience

USER_AGENT: Final = "software-factory"
API_VERSION: Final = "2022-11-28"
REPEATABLE: Final = frozenset(
    {"GET", "HEAD", "PUT", "PATCH", "DELETE"}
)  #: twice is as once; a POST is looked for first
REMEMBERED: Final = 512  #: answers kept for conditional requests
Answer = tuple[dict[str, Any], Any]


class PoliteRequester(Requester):
    """Everything PyGithub asks goes through here, so that no call site needs to know of limits and lost answers.

    A request that may be repeated is repeated after a failure of the server or the connection; every request that a
    rate limit refused is, once the limit allows it.
    """

    def __init__(self, auth: Auth, base_url: str, manners: Manners) -> None:
        super().__init__(
            auth, base_url, manners.timeout, USER_AGENT, 100, True, None, None,
            seconds_between_requests=manners.reading_pause, seconds_between_writes=manners.writing_pause,
            api_version=API_VERSION,
        )  # fmt: skip
        self.manners = manners
        self._answers: OrderedDict[str, tuple[str, Answer]] = OrderedDict()
        self._lock = threading.Lock()
        self._closed_until = 0.0

    def requestJsonAndCheck(  # noqa: N802 - PyGithub's own
        self,
        verb: str,
        url: str,
        parameters: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        input: Any | None = None,  # noqa: A002
        follow_302_redirect: bool = False,
    ) -> Answer:
        """Ask once, or as often as the failure and the operation's time allow.

        Raises:
            GithubException, requests.RequestException: the last failure. ForgeUnavailable: a wait would take too long.
        """

        def ask() -> Answer:
            return self._conditional(verb, url, parameters, dict(headers or {}), (input, follow_302_redirect))

        with patience(self.manners.patience):
            for attempt in range(1, self.manners.attempts):
                self._wait_for_the_limit()
                try:
                    return ask()
                except (GithubException, requests.RequestException) as error:
                    self._pause(error, verb, attempt)
            self._wait_for_the_limit()
            return ask()

    @classmethod
    def createException(cls, status: int, headers: dict[str, Any], output: Any) -> GithubException:  # noqa: N802
        """Proxies answer with other things than GitHub's objects, which PyGithub does not expect."""
        return super().createException(
            status, headers, output if isinstance(output, dict) else {"message": str(output)}
        )

    def _pause(self, error: GithubException | requests.RequestException, verb: str, attempt: int) -> None:
        limit = limited_for(error, time.time()) if isinstance(error, GithubException) else None
        if limit is not None:
            self._closed_until = time.time() + limit
        elif verb in REPEATABLE and is_unsure(error):
            self.manners.rest(self.manners.pause_after(attempt), f"GitHub did not answer: {_named(error)}")
        else:
            raise error

    def _wait_for_the_limit(self) -> None:
        left = self._closed_until - time.time()
        if left > 0:
            self.manners.rest(left, "GitHub's rate limit is used up")

    def _conditional(
        self, verb: str, url: str, parameters: dict[str, Any] | None, headers: dict[str, str], rest: tuple[Any, bool]
    ) -> Answer:
        """Ask for a change since the last answer: an unchanged one costs nothing of the rate limit."""
        if verb != "GET":
            return super().requestJsonAndCheck(verb, url, parameters, headers, *rest)
        key = f"{self.add_parameters_to_url(url, parameters or {})} {headers.get('Accept', '')}"
        with self._lock:
            known = self._answers.get(key)
        if known is not None:
            headers["If-None-Match"] = known[0]
        told, data = super().requestJsonAndCheck(verb, url, parameters, headers, *rest)
        if known is not None and data is None:
            return copy.deepcopy(known[1])
        self._remember(key, told, data)
        return told, data

    def _remember(self, key: str, headers: dict[str, Any], data: Any) -> None:
        tag = headers.get("etag")
        if not tag or data is None:
            return
        with self._lock:
            self._answers[key] = (tag, (dict(headers), copy.deepcopy(data)))
            self._answers.move_to_end(key)
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)


def _named(error: Exception) -> str:
    return f"status {error.status}" if isinstance(error, GithubException) else type(error).__name__
