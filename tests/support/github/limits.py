"""Rate limits as GitHub counts them, and faults on demand."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from tests.support.github.answers import Refused

HOURLY = {"core": 5000, "search": 30, "graphql": 5000}
ANONYMOUS = {"core": 60, "search": 10, "graphql": 0}
PRIMARY = "API rate limit exceeded for {}. If you reach out to GitHub Support for help, please include the request ID."
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@dataclass
class Quota:
    limit: int
    reset: datetime
    used: int = 0

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    def headers(self, resource: str) -> dict[str, str]:
        told = {
            "Limit": self.limit,
            "Remaining": self.remaining,
            "Used": self.used,
            "Reset": int(self.reset.timestamp()),
        }
        return {f"X-RateLimit-{name}": str(value) for name, value in told.items()} | {"X-RateLimit-Resource": resource}


@dataclass
class Limits:
    quotas: dict[tuple[str, str], Quota] = field(default_factory=dict)

    def quota(self, who: str, resource: str, now: datetime) -> Quota:
        found = self.quotas.get((who, resource))
        if not found or found.reset <= now:
            limit = (ANONYMOUS if who == "anonymous" else HOURLY)[resource]
            window = timedelta(minutes=1) if resource == "search" else timedelta(hours=1)
            found = self.quotas[who, resource] = Quota(limit, now + window)
        return found

    def spend(self, who: str, resource: str, now: datetime) -> Quota:
        """Raises: Refused with 403 when nothing is left."""
        quota = self.quota(who, resource, now)
        if not quota.remaining:
            raise Refused(403, PRIMARY.format(who.replace(":", " ID ")))
        quota.used += 1
        return quota

    def give_back(self, who: str, resource: str, now: datetime) -> Quota:
        """A conditional request that changed nothing costs nothing."""
        quota = self.quota(who, resource, now)
        quota.used -= 1
        return quota

    def exhaust(self, who: str, resource: str, now: datetime, seconds: float) -> None:
        limit = HOURLY[resource]
        self.quotas[who, resource] = Quota(limit, now + timedelta(seconds=seconds), used=limit)


@dataclass
class Fault:
    """What goes wrong with the next requests that match `on`, a method and a path template; `*` matches anything.

    Faults strike in the order in which they were told; a request that one has struck does not count for the others. With neither status nor stall the connection is dropped. `after_effect`: the request is carried out first.
    """

    on: str
    left: int
    skip: int = 0
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "Server Error"
    stall: float = 0  #: seconds before anything is answered
    after_effect: bool = False

    def matches(self, method: str, template: str) -> bool:
        pattern = self.on if " " in self.on else f"* {self.on}"
        return fnmatchcase(f"{method} {_bare(template)}", _bare(pattern))

    @property
    def word(self) -> str:
        kind = str(self.status) if self.status else "stalled" if self.stall else "dropped"
        return f"{kind}{' after effect' if self.after_effect else ''}"


def _bare(template: str) -> str:
    """`/repos/{owner}/{repo}` and `/repos/{}/{}` are the same."""
    return re.sub(r"\{\w*\}", "{}", template)


@dataclass
class Faults:
    waiting: list[Fault] = field(default_factory=list)

    def pick(self, method: str, template: str) -> Fault | None:
        for fault in self.waiting:
            if fault.matches(method, template):
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.left -= 1
                if not fault.left:
                    self.waiting.remove(fault)
                return fault
        return None
