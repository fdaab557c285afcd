"""What a credential may do on a repository: an App's installation says so; a token is tried with what has no effect."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from github.GithubException import GithubException

from adapters._vendor.github_failures import told
from adapters._vendor.github_limits import limited_for
from adapters.forge.github.needs import MISSING, OK, UNKNOWN, Need, met
from adapters.forge.github.site import Site
from domain.errors import ForgeRefused

NOWHERE: Final = "0" * 40
#: permission → what it is for
WRITES: Final[Mapping[str, str]] = {
    "contents": "push branches below factory/",
    "pull_requests": "open pull requests and review them",
    "issues": "keep comments and labels",
    "statuses": "set commit statuses",
    "checks": "write check runs",
}
APPS_ONLY: Final = frozenset({"checks"})  #: no token can be granted it; commit statuses say the same
_ABSENT: Final = "factory/no-such-branch"
_AMBIGUOUS: Final = "GitHub does not tell it apart from `pull_requests: write`; look at the token's page"
_PROBES: Final[Mapping[str, tuple[str, str, Mapping[str, Any]]]] = {
    "contents": ("POST", "/git/refs", {"ref": f"refs/heads/{_ABSENT}", "sha": NOWHERE}),
    "pull_requests": ("POST", "/pulls", {"title": "probe", "head": _ABSENT, "base": _ABSENT}),
    "issues": ("PATCH", "/labels/factory-no-such-label", {"description": "probe"}),
    "statuses": ("POST", f"/statuses/{NOWHERE}", {"state": "success", "context": "factory/probe"}),
}


@contextmanager
def needing(permission: str) -> Iterator[None]:
    """Name the permission that the calls inside take, whether or not GitHub's refusal does.

    Raises:
        ForgeRefused: GitHub answered 403, and not because of a rate limit.
    """
    try:
        yield
    except GithubException as error:
        if error.status != 403 or limited_for(error, 0.0) is not None:
            raise
        raise ForgeRefused(f"{told(error).message}; this takes `{permission}`", status=403) from error


def permissions(site: Site) -> Iterator[Need]:
    """Yield one line a permission that this kind of credential can have."""
    given = site.github.installed_permissions()
    for name, purpose in WRITES.items():
        what = f"permission {name}: write, to {purpose}"
        remedy = f"grant `{name}: write` to the App or token"
        if given is not None:
            yield met(what, given.get(name) in {"write", "admin"}, remedy)
        elif name not in APPS_ONLY:
            yield Need(what, *_tried(site, name, remedy))


def _tried(site: Site, name: str, remedy: str) -> tuple[str, str]:
    """Ask for a change of what does not exist: 403 is a missing permission, another refusal is a permission."""
    verb, place, body = _PROBES[name]
    try:
        site.requester.requestJsonAndCheck(verb, f"/repos/{site.full_name}{place}", input=dict(body))
    except GithubException as error:
        if limited_for(error, 0.0) is not None or error.status == 401 or error.status >= 500:
            raise
        if error.status == 403:
            return MISSING, remedy
        return (UNKNOWN, _AMBIGUOUS) if name == "issues" else (OK, "")
    return UNKNOWN, "GitHub accepted a change of what does not exist; look at the token's page"
