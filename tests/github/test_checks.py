"""Check runs, suites and statuses."""

import pytest
from github import Auth, GithubException, UnknownObjectException
from github.Repository import Repository

from tests.github.conftest import APP, open_pull, refused
from tests.support.github import StandIn

NOWHERE = "f" * 40
PERMISSIONS = {"checks": "write", "statuses": "write", "contents": "read", "pull_requests": "read"}


@pytest.fixture
def gate(github: StandIn) -> Repository:
    return github.as_app(github.install(github.app("factory", PERMISSIONS), APP)).get_repo(APP)


@pytest.fixture
def sha(github: StandIn) -> str:
    return github.find(APP).git.branch("main") or ""


def note(number: int = 1) -> dict[str, object]:
    return {
        "path": "src/calc.py",
        "start_line": number,
        "end_line": number,
        "annotation_level": "warning",
        "message": "hm",
    }


def test_check_run_lives(github: StandIn, gate: Repository, sha: str):
    made = gate.create_check_run(
        "factory/lint", sha, external_id="run=1", status="in_progress", details_url="https://example.invalid/1"
    )
    assert (made.status, made.conclusion, made.external_id, made.app.slug) == ("in_progress", None, "run=1", "factory")
    output = {"title": "2 problems", "summary": "*two*", "annotations": [note(), note(2)]}
    made.edit(conclusion="failure", output=output)
    found = gate.get_check_run(made.id)
    assert (found.status, found.conclusion, found.output.title, found.output.annotations_count) == (
        "completed",
        "failure",
        "2 problems",
        2,
    )
    assert found.completed_at is not None
    assert [(one.path, one.start_line, one.message) for one in found.get_annotations()] == [
        ("src/calc.py", 1, "hm"), ("src/calc.py", 2, "hm"),
    ]  # fmt: skip
    suite = gate.get_commit(sha).get_check_suites()[0]
    assert (suite.conclusion, suite.latest_check_runs_count, suite.app.slug) == ("failure", 1, "factory")
    assert [one.id for one in suite.get_check_runs()] == [made.id]
    assert gate.get_check_suite(suite.id).head_sha == sha
    assert gate.create_check_suite(sha).id == suite.id


def test_check_runs_are_listed_newest_of_each_name(github: StandIn, gate: Repository, sha: str):
    first = gate.create_check_run("factory/lint", sha, conclusion="failure")
    second = gate.create_check_run("factory/lint", sha, conclusion="success")
    other = github.ci(APP).get_repo(APP).create_check_run("build", sha, conclusion="failure")
    commit = gate.get_commit(sha)
    assert {one.id for one in commit.get_check_runs()} == {second.id, other.id}
    assert {one.id for one in commit.get_check_runs(filter="all", check_name="factory/lint")} == {first.id, second.id}
    assert {one.app.slug for one in commit.get_check_runs()} == {"factory", "stand-in-ci"}
    assert [one.id for one in commit.get_check_runs(status="queued")] == []


def test_check_run_of_a_pull_request_names_it(github: StandIn, gate: Repository, bob: Repository):
    pull = open_pull(github, bob)
    made = gate.create_check_run("factory/lint", pull.head.sha)
    assert [one.number for one in made.pull_requests] == [pull.number]


def test_only_apps_write_checks(github: StandIn, bob: Repository, sha: str):
    with pytest.raises(GithubException) as error:
        bob.create_check_run("x", sha)
    assert refused(error)[0] == 403
    fine = github.fine_grained_token("bob", {APP: {"contents": "write"}})
    with pytest.raises(GithubException) as error:
        github.client(Auth.Token(fine)).get_repo(APP).create_check_run("x", sha)
    assert "Resource not accessible by personal access token" in refused(error)[1]


def test_check_run_of_another_app_is_left_alone(github: StandIn, gate: Repository, sha: str):
    made = gate.create_check_run("factory/lint", sha)
    with pytest.raises(GithubException) as error:
        github.ci(APP).get_repo(APP).get_check_run(made.id).edit(conclusion="success")
    assert refused(error)[0] == 403


def test_wrong_check_run_is_refused(gate: Repository, sha: str):
    for how in (
        {"head_sha": NOWHERE},
        {"head_sha": sha, "output": {"title": "t", "summary": "s" * 65536}},
        {"head_sha": sha, "output": {"title": "t", "summary": "s", "annotations": [note()] * 51}},
    ):
        with pytest.raises(GithubException) as error:
            gate.create_check_run("x", **how)
        assert refused(error)[0] == 422
    assert gate.get_commit(sha).get_check_runs().totalCount == 0
    gate.create_check_run("x", sha, output={"title": "t", "summary": "s" * 65535, "annotations": [note()] * 50})
    with pytest.raises(UnknownObjectException):
        gate.get_check_run(1)


def test_statuses_and_their_sum(github: StandIn, bob: Repository, sha: str, raw):
    commit = bob.get_commit(sha)
    assert commit.get_combined_status().state == "pending"
    commit.create_status("pending", "https://example.invalid/", "under way", "factory/lint")
    commit.create_status("success", context="factory/tests")
    assert commit.get_combined_status().state == "pending"
    commit.create_status("success", context="factory/lint")
    found = commit.get_combined_status()
    assert (found.state, found.total_count, found.sha) == ("success", 2, sha)
    assert len(raw("GET", f"/repos/{APP}/commits/main/statuses", github.token("eve")).json()) == 3
    assert [one.state for one in commit.get_statuses()] == ["success", "success", "pending"]
    commit.create_status("error", context="factory/tests")
    assert commit.get_combined_status().state == "failure"


def test_wrong_status_is_refused(bob: Repository, eve: Repository, sha: str, raw, github: StandIn):
    with pytest.raises(GithubException) as error:
        bob.get_commit(sha).create_status("success", description="x" * 141)
    assert refused(error)[0] == 422
    with pytest.raises(GithubException) as error:
        eve.get_commit(sha).create_status("success")
    assert refused(error)[0] == 403
    assert (
        raw("POST", f"/repos/{APP}/statuses/{NOWHERE}", github.token("bob"), json={"state": "success"}).status_code
        == 422
    )


def test_unfinished_checks_make_a_pull_request_unstable(github: StandIn, gate: Repository, bob: Repository):
    pull = open_pull(github, bob)
    made = gate.create_check_run("factory/lint", pull.head.sha)
    assert bob.get_pull(pull.number).mergeable_state == "unstable"
    made.edit(conclusion="success")
    assert bob.get_pull(pull.number).mergeable_state == "clean"
