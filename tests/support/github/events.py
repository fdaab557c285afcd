"""What hooks are told of, in the shape of GitHub's payloads."""

from typing import Any

from tests.support.github import diffs
from tests.support.github.access import Actor
from tests.support.github.bare import NOTHING
from tests.support.github.shapes import checks, code, issues, people, pulls, repositories
from tests.support.github.state import CheckRun, Comment, Hook, Issue, Repository, Review, ReviewComment, Status
from tests.support.github.webhooks import Delivery, Target
from tests.support.github.world import World, stamp

PUSH_COMMITS = 20


def emit(world: World, home: Repository, actor: Actor, event: str, payload: dict[str, Any]) -> None:
    """Queue a delivery for every hook that listens."""
    sender = actor.account or home.owner
    body = {**payload, "repository": payload.get("repository") or repositories.repository(world, home)}
    body["sender"] = people.user(world, sender)
    if home.owner.kind == "Organization":
        body["organization"] = organization(world, home)
    for target, more in _listening(world, home, event):
        world.webhooks.add(target, event, home.full_name, body | more)


def _listening(world: World, home: Repository, event: str) -> list[tuple[Target, dict[str, Any]]]:
    found: list[tuple[Target, dict[str, Any]]] = [
        (target_of(home, hook), {})
        for hook in home.hooks.values()
        if hook.active and (event in hook.events or "*" in hook.events)
    ]
    for one in world.installations.values():
        if one.app.webhook_url and event in one.app.events and home.id in one.repositories:
            target = Target(one.app.webhook_url, one.app.webhook_secret, kind="integration", target_id=one.app.id)
            found.append((target, {"installation": {"id": one.id, "node_id": people.node("I", one.id)}}))
    return found


def target_of(home: Repository, hook: Hook) -> Target:
    return Target(hook.url, hook.secret, hook.content_type, hook.id, target_id=home.id)


def ping(world: World, home: Repository, actor: Actor, hook: Hook, shape: dict[str, Any]) -> Delivery:
    payload = {
        "zen": "Practicality beats purity.",
        "hook_id": hook.id,
        "hook": shape,
        "repository": repositories.repository(world, home),
        "sender": people.user(world, actor.account or home.owner),
    }
    return world.webhooks.add(target_of(home, hook), "ping", home.full_name, payload)


def organization(world: World, home: Repository) -> dict[str, Any]:
    login = home.owner.login
    at = f"{world.api}/orgs/{login}"
    links = {f"{name}_url": f"{at}/{name}" for name in ("repos", "events", "hooks", "issues")}
    return {
        "login": login,
        "id": home.owner.id,
        "node_id": people.node("O", home.owner.id),
        "url": at,
        **links,
        "members_url": f"{at}/members{{/member}}",
        "public_members_url": f"{at}/public_members{{/member}}",
        "avatar_url": f"{world.host}/avatars/u/{home.owner.id}",
        "description": None,
    }


def issue(world: World, home: Repository, actor: Actor, one: Issue, action: str, **more: Any) -> None:
    """An issue's event; of a pull request when it is one."""
    if one.pull:
        pull(world, home, actor, one, action, **more)
    else:
        emit(world, home, actor, "issues", {"action": action, "issue": issues.issue(world, home, one), **more})


def pull(world: World, home: Repository, actor: Actor, one: Issue, action: str, **more: Any) -> None:
    payload = {"action": action, "number": one.number, "pull_request": pulls.full_pull(world, home, one), **more}
    emit(world, home, actor, "pull_request", payload)


def comment(world: World, home: Repository, actor: Actor, one: Comment, action: str, **more: Any) -> None:
    about = issues.issue(world, home, home.issues[one.number])
    payload = {"action": action, "issue": about, "comment": issues.comment(world, home, one), **more}
    emit(world, home, actor, "issue_comment", payload)


