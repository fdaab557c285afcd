"""What is missing on GitHub for the factory to work on a repository, and how to fix it, for `factory repo check`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from github.GithubException import GithubException, UnknownObjectException

from adapters.forge.github.labels import labels
from adapters.forge.github.needs import INFO, MISSING, OK, Need, met, unknown
from adapters.forge.github.permissions import permissions
from adapters.forge.github.protection import Protection, inspected
from adapters.forge.github.site import Site, hub_failures
from domain.errors import ForgeRefused

EVENTS: Final = (
    "check_run", "check_suite", "issue_comment", "issues", "pull_request", "pull_request_review",
    "pull_request_review_comment", "status",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    branch: str  #: that pull requests go to
    hook: str | None = None  #: public address of /v1/webhooks/github; None: the factory only polls
    hook_secret: str = ""  #: the factory's name of the secret that signs
    labels: tuple[str, ...] = ()
    protection: Protection = field(default_factory=Protection)
    without_hook: str = ""  #: what is so where none is expected


def inspect(site: Site, wanted: Wanted) -> list[Need]:
    """Return every need, met or not. What cannot be looked at is unknown, never met.

    Raises:
        ForgeRefused: GitHub does not accept the credential. ForgeUnavailable.
    """
    with hub_failures(site.manners):
        found = [Need(f"signed in as {site.github.login()}", OK), *_repository(site)]
        if found[-1].state == MISSING:
            return found
        return [
            *found,
            *permissions(site),
            *inspected(site, wanted.branch, wanted.protection),
            *_hook(site, wanted),
            *labels(site, wanted.labels),
        ]


def _repository(site: Site) -> Iterator[Need]:
    hub = site.hub
    try:
        archived = hub.archived
    except UnknownObjectException:
        yield Need(f"repository {site.full_name}", MISSING, "check its name, and that the token or App may see it")
        return
    except ForgeRefused as error:
        if "installation" not in error.details:
            raise
        yield Need(f"repository {site.full_name}", MISSING, error.message)
        return
    yield met("issues are switched on", hub.has_issues, "switch them on in the repository's settings")
    yield met(f"repository {site.full_name} can be written", not archived, "it is archived; take it out of the archive")


def _hook(site: Site, wanted: Wanted) -> Iterator[Need]:
    address = wanted.hook
    if address is None:
        yield Need("no webhook is expected: `public_url` is not set", INFO, wanted.without_hook)
        return
    what = f"webhook to {address}"
    try:
        hooks = [hook for hook in site.hub.get_hooks() if hook.config.get("url") == address]
    except GithubException as error:
        if error.status not in {403, 404}:
            raise
        yield unknown(what, "grant `webhooks: read`, or look in the repository's settings")
        return
    remedy = (
        "add it in the repository's settings with content type application/json, "
        f"the value of the secret {wanted.hook_secret}, and {', '.join(EVENTS)}"
    )
    yield met(what, bool(hooks), remedy)
    for hook in hooks[:1]:
        yield met("webhook is active", hook.active, "activate it in the repository's settings")
        yield met(
            "webhook has a secret", bool(hook.config.get("secret")), f"set the value of the secret {wanted.hook_secret}"
        )
        lacking = [] if "*" in hook.events else sorted(set(EVENTS) - set(hook.events))
        yield met("webhook sends every event needed", not lacking, f"add {', '.join(lacking)}")
