"""Merging a pull request, and bringing one up to date."""

from typing import Any

from tests.support.github import events, moves
from tests.support.github.access import require
from tests.support.github.answers import Answer, Refused, nothing
from tests.support.github.merging import bypasses, unmet
from tests.support.github.routes.pulls import ask_owners
from tests.support.github.routing import Call, route
from tests.support.github.shapes import code
from tests.support.github.shapes.pulls import pull_commits
from tests.support.github.state import Issue

P = "/repos/{owner}/{repo}/pulls/{pull_number}"
ALLOWED = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
WORDS = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}


@route("GET", P + "/merge", "contents:read")
def is_merged(call: Call) -> Answer:
    assert call.issue.pull
    if not call.issue.pull.merged_at:
        raise Refused(404, "Not Found")
    return nothing()


@route("PUT", P + "/merge", "contents:write")
def merge(call: Call) -> Any:
    one, home, body = call.issue, call.repository, call.body or {}
    assert one.pull
    method = body.get("merge_method", "merge")
    _refuse(call, one, method, body.get("sha"))
    tree = home.git.merged_tree(one.pull.base_sha, one.pull.head_sha)
    if not tree:
        raise Refused(405, "Pull Request is not mergeable")
    base_ref, old = f"refs/heads/{one.pull.base_ref}", one.pull.base_sha
    sha = _commit(call, one, tree, method)
    home.git.move(base_ref, sha, old)
    moves.record_merge(call.world, home, call.actor, one, sha)
    moves.moved(call.world, home, call.actor, base_ref, old, sha)
    theirs = one.pull.head_repository
    if home.settings["delete_branch_on_merge"] and theirs is home:
        moves.move(call.world, home, call.actor, f"refs/heads/{one.pull.head_ref}", "0" * 40)
    return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


def _refuse(call: Call, one: Issue, method: str, sha: str | None) -> None:
    """Raises: Refused with 405 or 409."""
    assert one.pull
    if one.state != "open":
        raise Refused(405, "Pull Request is not mergeable")
    if one.pull.draft:
        raise Refused(405, "Pull Request is still a draft")
    if sha and sha != one.pull.head_sha:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    if not call.repository.settings[ALLOWED[method]]:
        raise Refused(405, f"{WORDS[method]} are not allowed on this repository.")
    if method == "rebase":
        raise Refused(405, "This branch can't be rebased: the stand-in does not rebase.")
    missing = unmet(call.repository, one)
    if missing and not bypasses(call.repository, one.pull.base_ref, call.actor):
        raise Refused(405, " ".join(missing))


def _commit(call: Call, one: Issue, tree: str, method: str) -> str:
    assert one.pull
    home, body = call.repository, call.body or {}
    label = f"{one.pull.head_repository.owner.login}/{one.pull.head_ref}"
    usual = f"Merge pull request #{one.number} from {label}" if method == "merge" else f"{one.title} (#{one.number})"
    text = one.title if method == "merge" else _messages(call, one)
    message = f"{body.get('commit_title') or usual}\n\n{body.get('commit_message') or text}".rstrip() + "\n"
    parents = [one.pull.base_sha, *([one.pull.head_sha] if method == "merge" else [])]
    author = call.world.person(call.actor.account if method == "merge" else one.user)
    return home.git.write_commit(tree, parents, message, author, call.world.web_flow())


def _messages(call: Call, one: Issue) -> str:
    assert one.pull
    messages = [code.parse(call.repository.git, sha).message for sha in pull_commits(call.repository, one.pull)]
    return messages[0].partition("\n\n")[2] if len(messages) == 1 else "\n\n".join(f"* {text}" for text in messages)


@route("PUT", P + "/update-branch", "pull_requests:write", role="read")
def update_branch(call: Call) -> Answer:
    one, home = call.issue, call.repository
    assert one.pull
    theirs = one.pull.head_repository
    require(call.actor, theirs, "contents:write", role="write")
    wanted = (call.body or {}).get("expected_head_sha")
    if wanted and wanted != one.pull.head_sha:
        raise Refused(422, "expected_head_sha does not match the current head ref.")
    tree = home.git.merged_tree(one.pull.head_sha, one.pull.base_sha)
    if not tree:
        raise Refused(422, "merge conflict between base and head")
    if theirs is not home:
        raise Refused(422, "the stand-in updates no branch of a fork")
    message = f"Merge branch '{one.pull.base_ref}' into {one.pull.head_ref}\n"
    parents = [one.pull.head_sha, one.pull.base_sha]
    author = call.world.person(call.actor.account)
    sha = home.git.write_commit(tree, parents, message, author, call.world.web_flow())
    moves.move(call.world, home, call.actor, f"refs/heads/{one.pull.head_ref}", sha)
    return Answer(
        202,
        {"message": "Updating pull request branch.", "url": f"{call.world.host}/{home.full_name}/pull/{one.number}"},
    )


@route("POST", "/graphql", resource="graphql", described=False)
def graphql(call: Call) -> Any:
    """The two things REST cannot do; everything else is refused by name."""
    query, given = call.body["query"], (call.body.get("variables") or {}).get("input", {})
    for name, draft in (("convertPullRequestToDraft", True), ("markPullRequestReadyForReview", False)):
        if name in query:
            return _draft(call, name, str(given.get("pullRequestId")), draft)
    raise Refused(501, "the stand-in knows no other GraphQL than the two mutations of drafts")


def _draft(call: Call, name: str, node_id: str, draft: bool) -> Any:
    for home in call.world.visible(call.actor):
        for one in home.pulls():
            if one.pull and node_id == f"PR_{one.pull.id:08d}":
                call.values |= {"owner": home.owner.login, "repo": home.name, "pull_number": one.number}
                require(
                    call.actor,
                    home,
                    "pull_requests:write",
                    role="write" if one.user is not call.actor.account else "read",
                )
                if one.pull.draft != draft:
                    _turn(call, one, draft)
                shape = {"isDraft": draft, "number": one.number, "id": node_id}
                return {"data": {name: {"clientMutationId": None, "pullRequest": shape}}}
    return {
        "data": {name: None},
        "errors": [{"type": "NOT_FOUND", "message": f"Could not resolve to a node with the global id of '{node_id}'."}],
    }


def _turn(call: Call, one: Issue, draft: bool) -> None:
    assert one.pull
    one.pull.draft = draft
    call.world.touch(call.repository, one)
    action = "converted_to_draft" if draft else "ready_for_review"
    events.pull(call.world, call.repository, call.actor, one, action)
    if not draft:
        ask_owners(call, one)
