"""Webhooks: configured, sent, signed, in the shape that GitHub publishes."""

import hashlib
import hmac
import json
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import jsonschema
import pytest
import requests
from github import GithubException
from github.Repository import Repository

from tests.github.conftest import APP, open_pull, refused
from tests.support.github import StandIn
from tests.support.github.description import described
from tests.support.github.receiver import Receiver

SECRET = "stand-in secret é"
EVENTS = [
    "check_run", "issue_comment", "issues", "pull_request", "pull_request_review", "pull_request_review_comment", "push", "status",
]  # fmt: skip


#: what GitHub sends by now and the schemas, of 2024, do not have yet
NEWER = "Additional properties are not allowed ('verified_at' was unexpected)"


@cache
def schemas() -> dict[str, Any]:
    return described("webhooks.json")["definitions"]


def mistakes(event: str, payload: dict[str, Any]) -> list[str]:
    """Return where a payload differs from GitHub's published schema of its event."""
    name = f"{event}${payload.get('action', 'event')}"
    validator = jsonschema.Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": schemas()})
    found = [one for one in validator.iter_errors(payload) if one.message != NEWER]
    return [f"{event} {one.json_path}: {one.message[:200]}" for one in found]


def hook(home: Repository, url: str, **more: Any) -> Any:
    config = {"url": url, "content_type": "json", "secret": SECRET, **more.pop("config", {})}
    return home.create_hook(
        "web", {name: value for name, value in config.items() if value}, more.pop("events", EVENTS), **more
    )


def events(told: Receiver) -> list[str]:
    found = []
    for letter in told.letters:
        action = json.loads(letter.body).get("action")
        found.append(letter.headers["x-github-event"] + (f".{action}" if action else ""))
    return found


def live_through_everything(github: StandIn, ann: Repository, bob: Repository) -> None:
    """Let each kind of event happen at least once."""
    issue = bob.create_issue("x", "y", labels=["bug"], assignee="ann")
    issue.edit(title="z")
    issue.remove_from_labels("bug")
    issue.remove_from_assignees("ann")
    comment = issue.create_comment("first")
    comment.edit("second")
    comment.delete()
    issue.edit(state="closed")
    issue.edit(state="open")
    github.commit(APP, {"CODEOWNERS": "*.txt @ann\n"}, "Own")
    pull = open_pull(github, bob, draft=True)
    pull.mark_ready_for_review()
    pull.edit(body="new")
    pull.add_to_labels("bug")
    pull.delete_review_request(reviewers=["ann"])
    github.commit(APP, {"feature.txt": "newer\n", "a/b": "c"}, "more", branch="feature", login="bob")
    theirs = ann.get_pull(pull.number)
    said = theirs.create_review_comment("why", ann.get_commit(theirs.head.sha), "feature.txt", line=1)
    said.edit("how")
    bob.get_pull(pull.number).create_review_comment_reply(said.id, "so")
    said.delete()
    theirs.create_review(body="no", event="REQUEST_CHANGES").dismiss("well")
    ann.get_commit(theirs.head.sha).create_status("success", context="x")
    gate = github.ci(APP).get_repo(APP)
    gate.create_check_run("build", theirs.head.sha).edit(conclusion="failure", output={"title": "t", "summary": "s"})
    theirs.create_issue_comment("on the pull request")
    theirs.merge()
    bob.get_git_ref("heads/feature").delete()


def test_every_event_is_sent_in_githubs_shape(github: StandIn, ann: Repository, bob: Repository, listener: Receiver):
    hook(ann, listener.url)
    live_through_everything(github, ann, bob)
    github.settle()
    told = events(listener)
    assert set(told) - {"ping"} >= {
        "issues.opened", "issues.edited", "issues.labeled", "issues.unlabeled", "issues.assigned", "issues.unassigned",
        "issues.closed", "issues.reopened", "issue_comment.created", "issue_comment.edited", "issue_comment.deleted",
        "pull_request.opened", "pull_request.ready_for_review", "pull_request.review_requested", "pull_request.edited",
        "pull_request.labeled", "pull_request.review_request_removed", "pull_request.synchronize", "pull_request.closed",
        "pull_request_review_comment.created", "pull_request_review_comment.edited", "pull_request_review_comment.deleted",
        "pull_request_review.submitted", "pull_request_review.dismissed", "status", "check_run.created",
        "check_run.completed", "push",
    }  # fmt: skip
    found = [
        line for one in listener.letters[1:] for line in mistakes(one.headers["x-github-event"], json.loads(one.body))
    ]
    assert sorted(set(found)) == []


def test_a_planted_mistake_is_found(github: StandIn, ann: Repository, bob: Repository, listener: Receiver):
    hook(ann, listener.url)
    bob.create_issue("x")
    github.settle()
    payload = json.loads(listener.letters[-1].body)
    del payload["issue"]["user"]["login"]
    assert mistakes("issues", payload)


def test_letters_carry_githubs_headers_and_a_signature(
    github: StandIn, ann: Repository, bob: Repository, listener: Receiver
):
    made = hook(ann, listener.url)
    bob.create_issue("Grüße \U0001f600", "b")
    github.settle()
    ping, letter = listener.letters
    assert (ping.headers["x-github-event"], json.loads(ping.body)["hook_id"]) == ("ping", made.id)
    assert (letter.headers["x-github-event"], letter.headers["content-type"]) == ("issues", "application/json")
    assert letter.headers["x-github-hook-id"] == str(made.id)
    assert len(letter.headers["x-github-delivery"]) == 36
    told = hmac.new(SECRET.encode(), letter.body, hashlib.sha256).hexdigest()
    assert letter.headers["x-hub-signature-256"] == f"sha256={told}"
    wrong = hmac.new(b"other", letter.body, hashlib.sha256).hexdigest()
    assert letter.headers["x-hub-signature-256"] != f"sha256={wrong}"
    payload = json.loads(letter.body)
    assert (payload["action"], payload["issue"]["title"], payload["sender"]["login"]) == (
        "opened",
        "Grüße \U0001f600",
        "bob",
    )
    assert (payload["repository"]["full_name"], payload["organization"]["login"]) == (APP, "acme")


