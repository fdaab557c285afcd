"""Accounts, limits and the search for issues."""

import re
import shlex
from typing import Any

from tests.support.github.access import may
from tests.support.github.answers import Page, Refused, invalid
from tests.support.github.limits import ANONYMOUS
from tests.support.github.routing import Call, route
from tests.support.github.shapes import issues, people
from tests.support.github.state import Issue, Repository

QUALIFIER = re.compile(r"(-?)(repo|is|state|type|author|label|head|base|assignee|in|org|user|commenter|draft):(.+)")


@route("GET", "/user")
def get_self(call: Call) -> Any:
    if not call.actor.token or not call.actor.account:
        raise Refused(401, "Requires authentication")
    if call.actor.acting_app:
        raise Refused(403, "Resource not accessible by integration")
    return people.full_user(call.world, call.actor.account)


@route("GET", "/users/{username}")
def get_user(call: Call) -> Any:
    return people.full_user(call.world, call.world.who(call.values["username"]))


@route("GET", "/rate_limit", resource="")
def rate_limit(call: Call) -> Any:
    told = {}
    for resource in ANONYMOUS:
        quota = call.world.limits.quota(call.actor.quota, resource, call.now)
        counts = {"limit": quota.limit, "remaining": quota.remaining, "used": quota.used}
        told[resource] = {**counts, "reset": int(quota.reset.timestamp()), "resource": resource}
    return {"resources": told, "rate": told["core"]}


@route("GET", "/search/issues", resource="search")
def search_issues(call: Call) -> Page:
    words = _words(call.query("q"))
    if not words:
        raise invalid("Search", "q", "missing")
    found = [
        (home, one)
        for home in call.world.visible(call.actor)
        for one in home.issues.values()
        if may(call.actor, home, "pull_requests" if one.pull else "issues", "read")
        and all(_fits(home, one, word) for word in words)
    ]
    found.sort(key=lambda pair: pair[1].created_at, reverse=call.query("order", "desc") == "desc")
    shape = lambda pair: {**issues.issue(call.world, *pair), "score": 1.0}  # noqa: E731
    return Page(found, shape, wrap="items", extra={"incomplete_results": False, "search_type": "lexical"})


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _fits(home: Repository, one: Issue, word: str) -> bool:
    match = QUALIFIER.fullmatch(word)
    if not match:
        said = [comment.body for comment in home.comments.values() if comment.number == one.number]
        return word.lower() in "\n".join([one.title, one.body or "", *said]).lower()
    minus, name, value = match.groups()
    return _qualifies(home, one, name, value.lower()) != bool(minus)


def _qualifies(home: Repository, one: Issue, name: str, value: str) -> bool:
    pull = one.pull
    match name:
        case "repo":
            return home.full_name.lower() == value
        case "org" | "user":
            return home.owner.login.lower() == value
        case "is" | "state" | "type":
            kinds = {
                "issue": not pull,
                "pr": bool(pull),
                "merged": bool(pull and pull.merged_at),
                "draft": bool(pull and pull.draft),
            }
            return kinds.get(value, one.state == value)
        case "author":
            return one.user.login.lower() == value.replace("app/", "")
        case "label":
            return value in {label.name.lower() for label in one.labels}
        case "assignee":
            return value in {each.login.lower() for each in one.assignees}
        case "head" | "base":
            return bool(pull) and getattr(pull, f"{name}_ref").lower() == value
        case "in":
            return True
    raise invalid("Search", "q", "invalid", f"the stand-in does not know the qualifier {name}")
