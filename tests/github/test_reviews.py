"""Reviews and what is said about lines."""

import pytest
from github import GithubException, UnknownObjectException
from github.Repository import Repository

from tests.github.conftest import APP, open_pull, refused
from tests.support.github import StandIn

GUIDE = {"docs/guide.md": "one\n2\nthree\n"}


def test_reviews_approve_request_changes_and_comment(github: StandIn, ann: Repository, bob: Repository):
    pull = ann.get_pull(open_pull(github, bob).number)
    for event, state in (("APPROVE", "APPROVED"), ("REQUEST_CHANGES", "CHANGES_REQUESTED"), ("COMMENT", "COMMENTED")):
        made = pull.create_review(body="words", event=event)
        assert (made.state, made.user.login, made.commit_id, made.body) == (state, "ann", pull.head.sha, "words")
        assert pull.get_review(made.id).state == state
    assert [one.state for one in pull.get_reviews()] == ["APPROVED", "CHANGES_REQUESTED", "COMMENTED"]


@pytest.mark.parametrize(
    ("event", "words"), [("APPROVE", "approve your own"), ("REQUEST_CHANGES", "request changes on your own")]
)
def test_nobody_reviews_themselves(github: StandIn, bob: Repository, event: str, words: str):
    pull = open_pull(github, bob)
    with pytest.raises(GithubException) as error:
        pull.create_review(body="good", event=event)
    assert refused(error)[0] == 422
    assert words in refused(error)[1]
    assert pull.create_review(body="a note", event="COMMENT").state == "COMMENTED"


def test_review_without_words_is_refused(github: StandIn, ann: Repository, bob: Repository):
    pull = ann.get_pull(open_pull(github, bob).number)
    for event in ("REQUEST_CHANGES", "COMMENT"):
        with pytest.raises(GithubException) as error:
            pull.create_review(event=event)
        assert refused(error)[0] == 422


def test_review_is_dismissed_by_who_may_write(github: StandIn, ann: Repository, bob: Repository, eve: Repository):
    pull = ann.get_pull(open_pull(github, bob).number)
    made = pull.create_review(body="no", event="REQUEST_CHANGES")
    with pytest.raises(GithubException) as error:
        eve.get_pull(pull.number).get_review(made.id).dismiss("please")
    assert refused(error)[0] == 403
    made.dismiss("it passes now")
    assert pull.get_review(made.id).state == "DISMISSED"
    with pytest.raises(GithubException) as error:
        made.dismiss("again")
    assert refused(error)[0] == 422


def test_pending_review_is_seen_by_its_author_and_submitted_or_deleted(
    github: StandIn, ann: Repository, bob: Repository, raw
):
    pull = ann.get_pull(open_pull(github, bob).number)
    pending = pull.create_review(body="later")
    assert [one.state for one in pull.get_reviews()] == ["PENDING"]
    assert list(bob.get_pull(pull.number).get_reviews()) == []
    with pytest.raises(GithubException) as error:
        pull.create_review(body="second")
    assert refused(error)[0] == 422
    path = f"/repos/{APP}/pulls/{pull.number}/reviews/{pending.id}"
    assert raw("POST", f"{path}/events", github.token("ann"), json={"event": "APPROVE"}).json()["state"] == "APPROVED"
    assert raw("PUT", path, github.token("ann"), json={"body": "now"}).json()["body"] == "now"
    assert raw("PUT", path, github.token("bob"), json={"body": "bob's"}).status_code == 403
    pull.create_review(body="gone").delete()
    assert [one.state for one in pull.get_reviews()] == ["APPROVED"]


def test_asked_reviewer_is_asked_no_more_after_reviewing(github: StandIn, ann: Repository, bob: Repository):
    pull = open_pull(github, bob)
    pull.create_review_request(reviewers=["ann"])
    ann.get_pull(pull.number).create_review(event="APPROVE")
    assert bob.get_pull(pull.number).requested_reviewers == []


def test_comment_on_a_line_of_the_diff(github: StandIn, ann: Repository, bob: Repository):
    pull = ann.get_pull(open_pull(github, bob, files=GUIDE).number)
    commit = ann.get_commit(pull.head.sha)
    made = pull.create_review_comment("why 2?", commit, "docs/guide.md", line=2, side="RIGHT")
    assert (made.path, made.line, made.position, made.side) == ("docs/guide.md", 2, 3, "RIGHT")
    assert made.diff_hunk == "@@ -1,3 +1,3 @@\n one\n-two\n+2"
    answer = bob.get_pull(pull.number).create_review_comment_reply(made.id, "because")
    assert (answer.in_reply_to_id, answer.body) == (made.id, "because")
    assert [one.body for one in pull.get_review_comments()] == ["why 2?", "because"]
    assert [one.body for one in ann.get_pulls_review_comments()] == ["why 2?", "because"]
    made.edit("why?")
    assert ann.get_pull(pull.number).get_review_comment(made.id).body == "why?"
    made.delete()
    assert [one.body for one in pull.get_review_comments()] == ["because"]
    assert [one.state for one in pull.get_reviews()] == ["COMMENTED", "COMMENTED"]


@pytest.mark.parametrize(
    ("path", "line", "side"), [("docs/guide.md", 9, "RIGHT"), ("README.md", 1, "RIGHT"), ("no", 1, "RIGHT")]
)
def test_comment_outside_of_the_diff_is_refused(
    github: StandIn, ann: Repository, bob: Repository, path: str, line: int, side: str
):
    pull = ann.get_pull(open_pull(github, bob, files=GUIDE).number)
    with pytest.raises(GithubException) as error:
        pull.create_review_comment("x", ann.get_commit(pull.head.sha), path, line=line, side=side)
    assert refused(error)[0] == 422
    with pytest.raises(GithubException) as error:
        pull.create_review(body="x", event="COMMENT", comments=[{"path": path, "body": "x", "line": line}])
    assert refused(error)[0] == 422
    assert list(pull.get_reviews()) == []


def test_review_brings_its_comments(github: StandIn, ann: Repository, bob: Repository):
    pull = ann.get_pull(open_pull(github, bob, files=GUIDE).number)
    comments = [
        {"path": "docs/guide.md", "body": "old", "line": 2, "side": "LEFT"},
        {"path": "docs/guide.md", "body": "new", "position": 3},
    ]
    made = pull.create_review(body="two things", event="COMMENT", comments=comments)
    assert [(one.body, one.side, one.pull_request_review_id) for one in pull.get_review_comments()] == [
        ("old", "LEFT", made.id), ("new", "RIGHT", made.id),
    ]  # fmt: skip


def test_words_of_others_are_left_alone(github: StandIn, ann: Repository, bob: Repository, eve: Repository):
    pull = ann.get_pull(open_pull(github, bob, files=GUIDE).number)
    made = pull.create_review_comment("x", ann.get_commit(pull.head.sha), "docs/guide.md", line=2)
    theirs = eve.get_pull(pull.number).get_review_comment(made.id)
    for act in (lambda: theirs.edit("y"), theirs.delete):
        with pytest.raises(GithubException) as error:
            act()
        assert refused(error)[0] == 403
    with pytest.raises(UnknownObjectException):
        pull.get_review(999999)