def test_form_and_unsigned_letters(github: StandIn, ann: Repository, listener: Receiver):
    hook(ann, listener.url, config={"secret": None, "content_type": "form"}, events=["issues"])
    ann.create_issue("x")
    github.settle()
    letter = listener.letters[-1]
    assert "x-hub-signature-256" not in letter.headers
    assert json.loads(parse_qs(letter.body.decode())["payload"][0])["issue"]["title"] == "x"


def test_only_what_was_asked_for_is_sent(github: StandIn, ann: Repository, listener: Receiver):
    made = hook(ann, listener.url, events=["issues"])
    issue = ann.create_issue("x")
    issue.create_comment("y")
    made.edit("web", {"url": listener.url, "content_type": "json"}, active=False)
    issue.edit(state="closed")
    made.edit("web", {"url": listener.url, "content_type": "json"}, active=True, events=["*"])
    issue.create_comment("z")
    github.settle()
    assert events(listener) == ["ping", "issues.opened", "issue_comment.created"]


def test_hooks_are_listed_found_deleted_and_guarded(
    github: StandIn, ann: Repository, bob: Repository, listener: Receiver
):
    made = hook(ann, listener.url, events=["push"])
    assert [(one.id, one.config["url"], one.events) for one in ann.get_hooks()] == [(made.id, listener.url, ["push"])]
    assert ann.get_hook(made.id).config["secret"] == "********"
    for act in (lambda: list(bob.get_hooks()), lambda: hook(bob, listener.url)):
        with pytest.raises(GithubException) as error:
            act()
        assert refused(error)[0] == 403
    for url in (listener.url, "ftp://example.invalid"):
        with pytest.raises(GithubException) as error:
            hook(ann, url, events=["push"])
        assert refused(error)[0] == 422
    made.ping()
    made.delete()
    github.commit(APP, {"x": "y"}, "x")
    github.settle()
    assert events(listener) == ["ping", "ping"]


def test_deliveries_are_kept_and_repeated(
    github: StandIn, ann: Repository, listener: Receiver, raw: Callable[..., requests.Response]
):
    made = hook(ann, listener.url, events=["issues"])
    listener.status = 500
    ann.create_issue("x")
    github.settle()
    failed = ann.get_hook_deliveries(made.id)[0]
    assert (failed.event, failed.action, failed.status_code, failed.redelivery) == ("issues", "opened", 500, False)
    assert ann.get_hook_delivery(made.id, failed.id).request.payload["issue"]["title"] == "x"
    listener.status = 202
    path = f"/repos/{APP}/hooks/{made.id}/deliveries/{failed.id}/attempts"
    assert raw("POST", path, github.token("ann")).status_code == 202
    github.settle()
    first, again = listener.letters[-2:]
    assert (first.headers["x-github-delivery"], first.body) == (again.headers["x-github-delivery"], again.body)
    assert [(one.redelivery, one.status_code) for one in ann.get_hook_deliveries(made.id)][:2] == [
        (True, 202),
        (False, 500),
    ]


def test_letters_can_be_lost_and_turned_around(github: StandIn, ann: Repository, listener: Receiver):
    hook(ann, listener.url, events=["issues"])
    github.settle()
    github.webhooks.to_lose = 1
    ann.create_issue("lost")
    github.webhooks.held = True
    for title in ("one", "two"):
        ann.create_issue(title)
    github.webhooks.release(reverse=True)
    github.settle()
    assert [json.loads(one.body)["issue"]["title"] for one in listener.letters[1:]] == ["two", "one"]
    lost = next(one for one in github.webhooks.deliveries if one.lost)
    github.webhooks.repeat(lost)
    github.settle()
    assert json.loads(listener.letters[-1].body)["issue"]["title"] == "lost"


def test_nobody_listening_harms_nothing(github: StandIn, ann: Repository, unused_address: str):
    hook(ann, unused_address)
    ann.create_issue("x")
    github.settle()
    assert {one.status for one in github.webhooks.deliveries} == {None}


@pytest.fixture
def unused_address() -> str:
    return "http://127.0.0.1:9/hook"


def test_app_has_a_hook_of_its_own(github: StandIn, ann: Repository, listener: Receiver):
    app = github.app("factory", {"issues": "read"}, ["issues"], webhook=(listener.url, SECRET))
    installation = github.install(app, APP)
    ann.create_issue("x")
    github.settle()
    payload = json.loads(listener.letters[0].body)
    assert payload["installation"]["id"] == installation.id
    assert mistakes("issues", payload) == []
    assert listener.letters[0].headers["x-github-hook-installation-target-type"] == "integration"


def test_push_tells_of_its_commits(github: StandIn, ann: Repository, listener: Receiver):
    hook(ann, listener.url, events=["push"])
    before = ann.get_branch("main").commit.sha
    after = github.commit(APP, {"new": "x", "README.md": "y", "docs/guide.md": None}, "Words", login="bob")
    github.settle()
    payload = json.loads(listener.letters[-1].body)
    assert (payload["ref"], payload["before"], payload["after"], payload["forced"]) == (
        "refs/heads/main",
        before,
        after,
        False,
    )
    told = payload["head_commit"]
    assert (told["added"], told["removed"], told["modified"]) == (["new"], ["docs/guide.md"], ["README.md"])
    assert (told["author"]["username"], payload["pusher"]["name"]) == ("bob", "bob")
