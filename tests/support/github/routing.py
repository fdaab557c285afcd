"""One table of what the stand-in can do; the templates are those of GitHub's description."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from tests.support.github.access import Actor, may
from tests.support.github.answers import Answer, Page, Refused, missing
from tests.support.github.state import Issue, Repository

if TYPE_CHECKING:
    from tests.support.github.world import World

NUMBERS = {
    "pull_number", "issue_number", "comment_id", "review_id", "check_run_id", "check_suite_id", "hook_id",
    "installation_id", "delivery_id",
}  # fmt: skip
PATHS = {"ref", "path", "branch", "basehead", "name"}


@dataclass
class Call:
    """One request, as a handler sees it."""

    world: "World"
    actor: Actor
    request: Request
    template: str
    values: dict[str, Any]
    body: Any

    @property
    def now(self) -> datetime:
        return self.world.now()

    @property
    def repository(self) -> Repository:
        """Raises: Refused with 404."""
        return self.world.find(self.values["owner"], self.values["repo"])

    @property
    def issue(self) -> Issue:
        """Raises: Refused with 404."""
        number = self.values.get("issue_number") or self.values.get("pull_number")
        found = self.repository.issues.get(number or 0)
        if not found or ("pull_number" in self.values and not found.pull):
            raise missing()
        return found

    @property
    def written_issue(self) -> Issue:
        """The issue, to be changed. Raises: Refused with 404, or with 403 as `refuse_wrong_kind` does."""
        self.refuse_wrong_kind(self.issue)
        return self.issue

    def refuse_wrong_kind(self, one: Issue) -> None:
        """To write, an App needs `issues` for an issue; for a pull request `pull_requests` will do.

        Raises: Refused with 403.
        """
        if not one.pull and not may(self.actor, self.repository, "issues", "write", "read"):
            raise Refused(403, f"Resource not accessible by {self.actor.kind}")

    def query(self, name: str, default: str = "") -> str:
        return self.request.args.get(name, default)


Handler = Callable[[Call], Answer | Page | Any]


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    handler: Handler
    needs: str | None  #: `permission:level`, checked on the repository of the path; None: the handler checks
    role: str | None  #: what a person needs, when it does not follow from the level
    resource: str  #: whose rate limit it uses; empty: none
    described: bool  #: by GitHub's OpenAPI


ROUTES: list[Route] = []


def route(
    method: str,
    template: str,
    needs: str | None = None,
    *,
    role: str | None = None,
    resource: str = "core",
    described: bool = True,
) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method, template, handler, needs, role, resource, described))
        return handler

    return register


def _rule(template: str) -> str:
    def converter(match: re.Match[str]) -> str:
        name = match[1]
        return f"<int:{name}>" if name in NUMBERS else f"<path:{name}>" if name in PATHS else f"<{name}>"

    return re.sub(r"\{(\w+)\}", converter, template)


@cache
def url_map() -> Map:
    rules = [Rule(_rule(one.template), methods=[one.method], endpoint=one) for one in ROUTES]
    return Map(rules, strict_slashes=False, merge_slashes=False, redirect_defaults=False)
