"""Check suites, check runs and statuses as GitHub shows them."""

from typing import Any

from tests.support.github.shapes.code import parse
from tests.support.github.shapes.people import app, node, user
from tests.support.github.shapes.repositories import html, repository, url
from tests.support.github.state import CheckRun, CheckSuite, Repository, Status
from tests.support.github.world import World, stamp


def about(world: World, home: Repository, head_sha: str) -> list[dict[str, Any]]:
    """The open pull requests at a commit, as a check tells of them."""
    found = [one for one in home.pulls() if one.pull and one.pull.head_sha == head_sha and one.state == "open"]
    return [
        {
            "url": f"{url(world, home)}/pulls/{one.number}",
            "id": one.pull.id,
            "number": one.number,
            "head": _side(world, one.pull.head_repository, one.pull.head_ref, one.pull.head_sha),
            "base": _side(world, home, one.pull.base_ref, one.pull.base_sha),
        }
        for one in found
        if one.pull
    ]


def _side(world: World, one: Repository, ref: str, sha: str) -> dict[str, Any]:
    return {"ref": ref, "sha": sha, "repo": {"id": one.id, "url": url(world, one), "name": one.name}}


def suite_state(home: Repository, one: CheckSuite) -> tuple[str, str | None]:
    runs = [run for run in home.check_runs.values() if run.suite is one]
    if not runs or any(run.status != "completed" for run in runs):
        return "queued" if not runs else "in_progress", None
    order = ("action_required", "timed_out", "cancelled", "failure", "stale", "success", "neutral", "skipped")
    return "completed", min((run.conclusion or "success" for run in runs), key=order.index)


def suite(world: World, home: Repository, one: CheckSuite) -> dict[str, Any]:
    at = f"{url(world, home)}/check-suites/{one.id}"
    state, conclusion = suite_state(home, one)
    branches = [
        name.removeprefix("refs/heads/")
        for name, (_, sha) in home.git.refs("refs/heads/").items()
        if sha == one.head_sha
    ]
    return {
        "id": one.id,
        "node_id": node("CS", one.id),
        "head_branch": branches[0] if branches else None,
        "head_sha": one.head_sha,
        "status": state,
        "conclusion": conclusion,
        "url": at,
        "before": None,
        "after": one.head_sha,
        "pull_requests": about(world, home, one.head_sha),
        "app": app(world, one.app),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.updated_at),
    }


def full_suite(world: World, home: Repository, one: CheckSuite) -> dict[str, Any]:
    commit = parse(home.git, one.head_sha)
    return {
        **suite(world, home, one),
        "repository": repository(world, home),
        "latest_check_runs_count": sum(run.suite is one for run in home.check_runs.values()),
        "check_runs_url": f"{url(world, home)}/check-suites/{one.id}/check-runs",
        "head_commit": {
            "id": commit.sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": commit.author["date"],
            "author": {name: commit.author[name] for name in ("name", "email")},
            "committer": {name: commit.committer[name] for name in ("name", "email")},
        },
    }


def check_run(world: World, home: Repository, one: CheckRun) -> dict[str, Any]:
    at, page = f"{url(world, home)}/check-runs/{one.id}", f"{html(world, home)}/runs/{one.id}"
    return {
        "id": one.id,
        "name": one.name,
        "node_id": node("CR", one.id),
        "head_sha": one.head_sha,
        "external_id": one.external_id,
        "url": at,
        "html_url": page,
        "details_url": one.details_url or page,
        "status": one.status,
        "conclusion": one.conclusion,
        "started_at": stamp(one.started_at),
        "completed_at": stamp(one.completed_at),
        "output": {
            **{name: one.output.get(name) for name in ("title", "summary", "text")},
            "annotations_count": len(one.annotations),
            "annotations_url": f"{at}/annotations",
        },
        "check_suite": {"id": one.suite.id},
        "app": app(world, one.suite.app),
        "pull_requests": about(world, home, one.head_sha),
    }


def status(world: World, home: Repository, one: Status) -> dict[str, Any]:
    return {
        "url": f"{url(world, home)}/statuses/{one.sha}",
        "avatar_url": f"{world.host}/avatars/u/{one.creator.id}",
        "id": one.id,
        "node_id": node("SC", one.id),
        "state": one.state,
        "description": one.description,
        "target_url": one.target_url,
        "context": one.context,
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "creator": user(world, one.creator),
    }
