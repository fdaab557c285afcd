"""When a ref moves: protection before, and what follows for pull requests after."""

from tests.support.github import events
from tests.support.github.access import LEVELS, Actor
from tests.support.github.answers import Refused, unprocessable
from tests.support.github.bare import NOTHING
from tests.support.github.diffs import files
from tests.support.github.merging import refusal
from tests.support.github.state import Issue, Repository
from tests.support.github.world import World

WORKFLOWS = ".github/workflows/"


def move(world: World, home: Repository, actor: Actor, ref: str, new: str) -> None:
    """Move a ref for an actor, as the API does it.

    Raises: Refused with 422 or 409 where the branch is protected, 403 where the token may not change workflows.
    """
    old = home.git.ref(ref) or NOTHING
    if why := refusal(home, ref, actor, old, new):
        raise Refused(409 if new != NOTHING else 422, f"Repository rule violations found: {why}")
    if new != NOTHING:
        refuse_workflows(home, actor, old, new)
    home.git.move(ref, new)
    moved(world, home, actor, ref, old, new)


def may_change_workflows(home: Repository, actor: Actor) -> bool:
    grants = actor.token.grants if actor.token else {}
    if grants is None:
        return True
    return LEVELS.index((grants or {}).get(home.id, {}).get("workflows", "none")) >= LEVELS.index("write")


def refuse_workflows(home: Repository, actor: Actor, old: str, new: str) -> None:
    if may_change_workflows(home, actor):
        return
    known = [old] if old != NOTHING else [sha for _, (_, sha) in home.git.refs("refs/heads/").items()]
    for sha in home.git.commits(new, *known):
        parents = home.git.run("rev-parse", f"{sha}^@").split()
        base = parents[0] if parents else "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
        if any(one.path.startswith(WORKFLOWS) for one in files(home.git, base, sha)):
            raise Refused(
                403, f"Resource not accessible by {actor.kind}", X_Accepted_GitHub_Permissions="workflows=write"
            )


def moved(world: World, home: Repository, actor: Actor, ref: str, old: str, new: str) -> None:
    """Follow a ref that did move: tell hooks, bring pull requests up to date."""
    if old == new:
        return
    home.pushed_at = world.now()
    events.push(world, home, actor, ref, old, new)
    branch = ref.removeprefix("refs/heads/")
    if not ref.startswith("refs/heads/"):
        return
    for repository in world.repositories.values():
        for issue in repository.pulls():
            if issue.state == "open" and issue.pull:
                if issue.pull.head_repository is home and issue.pull.head_ref == branch:
                    _head_moved(world, repository, actor, issue, new)
                if repository is home and issue.pull.base_ref == branch:
                    _base_moved(world, repository, actor, issue, new)


def _head_moved(world: World, home: Repository, actor: Actor, issue: Issue, new: str) -> None:
    assert issue.pull
    if new == NOTHING:
        close(world, home, actor, issue)
        return
    before, issue.pull.head_sha = issue.pull.head_sha, new
    show_head(home, issue)
    world.touch(home, issue)
    if (home.protections.get(issue.pull.base_ref, {}).get("required_pull_request_reviews") or {}).get(
        "dismiss_stale_reviews"
    ):
        for review in issue.pull.reviews:
            review.state = "DISMISSED" if review.state == "APPROVED" else review.state
    events.pull(world, home, actor, issue, "synchronize", before=before, after=new)


def _base_moved(world: World, home: Repository, actor: Actor, issue: Issue, new: str) -> None:
    assert issue.pull
    if new == NOTHING:
        close(world, home, actor, issue)
    elif home.git.contains(new, issue.pull.head_sha):
        record_merge(world, home, actor, issue, issue.pull.head_sha)
    else:
        issue.pull.base_sha = new


def show_head(home: Repository, issue: Issue) -> None:
    """Keep refs/pull/N/head, with objects of a fork too."""
    assert issue.pull
    theirs = issue.pull.head_repository
    if theirs is not home:
        home.git.run("fetch", "--quiet", "--no-tags", str(theirs.git.folder), issue.pull.head_sha)
    home.git.move(f"refs/pull/{issue.number}/head", issue.pull.head_sha)


def close(world: World, home: Repository, actor: Actor, issue: Issue, reason: str | None = None) -> None:
    issue.state, issue.closed_at, issue.closed_by = "closed", world.now(), actor.account
    issue.state_reason = None if issue.pull else reason or "completed"
    world.touch(home, issue)
    events.issue(world, home, actor, issue, "closed")


def reopen(world: World, home: Repository, actor: Actor, issue: Issue) -> None:
    """Raises: Refused with 422 when its branch is gone or it was merged."""
    if issue.pull:
        tip = issue.pull.head_repository.git.branch(issue.pull.head_ref)
        if issue.pull.merged_at or not tip:
            raise unprocessable("state cannot be changed. The pull request cannot be reopened.")
        issue.pull.head_sha = tip
        show_head(home, issue)
    issue.state, issue.closed_at, issue.closed_by = "open", None, None
    issue.state_reason = None if issue.pull else "reopened"
    world.touch(home, issue)
    events.issue(world, home, actor, issue, "reopened")


def record_merge(world: World, home: Repository, actor: Actor, issue: Issue, sha: str) -> None:
    assert issue.pull
    now = world.now()
    issue.pull.merged_at, issue.pull.merged_by, issue.pull.merge_sha = now, actor.account, sha
    close(world, home, actor, issue)
