"""Issues, labels and comments as GitHub shows them."""

from typing import Any
from urllib.parse import quote

from tests.support.github.shapes.people import association, maybe_app, maybe_user, node, user
from tests.support.github.shapes.repositories import html, url
from tests.support.github.state import Comment, Issue, Label, Repository
from tests.support.github.world import World, stamp

EMOJI = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def label(world: World, repository: Repository, one: Label) -> dict[str, Any]:
    return {
        "id": one.id,
        "node_id": node("LA", one.id),
        "url": f"{url(world, repository)}/labels/{quote(one.name)}",
        "name": one.name,
        "color": one.color,
        "default": False,
        "description": one.description,
    }


def reactions(at: str) -> dict[str, Any]:
    return {"url": f"{at}/reactions", "total_count": 0, **dict.fromkeys(EMOJI, 0)}


def issue(world: World, repository: Repository, one: Issue) -> dict[str, Any]:
    at = f"{url(world, repository)}/issues/{one.number}"
    kind = "pull" if one.pull else "issues"
    shape = {
        "url": at,
        "repository_url": url(world, repository),
        "labels_url": f"{at}/labels{{/name}}",
        "comments_url": f"{at}/comments",
        "events_url": f"{at}/events",
        "timeline_url": f"{at}/timeline",
        "html_url": f"{html(world, repository)}/{kind}/{one.number}",
        "id": one.id,
        "node_id": node("I", one.id),
        "number": one.number,
        "title": one.title,
        "user": user(world, one.user),
        "labels": [label(world, repository, each) for each in one.labels],
        "state": one.state,
        "state_reason": one.state_reason,
        "locked": False,
        "active_lock_reason": None,
        "assignee": maybe_user(world, one.assignees[0] if one.assignees else None),
        "assignees": [user(world, each) for each in one.assignees],
        "milestone": None,
        "comments": sum(comment.number == one.number for comment in repository.comments.values()),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "closed_at": stamp(one.closed_at),
        "author_association": association(repository, one.user),
        "body": one.body,
        "reactions": reactions(at),
        "performed_via_github_app": maybe_app(world, one.app),
    }
    return {**shape, **_as_pull(world, repository, one)} if one.pull else shape


def full_issue(world: World, repository: Repository, one: Issue) -> dict[str, Any]:
    return {**issue(world, repository, one), "closed_by": maybe_user(world, one.closed_by)}


def _as_pull(world: World, repository: Repository, one: Issue) -> dict[str, Any]:
    page = f"{html(world, repository)}/pull/{one.number}"
    assert one.pull
    told = {
        "url": f"{url(world, repository)}/pulls/{one.number}",
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "merged_at": stamp(one.pull.merged_at),
    }
    return {"draft": one.pull.draft, "pull_request": told}


def comment(world: World, repository: Repository, one: Comment) -> dict[str, Any]:
    at = f"{url(world, repository)}/issues/comments/{one.id}"
    kind = "pull" if repository.issues[one.number].pull else "issues"
    return {
        "url": at,
        "html_url": f"{html(world, repository)}/{kind}/{one.number}#issuecomment-{one.id}",
        "issue_url": f"{url(world, repository)}/issues/{one.number}",
        "id": one.id,
        "node_id": node("IC", one.id),
        "user": user(world, one.user),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "author_association": association(repository, one.user),
        "body": one.body,
        "reactions": reactions(at),
        "performed_via_github_app": maybe_app(world, one.app),
    }
