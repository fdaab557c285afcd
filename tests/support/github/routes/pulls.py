"""Pull requests: made, found, edited, reviewers asked."""

from typing import Any

from tests.support.github import diffs, events
from tests.support.github.access import require
from tests.support.github.answers import Answer, Page, created, invalid, unprocessable
from tests.support.github.codeowners import code_owners
from tests.support.github.moves import close, reopen, show_head
from tests.support.github.routes.issues import edit_words, refuse_text
from tests.support.github.routing import Call, route
from tests.support.github.shapes import code, pulls
from tests.support.github.shapes.people import user
from tests.support.github.state import Account, Issue, Pull, Repository

P = "/repos/{owner}/{repo}/pulls"
REVIEWERS = 15


def find_head(call: Call, text: str) -> tuple[Repository, str]:
    """Return the repository and branch that `branch` or `owner:branch` names.

    Raises: Refused with 422.
    """
    home = call.repository
    owner, colon, name = text.rpartition(":")
    if not colon or owner.lower() == home.owner.login.lower():
        return home, name
    for other in call.world.repositories.values():
        if other.owner.login.lower() == owner.lower() and other.parent is home:
            return other, name
    raise invalid("PullRequest", "head")


@route("GET", P, "pull_requests:read")
def list_pulls(call: Call) -> Page:
    state, head, base = call.query("state", "open"), call.query("head"), call.query("base")
    found = [one for one in call.repository.pulls() if state in (one.state, "all") and _at(one, head, base)]
    key = {"updated": "updated_at"}.get(call.query("sort"), "created_at")
    descending = call.query("direction", "desc" if call.query("sort", "created") == "created" else "asc") == "desc"
    found.sort(key=lambda one: (getattr(one, key), one.number), reverse=descending)
    return Page(found, lambda one: pulls.pull(call.world, call.repository, one))


def _at(one: Issue, head: str, base: str) -> bool:
    assert one.pull
    owner, colon, name = head.partition(":")
    label = (one.pull.head_repository.owner.login.lower(), one.pull.head_ref)
    return base in ("", one.pull.base_ref) and (not colon or label == (owner.lower(), name))


@route("POST", P, "pull_requests:write", role="read")
def create_pull(call: Call) -> Answer:
    home, body = call.repository, call.body
    refuse_text("PullRequest", body.get("title"), body.get("body"))
    theirs, name = find_head(call, body["head"])
    require(call.actor, theirs, "metadata:read" if call.actor.acting_app else "contents:read", role="write")
    tip, base = theirs.git.branch(name), home.git.branch(body["base"])
    if not tip:
        raise invalid("PullRequest", "head")
    if not base:
        raise invalid("PullRequest", "base")
    one = _new(call, Pull(call.world.id(), body["base"], base, theirs, name, tip, bool(body.get("draft"))))
    _refuse_pointless(call, one)
    show_head(home, one)
    home.issues[one.number] = one
    events.pull(call.world, home, call.actor, one, "opened")
    if not body.get("draft"):
        ask_owners(call, one)
    return created(pulls.full_pull(call.world, home, one))


def _new(call: Call, pull: Pull) -> Issue:
    now, body = call.now, call.body
    pull.maintainer_can_modify = bool(body.get("maintainer_can_modify")) and pull.head_repository is not call.repository
    title = body.get("title") or call.repository.issues[body["issue"]].title
    number, actor = call.world.next_number(call.repository), call.actor
    assert actor.account
    return Issue(call.world.id(), number, actor.account, actor.acting_app, title, body.get("body"), now, now, pull=pull)


def _refuse_pointless(call: Call, one: Issue) -> None:
    """Raises: Refused with 422 for a second one of the same branches, and for one without commits."""
    assert one.pull
    home, pull = call.repository, one.pull
    label = f"{pull.head_repository.owner.login}:{pull.head_ref}"
    same = (pull.head_repository, pull.head_ref, pull.base_ref)
    for other in home.pulls():
        if (
            other.state == "open"
            and other.pull
            and same == (other.pull.head_repository, other.pull.head_ref, other.pull.base_ref)
        ):
            raise invalid("PullRequest", None, "custom", f"A pull request already exists for {label}.")
    if pull.head_repository is not home:
        home.git.run("fetch", "--quiet", "--no-tags", str(pull.head_repository.git.folder), pull.head_sha)
    if not home.git.merge_base(pull.base_sha, pull.head_sha):
        text = f"The {pull.head_ref} branch has no history in common with {pull.base_ref}"
        raise invalid("PullRequest", None, "custom", text)
    if not home.git.commits(pull.head_sha, pull.base_sha):
        raise invalid("PullRequest", None, "custom", f"No commits between {pull.base_ref} and {pull.head_ref}")


