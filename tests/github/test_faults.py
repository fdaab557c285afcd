"""Failures on demand, rate limits, ETags, pages and the log."""

from collections.abc import Callable

import pytest
import requests
from github import Auth, Github, GithubException, GithubRetry, RateLimitExceededException
from github.Repository import Repository

from tests.github.conftest import APP, open_pull, refused
from tests.support.github import StandIn

Raw = Callable[..., requests.Response]


def test_connection_dropped_after_the_effect(github: StandIn, bob: Repository):
    github.commit(APP, {"x": "y"}, "x", branch="feature")
    github.fail(next=1, on="POST /repos/{}/{}/pulls", after_effect=True)
    with pytest.raises(requests.ConnectionError):
        bob.create_pull(base="main", head="feature", title="x")
    assert [one.title for one in bob.get_pulls()] == ["x"]
    assert [(one.status, one.fault) for one in github.writes()] == [(None, "dropped after effect")]


def test_connection_dropped_before_the_effect(github: StandIn, bob: Repository):
    github.fail(on="POST /repos/{owner}/{repo}/issues")
    with pytest.raises(requests.ConnectionError):
        bob.create_issue("x")
    assert bob.get_issues().totalCount == 0
    bob.create_issue("x")


def test_server_errors_strike_as_often_as_told(github: StandIn, bob: Repository):
    github.fail(next=2, skip=1, on="GET *", status=502)
    assert bob.get_branch("main")
    for _ in range(2):
        with pytest.raises(GithubException) as error:
            bob.get_branch("main")
        assert refused(error)[0] == 502
    assert bob.get_branch("main")
    github.fail(on="*", status=500)
    github.mend()
    assert bob.get_branch("main")
    github.fail(on="GET /repos/{}/{}/pulls", status=500)
    assert bob.get_commit("main").get_pulls().totalCount == 0, "another template"
    github.mend()


def test_stalled_answer_runs_into_the_clients_patience(github: StandIn, raw: Raw):
    github.fail(on="POST /repos/{}/{}/issues", stall=60, after_effect=True)
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{github.base_url}/repos/{APP}/issues",
            json={"title": "x"},
            headers={"Authorization": f"Bearer {github.token('bob')}"},
            timeout=1,
        )
    assert raw("GET", f"/repos/{APP}/issues", github.token("bob")).json()[0]["title"] == "x"


def test_primary_limit(github: StandIn, bob: Repository):
    github.exhaust("bob", seconds=600)
    with pytest.raises(RateLimitExceededException) as error:
        bob.get_branch("main")
    headers = error.value.headers
    assert (error.value.status, headers["x-ratelimit-remaining"], headers["x-ratelimit-limit"]) == (403, "0", "5000")
    assert int(headers["x-ratelimit-reset"]) > github.now().timestamp()
    assert github.as_person("ann").get_repo(APP), "others are not touched"
    assert github.as_person("bob").get_rate_limit().resources.core.remaining == 0
    github.pass_time(601)
    assert bob.get_branch("main")


def test_primary_limit_of_an_installation(github: StandIn):
    home = github.as_app(github.install(github.app("factory", {"contents": "read"}), APP)).get_repo(APP)
    github.exhaust("factory[bot]")
    with pytest.raises(RateLimitExceededException):
        home.get_branch("main")


@pytest.mark.parametrize("status", [403, 429])
def test_secondary_limit(github: StandIn, bob: Repository, status: int):
    github.secondary_limit(retry_after=7, status=status)
    with pytest.raises(GithubException) as error:
        bob.get_branch("main")
    assert (error.value.status, error.value.headers["retry-after"]) == (status, "7")
    assert "secondary rate limit" in refused(error)[1]


def test_patient_client_gets_through(github: StandIn):
    github.secondary_limit(next=1, retry_after=1)
    github.fail(next=1, status=502)
    retry = GithubRetry(total=5, backoff_factor=0.01, secondary_rate_wait=0.01)
    client = Github(
        base_url=github.base_url, auth=Auth.Token(github.token("bob")), retry=retry, seconds_between_requests=None
    )
    assert client.get_repo(APP).default_branch == "main"
    client.close()
    assert [one.status for one in github.log] == [403, 502, 200]


def test_every_request_costs_but_what_is_known_already(github: StandIn, raw: Raw):
    token, path = github.token("bob"), f"/repos/{APP}/issues"
    first = raw("GET", path, token)
    assert first.headers["x-ratelimit-used"] == "1"
    again = raw("GET", path, token, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["x-ratelimit-used"]) == (304, b"", "1")
    assert github.remaining("bob") == 4999
    github.as_person("ann").get_repo(APP).create_issue("x")
    changed = raw("GET", path, token, headers={"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, len(changed.json()), changed.headers["x-ratelimit-used"]) == (200, 1, "2")
    assert changed.headers["ETag"] != first.headers["ETag"]
    assert raw("GET", "/rate_limit", token).json()["rate"]["used"] == 2


def test_search_and_nobody_have_limits_of_their_own(github: StandIn, raw: Raw):
    assert raw("GET", "/search/issues?q=x", github.token("bob")).headers["x-ratelimit-limit"] == "30"
    assert raw("GET", "/users/bob").headers["x-ratelimit-limit"] == "60"


def test_lists_come_in_pages(github: StandIn, bob: Repository, raw: Raw):
    issue = bob.create_issue("x")
    for number in range(130):
        issue.create_comment(f"{number}")
    assert [one.body for one in issue.get_comments()] == [f"{number}" for number in range(130)]
    token, path = github.token("bob"), f"/repos/{APP}/issues/{issue.number}/comments"
    assert len(raw("GET", path, token).json()) == 30
    page = raw("GET", f"{path}?per_page=100", token)
    assert (len(page.json()), set(page.links)) == (100, {"next", "last"})
    rest = requests.get(page.links["next"]["url"], headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert (len(rest.json()), set(rest.links)) == (30, {"prev", "first"})
    assert len(raw("GET", f"{path}?per_page=1000", token).json()) == 100
    assert raw("GET", f"{path}?page=99", token).json() == []


def test_pages_of_wrapped_lists(github: StandIn, bob: Repository):
    pull = open_pull(github, bob)
    gate = github.ci(APP).get_repo(APP)
    for number in range(35):
        gate.create_check_run(f"check {number}", pull.head.sha)
    assert len({one.name for one in gate.get_commit(pull.head.sha).get_check_runs()}) == 35


def test_log_tells_who_asked_what(github: StandIn, bob: Repository):
    bob.create_issue("x")
    told = [(one.method, one.template, one.actor, one.status) for one in github.log]
    assert told == [("GET", "/repos/{owner}/{repo}", "bob", 200), ("POST", "/repos/{owner}/{repo}/issues", "bob", 201)]
    assert github.log[-1].path == f"/api/v3/repos/{APP}/issues"
    assert [one.template for one in github.writes()] == ["/repos/{owner}/{repo}/issues"]
