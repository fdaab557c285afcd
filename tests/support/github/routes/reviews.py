"""Reviews: approving, requesting changes, commenting, dismissing."""

from typing import Any

from tests.support.github import events
from tests.support.github.access import require
from tests.support.github.answers import Answer, Page, Refused, missing, unprocessable
from tests.support.github.routes.issues import refuse_text
from tests.support.github.routes.remarks import new_comment
from tests.support.github.routing import Call, route
from tests.support.github.shapes import pulls
from tests.support.github.state import Issue, Review

V = "/repos/{owner}/{repo}/pulls/{pull_number}/reviews"
STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def _shape(call: Call, one: Review) -> dict[str, Any]:
    return pulls.review(call.world, call.repository, call.issue.number, one)


def _review(call: Call) -> Review:
    assert call.issue.pull
    for one in call.issue.pull.reviews:
        if one.id == call.values["review_id"] and _visible(call, one):
            return one
    raise missing()


def _visible(call: Call, one: Review) -> bool:
    return one.state != "PENDING" or one.user is call.actor.account


@route("GET", V, "pull_requests:read")
def list_reviews(call: Call) -> Page:
    assert call.issue.pull
    return Page([one for one in call.issue.pull.reviews if _visible(call, one)], lambda one: _shape(call, one))


@route("GET", V + "/{review_id}", "pull_requests:read")
def get_review(call: Call) -> Any:
    return _shape(call, _review(call))


@route("POST", V, "pull_requests:write", role="read")
def create_review(call: Call) -> Any:
    issue, body = call.issue, call.body or {}
    assert issue.pull
    assert call.actor.account
    event, text = body.get("event"), body.get("body") or ""
    refuse_text("PullRequestReview", None, text)
    if event:
        _refuse(call, issue, event, text, has_comments=bool(body.get("comments")))
    commit = body.get("commit_id") or issue.pull.head_sha
    if not call.repository.git.has(commit, "commit"):
        raise Refused(422, "Unprocessable Entity", ["commitOID is not part of the pull request"])
    if any(one.state == "PENDING" and one.user is call.actor.account for one in issue.pull.reviews):
        raise Refused(422, "Unprocessable Entity", ["User can only have one pending review per pull request"])
    one = Review(call.world.id(), call.actor.account, "PENDING", text, commit, None)
    said = [new_comment(call, one, told) for told in body.get("comments") or []]
    issue.pull.reviews.append(one)
    issue.pull.comments.extend(said)
    if event:
        _submit(call, issue, one, event)
        for comment in said:
            events.review_comment(call.world, call.repository, call.actor, issue, comment, "created")
    return _shape(call, one)


def _refuse(call: Call, issue: Issue, event: str, text: str, *, has_comments: bool) -> None:
    """Raises: Refused with 422."""
    words = {
        "APPROVE": "Can not approve your own pull request",
        "REQUEST_CHANGES": "Can not request changes on your own pull request",
    }
    if issue.user is call.actor.account and event in words:
        raise Refused(422, "Unprocessable Entity", [words[event]])
    if not text.strip() and (event == "REQUEST_CHANGES" or (event == "COMMENT" and not has_comments)):
        raise Refused(422, "Unprocessable Entity", ["Body can't be blank"])


def _submit(call: Call, issue: Issue, one: Review, event: str) -> None:
    assert issue.pull
    one.state, one.submitted_at = STATES[event], call.now
    if event != "COMMENT" and one.user in issue.pull.reviewers:
        issue.pull.reviewers.remove(one.user)
    call.world.touch(call.repository, issue)
    events.review(call.world, call.repository, call.actor, issue, one, "submitted")


@route("PUT", V + "/{review_id}", "pull_requests:write", role="read")
def edit_review(call: Call) -> Any:
    one = _own(call)
    refuse_text("PullRequestReview", None, call.body["body"])
    one.body = call.body["body"]
    return _shape(call, one)


def _own(call: Call) -> Review:
    one = _review(call)
    if one.user is not call.actor.account:
        raise Refused(403, "Must be the author of the review.")
    return one


@route("DELETE", V + "/{review_id}", "pull_requests:write", role="read")
def delete_review(call: Call) -> Any:
    one = _own(call)
    assert call.issue.pull
    if one.state != "PENDING":
        raise unprocessable("Can not delete a non-pending pull request review")
    call.issue.pull.reviews.remove(one)
    return _shape(call, one)


@route("POST", V + "/{review_id}/events", "pull_requests:write", role="read")
def submit_review(call: Call) -> Any:
    one, issue = _own(call), call.issue
    text = call.body.get("body") or one.body
    if one.state != "PENDING":
        raise unprocessable("Can not submit a review that is not pending")
    assert issue.pull
    _refuse(call, issue, call.body["event"], text, has_comments=any(each.review is one for each in issue.pull.comments))
    one.body = text
    _submit(call, issue, one, call.body["event"])
    return _shape(call, one)


@route("PUT", V + "/{review_id}/dismissals", "pull_requests:write", role="write")
def dismiss_review(call: Call) -> Answer | Any:
    one = _review(call)
    require(call.actor, call.repository, "pull_requests:write", role="write")
    if not call.body["message"].strip():
        raise unprocessable("message can't be blank")
    if one.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise Refused(422, "Unprocessable Entity", ["Can not dismiss a commented pull request review"])
    one.state = "DISMISSED"
    call.world.touch(call.repository, call.issue)
    events.review(call.world, call.repository, call.actor, call.issue, one, "dismissed")
    return _shape(call, one)
