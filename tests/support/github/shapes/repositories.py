"""Repositories as GitHub shows them, with all of their addresses."""

from typing import Any

from tests.support.github.access import Actor, has_role
from tests.support.github.shapes.people import node, user
from tests.support.github.state import Repository
from tests.support.github.world import World, stamp

LINKS = {
    "archive_url": "{archive_format}{/ref}", "assignees_url": "assignees{/user}", "blobs_url": "git/blobs{/sha}",
    "branches_url": "branches{/branch}", "collaborators_url": "collaborators{/collaborator}",
    "comments_url": "comments{/number}", "commits_url": "commits{/sha}", "compare_url": "compare/{base}...{head}",
    "contents_url": "contents/{+path}", "contributors_url": "contributors", "deployments_url": "deployments",
    "downloads_url": "downloads", "events_url": "events", "forks_url": "forks", "git_commits_url": "git/commits{/sha}",
    "git_refs_url": "git/refs{/sha}", "git_tags_url": "git/tags{/sha}", "hooks_url": "hooks",
    "issue_comment_url": "issues/comments{/number}", "issue_events_url": "issues/events{/number}",
    "issues_url": "issues{/number}", "keys_url": "keys{/key_id}", "labels_url": "labels{/name}",
    "languages_url": "languages", "merges_url": "merges", "milestones_url": "milestones{/number}",
    "notifications_url": "notifications{?since,all,participating}", "pulls_url": "pulls{/number}",
    "releases_url": "releases{/id}", "stargazers_url": "stargazers", "statuses_url": "statuses/{sha}",
    "subscribers_url": "subscribers", "subscription_url": "subscription", "tags_url": "tags", "teams_url": "teams",
    "trees_url": "git/trees{/sha}",
}  # fmt: skip


def url(world: World, one: Repository) -> str:
    return f"{world.api}/repos/{one.full_name}"


def html(world: World, one: Repository) -> str:
    return f"{world.host}/{one.full_name}"


def repository(world: World, one: Repository, actor: Actor | None = None) -> dict[str, Any]:
    at = url(world, one)
    open_issues = sum(issue.state == "open" for issue in one.issues.values())
    shape = {
        "id": one.id,
        "node_id": node("R", one.id),
        "name": one.name,
        "full_name": one.full_name,
        "private": one.private,
        "owner": user(world, one.owner),
        "html_url": html(world, one),
        "description": one.description,
        "fork": one.parent is not None,
        "url": at,
        **{name: f"{at}/{tail}" for name, tail in LINKS.items()},
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "pushed_at": stamp(one.pushed_at),
        **_clone(world, one),
        **_counts(open_issues),
        **_features(one),
        "default_branch": one.default_branch,
    }
    if actor and actor.account:
        shape["permissions"] = permissions(one, actor)
    return shape


def permissions(one: Repository, actor: Actor) -> dict[str, bool]:
    roles = {"admin": "admin", "maintain": "maintain", "push": "write", "triage": "triage", "pull": "read"}
    return {name: has_role(actor, one, role) for name, role in roles.items()}


def full_repository(world: World, one: Repository, actor: Actor) -> dict[str, Any]:
    shape = {**repository(world, one, actor), "subscribers_count": 0, "network_count": 0}
    shape |= {name: value for name, value in one.settings.items() if name.startswith(("allow_", "delete_"))}
    if one.parent:
        shape["parent"] = shape["source"] = repository(world, one.parent)
    return shape


def _clone(world: World, one: Repository) -> dict[str, Any]:
    address = f"{html(world, one)}.git"
    host = world.host.partition("://")[2]
    return {
        "git_url": f"git://{host}/{one.full_name}.git",
        "ssh_url": f"git@{host}:{one.full_name}.git",
        "clone_url": address,
        "svn_url": html(world, one),
        "homepage": None,
        "mirror_url": None,
    }


def _counts(open_issues: int) -> dict[str, Any]:
    names = ("size", "stargazers_count", "watchers_count", "forks_count", "forks", "watchers")
    return {**dict.fromkeys(names, 0), "open_issues_count": open_issues, "open_issues": open_issues}


def _features(one: Repository) -> dict[str, Any]:
    return {
        "language": None,
        "has_issues": one.settings["has_issues"],
        "has_projects": False,
        "has_downloads": True,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "archived": one.settings["archived"],
        "disabled": False,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "custom_properties": {},
        "visibility": "private" if one.private else "public",
    }