def review(world: World, home: Repository, actor: Actor, one: Issue, given: Review, action: str) -> None:
    shape = pulls.review(world, home, one.number, given)
    shape["state"] = given.state.lower()
    payload = {"action": action, "review": shape, "pull_request": pulls.pull(world, home, one)}
    emit(world, home, actor, "pull_request_review", payload)


def review_comment(
    world: World, home: Repository, actor: Actor, one: Issue, said: ReviewComment, action: str, **more: Any
) -> None:
    shape = pulls.review_comment(world, home, one.number, said)
    payload = {"action": action, "comment": shape, "pull_request": pulls.pull(world, home, one), **more}
    emit(world, home, actor, "pull_request_review_comment", payload)


def check_run(world: World, home: Repository, actor: Actor, one: CheckRun, action: str) -> None:
    shape = checks.check_run(world, home, one)
    shape["check_suite"] = checks.suite(world, home, one.suite)
    emit(world, home, actor, "check_run", {"action": action, "check_run": shape})


def status(world: World, home: Repository, actor: Actor, one: Status) -> None:
    heads = [(name.removeprefix("refs/heads/"), sha) for name, (_, sha) in home.git.refs("refs/heads/").items()]
    at = repositories.url(world, home)
    payload = {
        "id": one.id,
        "sha": one.sha,
        "name": home.full_name,
        "avatar_url": f"{world.host}/avatars/u/{one.creator.id}",
        "target_url": one.target_url,
        "context": one.context,
        "description": one.description,
        "state": one.state,
        "commit": code.commit(world, home, one.sha),
        "branches": [
            {"name": name, "commit": {"sha": sha, "url": f"{at}/commits/{sha}"}, "protected": name in home.protections}
            for name, sha in heads
            if sha == one.sha
        ][:10],
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
    }
    emit(world, home, actor, "status", payload)


def push(world: World, home: Repository, actor: Actor, ref: str, old: str, new: str) -> None:
    git, pusher = home.git, actor.account or home.owner
    mains = [old] if old != NOTHING else [sha for name, (_, sha) in git.refs("refs/heads/").items() if name != ref]
    fresh = git.commits(new, *mains)[::-1] if new != NOTHING else []
    commits = [_pushed(world, home, sha) for sha in fresh[-PUSH_COMMITS:]]
    page = repositories.html(world, home)
    shape = repositories.repository(world, home)
    shape |= {"created_at": int(home.created_at.timestamp()), "pushed_at": int(home.pushed_at.timestamp())}
    shape |= {"stargazers": 0, "master_branch": home.default_branch}
    payload = {
        "ref": ref,
        "before": old,
        "after": new,
        "repository": shape,
        "pusher": {"name": pusher.login, "email": pusher.email},
        "created": old == NOTHING,
        "deleted": new == NOTHING,
        "forced": NOTHING not in (old, new) and not git.contains(new, old),
        "base_ref": None,
        "compare": f"{page}/compare/{old[:12]}...{new[:12]}",
        "commits": commits,
        "head_commit": _pushed(world, home, new) if new != NOTHING else None,
    }
    emit(world, home, actor, "push", payload)


def _pushed(world: World, home: Repository, sha: str) -> dict[str, Any]:
    one = code.parse(home.git, sha)
    found = diffs.files(home.git, one.parents[0] if one.parents else diffs.EMPTY_TREE, sha)
    kinds = {"added": {"added", "copied"}, "removed": {"removed"}, "modified": {"modified", "changed", "renamed"}}
    return {
        "id": sha,
        "tree_id": one.tree,
        "distinct": True,
        "message": one.message,
        "timestamp": one.committer["date"],
        "url": f"{repositories.html(world, home)}/commit/{sha}",
        "author": _signed(world, one.author),
        "committer": _signed(world, one.committer),
        **{name: [each.path for each in found if each.status in wanted] for name, wanted in kinds.items()},
    }


def _signed(world: World, person: dict[str, Any]) -> dict[str, Any]:
    account = world.by_email(person["email"])
    told = {"name": person["name"], "email": person["email"]}
    return {**told, "username": account.login} if account else told
