"""Review comments: said about a line of the diff."""

from typing import Any

from tests.support.github import events
from tests.support.github.access import has_role
from tests.support.github.answers import Answer, Page, Refused, created, invalid, missing, nothing
from tests.support.github.diffs import Place, place_of
from tests.support.github.routes.issues import refuse_comment
from tests.support.github.routing import Call, route
from tests.support.github.shapes import pulls
from tests.support.github.state import Issue, Review, ReviewComment, Values
from tests.support.github.world import instant

R = "/repos/{owner}/{repo}/pulls"


def _place(call: Call, told: Values) -> Place:
    """Raises: Refused with 422 for what is not in the diff."""
    assert call.issue.pull
    files = {one.path: one for one in pulls.pull_files(call.repository, call.issue.pull)}
    found = files.get(told["path"])
    if not found:
        raise Refused(
            422, "Validation Failed", [{"resource": "PullRequestReviewComment", "field": "path", "code": "invalid"}]
        )
    line, position = told.get("line"), told.get("position")
    if line is None and position is None and told.get("subject_type") == "file":
        return Place(0, None, None, "")
    side = told.get("side", "RIGHT")
    place = place_of(found.patch or "", line=line, side=side, position=position)
    if not place:
        raise invalid(
            "PullRequestReviewComment",
            "pull_request_review_thread.line",
            "custom",
            "pull_request_review_thread.line must be part of the diff",
        )
    return place


def new_comment(call: Call, review: Review, told: Values) -> ReviewComment:
    refuse_comment(told["body"])
    place, now = _place(call, told), call.now
    side = told.get("side") or ("LEFT" if place.right is None and place.left else "RIGHT")
    assert call.actor.account
    assert call.issue.pull
    head = call.issue.pull.head_sha
    return ReviewComment(
        id=call.world.id(),
        review=review,
        user=call.actor.account,
        body=told["body"],
        path=told["path"],
        commit_id=head,
        original_commit_id=told.get("commit_id") or head,
        line=place.left if side == "LEFT" else place.right,
        position=place.position or None,
        side=side,
        start_line=told.get("start_line"),
        diff_hunk=place.hunk,
        created_at=now,
        updated_at=now,
        subject_type="line" if place.position else "file",
    )


def _shape(call: Call, issue: Issue, one: ReviewComment) -> dict[str, Any]:
    return pulls.review_comment(call.world, call.repository, issue.number, one)


def _listed(call: Call, found: list[tuple[Issue, ReviewComment]]) -> Page:
    since = instant(call.query("since"))
    kept = [
        (issue, one)
        for issue, one in found
        if one.review.state != "PENDING" and (not since or one.updated_at.replace(microsecond=0) >= since)
    ]
    reverse = bool(call.query("sort")) and call.query("direction", "desc") == "desc"
    kept.sort(
        key=lambda pair: pair[1].updated_at if call.query("sort") == "updated" else pair[1].created_at, reverse=reverse
    )
    return Page(kept, lambda pair: _shape(call, *pair))


@route("GET", R + "/{pull_number}/comments", "pull_requests:read")
def list_comments(call: Call) -> Page:
    assert call.issue.pull
    return _listed(call, [(call.issue, one) for one in call.issue.pull.comments])


@route("GET", R + "/comments", "pull_requests:read")
def list_all_comments(call: Call) -> Page:
    return _listed(
        call, [(issue, one) for issue in call.repository.pulls() if issue.pull for one in issue.pull.comments]
    )


@route("POST", R + "/{pull_number}/comments", "pull_requests:write", role="read")
def create_comment(call: Call) -> Answer:
    issue, told = call.issue, call.body
    assert issue.pull
    assert call.actor.account
    if told.get("in_reply_to"):
        return _reply(call, issue, told["in_reply_to"], told["body"])
    if not call.repository.git.has(told["commit_id"], "commit") or not call.repository.git.contains(
        issue.pull.head_sha, told["commit_id"]
    ):
        raise invalid("PullRequestReviewComment", "commit_id", "custom", "commit_id is not part of the pull request")
    review = Review(call.world.id(), call.actor.account, "COMMENTED", "", told["commit_id"], call.now)
    one = new_comment(call, review, told)
    return _add(call, issue, one)


def _add(call: Call, issue: Issue, one: ReviewComment) -> Answer:
    assert issue.pull
    issue.pull.reviews.append(one.review)
    issue.pull.comments.append(one)
    call.world.touch(call.repository, issue)
    events.review(call.world, call.repository, call.actor, issue, one.review, "submitted")
    events.review_comment(call.world, call.repository, call.actor, issue, one, "created")
    return created(_shape(call, issue, one))


@route("POST", R + "/{pull_number}/comments/{comment_id}/replies", "pull_requests:write", role="read")
def reply(call: Call) -> Answer:
    return _reply(call, call.issue, call.values["comment_id"], call.body["body"])


def _reply(call: Call, issue: Issue, to: int, body: str) -> Answer:
    assert issue.pull
    assert call.actor.account
    above = next((one for one in issue.pull.comments if one.id == to), None)
    if not above:
        raise missing()
    told = {
        "path": above.path,
        "body": body,
        "line": above.line,
        "side": above.side,
        "subject_type": above.subject_type,
    }
    review = Review(call.world.id(), call.actor.account, "COMMENTED", "", issue.pull.head_sha, call.now)
    one = new_comment(call, review, told)
    one.in_reply_to = above.in_reply_to or above.id
    return _add(call, issue, one)


def _find(call: Call) -> tuple[Issue, ReviewComment]:
    for issue in call.repository.pulls():
        for one in issue.pull.comments if issue.pull else ():
            if one.id == call.values["comment_id"]:
                return issue, one
    raise missing()


def _own(call: Call) -> tuple[Issue, ReviewComment]:
    issue, one = _find(call)
    writes = not call.actor.acting_app and has_role(call.actor, call.repository, "write")
    if one.user is not call.actor.account and not writes:
        raise Refused(403, "Must have admin rights to Repository.")
    return issue, one


@route("GET", R + "/comments/{comment_id}", "pull_requests:read")
def get_comment(call: Call) -> Any:
    return _shape(call, *_find(call))


@route("PATCH", R + "/comments/{comment_id}", "pull_requests:write", role="read")
def edit_comment(call: Call) -> Any:
    issue, one = _own(call)
    refuse_comment(call.body["body"])
    before, one.body, one.updated_at = one.body, call.body["body"], call.now
    changes = {"body": {"from": before}}
    events.review_comment(call.world, call.repository, call.actor, issue, one, "edited", changes=changes)
    return _shape(call, issue, one)


@route("DELETE", R + "/comments/{comment_id}", "pull_requests:write", role="read")
def delete_comment(call: Call) -> Answer:
    issue, one = _own(call)
    assert issue.pull
    events.review_comment(call.world, call.repository, call.actor, issue, one, "deleted")
    issue.pull.comments.remove(one)
    return nothing()