def ask_owners(call: Call, one: Issue) -> None:
    ask(call, one, code_owners(call.world, call.repository, one))


def ask(call: Call, one: Issue, accounts: list[Account]) -> None:
    assert one.pull
    for account in [each for each in accounts if each not in one.pull.reviewers]:
        one.pull.reviewers.append(account)
        call.world.touch(call.repository, one)
        more = {"requested_reviewer": user(call.world, account)}
        events.pull(call.world, call.repository, call.actor, one, "review_requested", **more)


@route("GET", P + "/{pull_number}", "pull_requests:read")
def get_pull(call: Call) -> Any:
    one = call.issue
    assert one.pull
    if "diff" in call.request.headers.get("Accept", ""):
        git = call.repository.git
        return Answer(200, diffs.text(git, pulls.pull_base(call.repository, one.pull), one.pull.head_sha).encode())
    return pulls.full_pull(call.world, call.repository, one)


@route("PATCH", P + "/{pull_number}", "pull_requests:write", role="read")
def edit_pull(call: Call) -> Any:
    one, home, body = call.issue, call.repository, call.body
    assert one.pull
    refuse_text("PullRequest", body.get("title"), body.get("body"))
    if one.user is not call.actor.account:
        require(call.actor, home, "pull_requests:write", role="triage")
    edit_words(call, one)
    if body.get("base", one.pull.base_ref) != one.pull.base_ref:
        _retarget(call, one, body["base"])
    if body.get("state", one.state) != one.state:
        if body["state"] == "open":
            _refuse_pointless(call, one)
            reopen(call.world, home, call.actor, one)
        else:
            close(call.world, home, call.actor, one)
    return pulls.full_pull(call.world, home, one)


def _retarget(call: Call, one: Issue, base: str) -> None:
    assert one.pull
    sha = call.repository.git.branch(base)
    if not sha:
        raise invalid("PullRequest", "base")
    if one.state != "open":
        raise unprocessable("Cannot change the base branch of a closed pull request.")
    told = {"base": {"ref": {"from": one.pull.base_ref}, "sha": {"from": one.pull.base_sha}}}
    one.pull.base_ref, one.pull.base_sha = base, sha
    call.world.touch(call.repository, one)
    events.pull(call.world, call.repository, call.actor, one, "edited", changes=told)


@route("GET", P + "/{pull_number}/files", "pull_requests:read")
def list_files(call: Call) -> Page:
    one = call.issue
    assert one.pull
    found, head = pulls.pull_files(call.repository, one.pull), one.pull.head_sha
    return Page(found, lambda each: code.file(call.world, call.repository, head, each))


@route("GET", P + "/{pull_number}/commits", "pull_requests:read")
def list_commits(call: Call) -> Page:
    one = call.issue
    assert one.pull
    found = pulls.pull_commits(call.repository, one.pull)[:250]
    return Page(found, lambda sha: code.commit(call.world, call.repository, sha))


@route("GET", P + "/{pull_number}/requested_reviewers", "pull_requests:read")
def list_reviewers(call: Call) -> Any:
    assert call.issue.pull
    return {"users": [user(call.world, each) for each in call.issue.pull.reviewers], "teams": []}


@route("POST", P + "/{pull_number}/requested_reviewers", "pull_requests:write", role="write")
def ask_reviewers(call: Call) -> Answer:
    one, body = call.issue, call.body
    assert one.pull
    if body.get("team_reviewers"):
        raise unprocessable("Could not resolve to a node with the global id of a team: the stand-in has no teams.")
    logins = body.get("reviewers", [])
    if one.user.login.lower() in {login.lower() for login in logins}:
        raise unprocessable("Review cannot be requested from pull request author.")
    found = [call.world.accounts.get(login.lower()) for login in logins]
    if not all(each and call.repository.roles.get(each.login, "none") != "none" for each in found):
        raise unprocessable("Reviews may only be requested from collaborators. One or more of the users or teams you "
                            "specified is not a collaborator of the repository.")  # fmt: skip
    if len(one.pull.reviewers) + len(found) > REVIEWERS:
        raise unprocessable(f"A maximum of {REVIEWERS} reviewers can be requested.")
    ask(call, one, [each for each in found if each])
    return created(pulls.pull(call.world, call.repository, one))


@route("DELETE", P + "/{pull_number}/requested_reviewers", "pull_requests:write", role="write")
def drop_reviewers(call: Call) -> Any:
    one, gone = call.issue, {login.lower() for login in call.body["reviewers"]}
    assert one.pull
    for account in [each for each in one.pull.reviewers if each.login.lower() in gone]:
        one.pull.reviewers.remove(account)
        more = {"requested_reviewer": user(call.world, account)}
        events.pull(call.world, call.repository, call.actor, one, "review_request_removed", **more)
    return pulls.pull(call.world, call.repository, one)
