"""Branch protection as data: what a base branch must have, what it lacks, and the request that adds it.

What people have set beyond it stays: protecting never takes anything away but force pushes and deletion.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from github.GithubException import GithubException

from adapters.forge.github.needs import MISSING, OK, Need, unknown
from adapters.forge.github.permissions import needing
from adapters.forge.github.site import Site, hub_failures

_FLAGS: Final = ("required_linear_history", "block_creations", "lock_branch", "allow_fork_syncing")
_REVIEW_FLAGS: Final = ("dismiss_stale_reviews", "require_code_owner_reviews", "require_last_push_approval")


@dataclass(frozen=True, slots=True)
class Protection:
    """SEC-16: required checks, one approval, conversations resolved, no force push."""

    checks: tuple[str, ...] = ("test", "lint", "docs-check")
    apps: Mapping[str, int] = field(default_factory=dict)  #: check → id of the only App that may set it
    approvals: int = 1


def protect(site: Site, branch: str, wanted: Protection, *, apply: bool) -> list[Need]:
    """Return what the branch has and lacks; with `apply`, set it first and return what GitHub then shows.

    Raises:
        ForgeRefused: the credential may not change the protection. ForgeUnavailable.
    """
    with hub_failures(site.manners), needing(f"administration: {'write' if apply else 'read'}"):
        place = f"/repos/{site.full_name}/branches/{_quoted(branch)}/protection"
        found = _read(site, place)
        needs = compared(found, wanted, branch)
        if not apply or all(need.state == OK for need in needs):
            return needs
        site.requester.requestJsonAndCheck("PUT", place, input=protected(found, wanted))
        return compared(_read(site, place), wanted, branch)


def inspected(site: Site, branch: str, wanted: Protection) -> list[Need]:
    """As protect() without applying, but a credential that may not look is a state and not a failure."""
    try:
        place = f"/repos/{site.full_name}/branches/{_quoted(branch)}/protection"
        return compared(_read(site, place), wanted, branch)
    except GithubException as error:
        if error.status != 403:
            raise
        return [unknown(f"protection of {branch}", "grant `administration: read`, or look in the branch's settings")]


def compared(found: Mapping[str, Any] | None, wanted: Protection, branch: str) -> list[Need]:
    """Return one line a demand. Nothing found: the branch is not protected at all."""
    told = found or {}
    contexts = _contexts(told)
    approvals = int((told.get("required_pull_request_reviews") or {}).get("required_approving_review_count") or 0)
    demands = [
        (f"check {name!r} is required", name in contexts and wanted.apps.get(name) in {None, contexts.get(name)})
        for name in wanted.checks
    ]
    demands += [
        (f"{wanted.approvals} approval(s) are required", approvals >= wanted.approvals),
        ("conversations must be resolved", _on(told, "required_conversation_resolution")),
        ("force pushes are blocked", found is not None and not _on(told, "allow_force_pushes")),
        ("deletion is blocked", found is not None and not _on(told, "allow_deletions")),
    ]
    remedy = "run `factory repo protect NAME`, or set it in the branch's protection"
    return [Need(f"{branch}: {what}", OK if met else MISSING, "" if met else remedy) for what, met in demands]


def protected(found: Mapping[str, Any] | None, wanted: Protection) -> dict[str, Any]:
    """Return the body of the request that adds what is wanted to what is there."""
    told = found or {}
    contexts: dict[str, int | None] = {**_contexts(told), **{name: wanted.apps.get(name) for name in wanted.checks}}
    return {
        "required_status_checks": {
            "strict": bool((told.get("required_status_checks") or {}).get("strict")),
            "checks": [
                {"context": name} if app is None else {"context": name, "app_id": app} for name, app in contexts.items()
            ],
        },
        "enforce_admins": _on(told, "enforce_admins"),
        "required_pull_request_reviews": _reviews(told.get("required_pull_request_reviews") or {}, wanted.approvals),
        "restrictions": _people(told.get("restrictions")),
        "required_conversation_resolution": True,
        "allow_force_pushes": False,
        "allow_deletions": False,
        **{flag: True for flag in _FLAGS if _on(told, flag)},
    }


def _reviews(told: Mapping[str, Any], approvals: int) -> dict[str, Any]:
    count = max(approvals, int(told.get("required_approving_review_count") or 0))
    people = {
        key: _people(told.get(key))
        for key in ("dismissal_restrictions", "bypass_pull_request_allowances")
        if told.get(key) is not None
    }
    flags = {flag: True for flag in _REVIEW_FLAGS if told.get(flag)}
    return {"required_approving_review_count": count, **flags, **people}


def _people(told: Mapping[str, Any] | None) -> dict[str, list[str]] | None:
    if told is None:
        return None
    return {
        "users": [one["login"] for one in told.get("users") or ()],
        "teams": [one["slug"] for one in told.get("teams") or ()],
        "apps": [one["slug"] for one in told.get("apps") or ()],
    }


def _contexts(told: Mapping[str, Any]) -> dict[str, int | None]:
    required = told.get("required_status_checks") or {}
    named: dict[str, int | None] = dict.fromkeys(required.get("contexts") or ())
    return named | {one["context"]: one.get("app_id") for one in required.get("checks") or ()}


def _on(told: Mapping[str, Any], key: str) -> bool:
    return bool((told.get(key) or {}).get("enabled"))


def _read(site: Site, place: str) -> Mapping[str, Any] | None:
    try:
        _, found = site.requester.requestJsonAndCheck("GET", place)
    except GithubException as error:
        if error.status != 404:
            raise
        return None
    return dict(found)


def _quoted(branch: str) -> str:
    return quote(branch, safe="")
