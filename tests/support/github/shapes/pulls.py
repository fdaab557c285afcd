"""Pull requests and reviews as GitHub shows them."""

from typing import Any

from tests.support.github import diffs
from tests.support.github.merging import merge_state
from tests.support.github.shapes.issues import label, reactions
from tests.support.github.shapes.people import association, maybe_user, node, user
from tests.support.github.shapes.repositories import html, repository, url
from tests.support.github.state import Issue, Pull, Repository, Review, ReviewComment
from tests.support.github.world import World, stamp


def _side(world: World, one: Repository, ref: str, sha: str) -> dict[str, Any]:
    return {
        "label": f"{one.owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user(world, one.owner),
        "repo": {**repository(world, one), **one.settings, "squash_merge_commit_title": "COMMIT_OR_PR_TITLE"},
    }


def _links(at: str, page: str, issue_url: str, pull: Pull, repository_url: str) -> dict[str, Any]:
    told = {
        "self": at,
        "html": page,
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": f"{at}/comments",
        "review_comment": f"{repository_url}/pulls/comments{{/number}}",
        "commits": f"{at}/commits",
        "statuses": f"{repository_url}/statuses/{pull.head_sha}",
    }
    return {name: {"href": href} for name, href in told.items()}


def _addresses(at: str, page: str, issue_url: str, sha: str, repository_url: str) -> dict[str, Any]:
    return {
        "url": at,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue_url,
        "commits_url": f"{at}/commits",
        "review_comments_url": f"{at}/comments",
        "review_comment_url": f"{repository_url}/pulls/comments{{/number}}",
        "comments_url": f"{issue_url}/comments",
        "statuses_url": f"{repository_url}/statuses/{sha}",
    }


def pull(world: World, home: Repository, one: Issue) -> dict[str, Any]:
    """The shape of a list."""
    assert one.pull
    at, issue_url = f"{url(world, home)}/pulls/{one.number}", f"{url(world, home)}/issues/{one.number}"
    page = f"{html(world, home)}/pull/{one.number}"
    return {
        **_addresses(at, page, issue_url, one.pull.head_sha, url(world, home)),
        "id": one.pull.id,
        "node_id": node("PR", one.pull.id),
        "number": one.number,
        "state": one.state,
        "locked": False,
        "title": one.title,
        "user": user(world, one.user),
        "body": one.body,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "closed_at": stamp(one.closed_at),
        "merged_at": stamp(one.pull.merged_at),
        "merge_commit_sha": one.pull.merge_sha,
        "assignee": maybe_user(world, one.assignees[0] if one.assignees else None),
        "assignees": [user(world, each) for each in one.assignees],
        "requested_reviewers": [user(world, each) for each in one.pull.reviewers],
        "requested_teams": [],
        "labels": [label(world, home, each) for each in one.labels],
        "milestone": None,
        "draft": one.pull.draft,
        "head": _side(world, one.pull.head_repository, one.pull.head_ref, one.pull.head_sha),
        "base": _side(world, home, one.pull.base_ref, one.pull.base_sha),
        "_links": _links(at, page, issue_url, one.pull, url(world, home)),
        "author_association": association(home, one.user),
        "auto_merge": None,
        "active_lock_reason": None,
    }


def full_pull(world: World, home: Repository, one: Issue) -> dict[str, Any]:
    assert one.pull
    changed = pull_files(home, one.pull)
    mergeable, state = merge_state(home, one)
    return {
        **pull(world, home, one),
        "merged": one.pull.merged_at is not None,
        "mergeable": mergeable,
        "rebaseable": False if mergeable is not None else None,
        "mergeable_state": state,
        "merged_by": maybe_user(world, one.pull.merged_by),
        "comments": sum(each.number == one.number for each in home.comments.values()),
        "review_comments": len(one.pull.comments),
        "maintainer_can_modify": one.pull.maintainer_can_modify,
        "commits": len(pull_commits(home, one.pull)),
        "additions": sum(each.additions for each in changed),
        "deletions": sum(each.deletions for each in changed),
        "changed_files": len(changed),
    }


def pull_base(home: Repository, one: Pull) -> str:
    return home.git.merge_base(one.base_sha, one.head_sha) or one.base_sha


def pull_commits(home: Repository, one: Pull) -> list[str]:
    """Oldest first."""
    return home.git.commits(one.head_sha, one.base_sha)[::-1]


def pull_files(home: Repository, one: Pull) -> list[diffs.FileDiff]:
    return diffs.files(home.git, pull_base(home, one), one.head_sha)


def review(world: World, home: Repository, number: int, one: Review) -> dict[str, Any]:
    page, at = f"{html(world, home)}/pull/{number}", f"{url(world, home)}/pulls/{number}"
    shape = {
        "id": one.id,
        "node_id": node("PRR", one.id),
        "user": user(world, one.user),
        "body": one.body,
        "state": one.state,
        "html_url": f"{page}#pullrequestreview-{one.id}",
        "pull_request_url": at,
        "author_association": association(home, one.user),
        "_links": {"html": {"href": f"{page}#pullrequestreview-{one.id}"}, "pull_request": {"href": at}},
        "commit_id": one.commit_id,
    }
    return {**shape, "submitted_at": stamp(one.submitted_at)} if one.submitted_at else shape


def review_comment(world: World, home: Repository, number: int, one: ReviewComment) -> dict[str, Any]:
    at = f"{url(world, home)}/pulls/comments/{one.id}"
    page = f"{html(world, home)}/pull/{number}#discussion_r{one.id}"
    pull_url = f"{url(world, home)}/pulls/{number}"
    links = {"self": at, "html": page, "pull_request": pull_url}
    shape = {
        "url": at,
        "pull_request_review_id": one.review.id,
        "id": one.id,
        "node_id": node("PRRC", one.id),
        "diff_hunk": one.diff_hunk,
        "path": one.path,
        "commit_id": one.commit_id,
        "original_commit_id": one.original_commit_id,
        "user": user(world, one.user),
        "body": one.body,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
        "html_url": page,
        "pull_request_url": pull_url,
        "author_association": association(home, one.user),
        "_links": {name: {"href": href} for name, href in links.items()},
        "reactions": reactions(at),
        "start_line": one.start_line,
        "original_start_line": one.start_line,
        "start_side": one.side if one.start_line else None,
        "line": one.line,
        "original_line": one.line,
        "side": one.side,
        "position": one.position,
        "original_position": one.position or 1,
        "subject_type": one.subject_type,
    }
    return {**shape, "in_reply_to_id": one.in_reply_to} if one.in_reply_to else shape
