"""Who is let in, and how far."""

from collections.abc import Callable

import pytest
import requests
from github import Auth, BadCredentialsException, GithubException, UnknownObjectException

from tests.github.conftest import APP, refused
from tests.support.github import StandIn

Raw = Callable[..., requests.Response]


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "token ", "Bearer", "Basic !!", "Basic d3Jvbmc6d3Jvbmc=", "Digest x", "\x00"]
)
def test_wrong_token_is_refused(raw: Raw, header: str):
    answer = raw("GET", f"/repos/{APP}", headers={"Authorization": header.replace("\x00", "%00")})
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_wrong_token_is_refused_for_what_is_public_too(github: StandIn, raw: Raw):
    github.repository("acme/open", {"a": "b"}, private=False)
    assert raw("GET", "/repos/acme/open").status_code == 200
    assert raw("GET", "/repos/acme/open", "wrong").status_code == 401


def test_every_scheme_carries_the_token(github: StandIn, raw: Raw):
    token = github.token("eve")
    assert raw("GET", "/user", token).json()["login"] == "eve"
    assert raw("GET", "/user", headers={"Authorization": f"token {token}"}).json()["login"] == "eve"
    assert raw("GET", "/user", auth=("anything", token)).json()["login"] == "eve"
    assert raw("GET", "/user").status_code == 401


def test_fine_grained_token_has_permissions_by_repository(github: StandIn):
    github.repository("acme/other", {"a": "b"})
    github.repository("acme/third", {"a": "b"})
    for name in ("acme/other", "acme/third"):
        github.grant(name, "bob", "write")
    token = github.fine_grained_token("bob", {APP: {"contents": "write"}, "acme/other": {"contents": "read"}})
    client = github.client(Auth.Token(token))
    client.get_repo(APP).create_file("x", "y", "z")
    with pytest.raises(GithubException) as error:
        client.get_repo("acme/other").create_file("x", "y", "z")
    assert "Resource not accessible by personal access token" in refused(error)[1]
    assert error.value.headers["x-accepted-github-permissions"] == "contents=write"
    with pytest.raises(GithubException) as error:
        client.get_repo(APP).create_issue("x")
    assert refused(error)[0] == 403
    with pytest.raises(UnknownObjectException):
        client.get_repo("acme/third")


def test_fine_grained_token_gives_no_more_than_the_person_has(github: StandIn):
    token = github.fine_grained_token("eve", {APP: {"contents": "write", "administration": "write"}})
    home = github.client(Auth.Token(token)).get_repo(APP)
    with pytest.raises(GithubException) as error:
        home.create_file("x", "y", "z")
    assert refused(error)[0] == 403
    with pytest.raises(GithubException) as error:
        home.get_branch("main").edit_protection(enforce_admins=True)
    assert refused(error)[0] == 403


def test_token_ends(github: StandIn, raw: Raw):
    token = github.fine_grained_token("bob", {APP: {}}, seconds=3600)
    answer = raw("GET", f"/repos/{APP}", token)
    assert "github-authentication-token-expiration" in answer.headers
    github.pass_time(3601)
    with pytest.raises(BadCredentialsException):
        github.client(Auth.Token(token)).get_repo(APP)


def test_access_that_was_taken_away_is_gone_at_once(github: StandIn):
    home = github.as_person("bob").get_repo(APP)
    github.grant(APP, "bob", "none")
    with pytest.raises(UnknownObjectException):
        home.get_branch("main")


WRITES = {
    "edit": lambda issue: issue.edit(title="changed"),
    "close": lambda issue: issue.edit(state="closed"),
    "labels by edit": lambda issue: issue.edit(labels=["b"]),
    "label": lambda issue: issue.add_to_labels("b"),
    "labels": lambda issue: issue.set_labels("b"),
    "label away": lambda issue: issue.remove_from_labels("a"),
    "labels away": lambda issue: issue.delete_labels(),
    "assign": lambda issue: issue.add_to_assignees("bob"),
    "assignee away": lambda issue: issue.remove_from_assignees("ann"),
    "comment": lambda issue: issue.create_comment("new"),
    "comment edited": lambda issue: next(iter(issue.get_comments())).edit("changed"),
    "comment away": lambda issue: next(iter(issue.get_comments())).delete(),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("permission", ["issues", "pull_requests"])
def test_pull_requests_are_written_with_either_permission_issues_with_their_own(
    github: StandIn, permission: str, write: str
):
    github.commit(APP, {"x": "y"}, "x", branch="feature")
    ann = github.as_person("ann").get_repo(APP)
    issue, pull = ann.create_issue("x"), ann.create_pull(base="main", head="feature", title="x").as_issue()
    token = github.fine_grained_token("ann", {APP: {permission: "write"}})
    ours = github.client(Auth.Token(token)).get_repo(APP)
    for one in (issue, pull):
        one.edit(labels=["a"], assignees=["ann"])
        one.create_comment("old")
    WRITES[write](ours.get_issue(pull.number))
    if permission == "issues":
        WRITES[write](ours.get_issue(issue.number))
        return
    before = ann.get_issue(issue.number).raw_data
    with pytest.raises(GithubException) as error:
        WRITES[write](ours.get_issue(issue.number))
    assert refused(error)[0] == 403
    assert ann.get_issue(issue.number).raw_data == before


def test_workflows_need_their_own_permission(github: StandIn):
    path = ".github/workflows/ci.yml"
    less = github.as_app(github.install(github.app("less", {"contents": "write"}), APP)).get_repo(APP)
    more = github.as_app(github.install(github.app("more", {"contents": "write", "workflows": "write"}), APP)).get_repo(
        APP
    )
    with pytest.raises(GithubException) as error:
        less.create_file(path, "x", "on: push\n")
    assert refused(error)[0] == 403
    more.create_file(path, "x", "on: push\n")
