"""Killed before or after any call that changes something, then repeated: one branch, one pull request, one comment, one
set of checks and statuses. To die at a call that only reads is to die after the change before it."""

import os
from collections import Counter

import pytest

from adapters._vendor.git import Git
from adapters._vendor.github_requests import PoliteRequester
from tests.adapters.forge.desk_conformance import check
from tests.adapters.forge.github.hub import APP, FULL_NAME, make_forge, signed_in_as_app
from tests.adapters.forge.workshop import question

pytestmark = pytest.mark.faults

KILLED = 9
DONE = 0


def _dies_at(point: int, work) -> bool:
    """Run `work` in a child that ends, with no cleanup, at its point of that number; True if it came so far."""
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in {KILLED, DONE}, f"point {point}: exit {code}"
        return code == KILLED
    try:
        left = iter(range(point))

        def reached() -> None:
            if next(left, None) is None:
                os._exit(KILLED)

        def between(function, changes):
            def run(self, *arguments, **told):
                counts = arguments[0] in changes
                if counts:
                    reached()
                answer = function(self, *arguments, **told)
                if counts:
                    reached()
                return answer

            return run

        Git.run = between(Git.run, {"push", "update-ref"})
        PoliteRequester.requestJsonAndCheck = between(
            PoliteRequester.requestJsonAndCheck, {"POST", "PUT", "PATCH", "DELETE"}
        )
        work()
        os._exit(DONE)
    except BaseException as error:
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)


@pytest.fixture
def hub(github, workshop):
    return signed_in_as_app(github)


@pytest.fixture
def fresh(tmp_path, github, hub):
    """Makes a forge as a new process would: on the same files, with no connection of another."""
    return lambda: make_forge(tmp_path / "forge", github, lambda _: _anew(hub, github))


def _anew(hub, github):
    return type(hub)(hub._access, base_url=github.base_url, manners=hub.manners)


@pytest.fixture
def repository(fresh, workshop):
    return workshop.repository(fresh().enrol("demo", workshop.address, None)[0])


def test_publish_and_open_survive_a_kill_at_every_point(fresh, repository, workshop, github):
    first, ann = workshop.change(), github.as_person("ann").get_repo(FULL_NAME)
    for point in range(400):
        ticket = f"T-{point}"
        told = {"ticket_id": ticket, "branch": f"factory/{ticket}"}

        def work(told=told):
            forge = fresh()
            head = forge.publish(repository, first.model_copy(update=told))
            return forge.open_pull_request(repository, workshop.request(head, reviewers=("bob",), **told))

        died = _dies_at(point, work)
        answer = work()
        _one_of_each(github, ann, answer, ticket)
        assert fresh().find_pull_request(repository, ticket) == answer
        if not died:
            assert point > 8
            return
    raise AssertionError("it never came to its end")


def test_rework_under_another_name_survives_a_kill_at_every_point(fresh, repository, workshop, github):
    first, second = workshop.change(), workshop.change(question, fence=2)
    ann = github.as_person("ann").get_repo(FULL_NAME)
    for point in range(400):
        ticket = f"T-{point}"
        told = {"ticket_id": ticket, "branch": f"factory/{ticket}"}
        head = fresh().publish(repository, first.model_copy(update=told))
        fresh().open_pull_request(repository, workshop.request(head, **told))
        again = told | {"branch": f"factory/{ticket}-renamed"}

        def work(again=again):
            forge = fresh()
            head = forge.publish(repository, second.model_copy(update=again))
            return forge.open_pull_request(repository, workshop.request(head, fence=2, **again))

        died = _dies_at(point, work)
        _one_of_each(github, ann, work(), ticket)
        if not died:
            assert point > 8
            return
    raise AssertionError("it never came to its end")


def test_what_governance_says_survives_a_kill_at_every_point(fresh, repository, workshop, github):
    ann = github.as_person("ann").get_repo(FULL_NAME)
    for point in range(400):
        branch = f"try-{point}"
        github.commit(FULL_NAME, {"src/app.py": f"x = {point}\n"}, "Try", branch=branch, login="ann")
        theirs = ann.create_pull(base="main", head=branch, title=branch, body="")

        def work(number=theirs.number):
            forge = fresh()
            pull = forge.pull(repository, number)
            forge.report(repository, number, marker="governance", text="one")
            forge.tell_checks(repository, pull.head_sha, [check("sast", "failure"), check("lint")])
            forge.object_to(repository, pull, "wrong")
            forge.report(repository, number, marker="governance", text="two")

        died = _dies_at(point, work)
        work()
        bodies = [one.body for one in theirs.get_issue_comments()]
        assert len(bodies) == 1 and "two" in bodies[0]
        assert [(one.user.login, one.state) for one in theirs.get_reviews()] == [(f"{APP}[bot]", "CHANGES_REQUESTED")]
        commit = ann.get_commit(theirs.head.sha)
        home = github.find(FULL_NAME)
        runs = Counter(run.name for run in home.check_runs.values() if run.head_sha == theirs.head.sha)
        statuses = Counter(one.context for one in home.statuses if one.sha == theirs.head.sha)
        assert runs == statuses == {"sast": 1, "lint": 1}
        assert {one.name: one.conclusion for one in commit.get_check_runs()} == {"sast": "failure", "lint": "success"}
        if not died:
            assert point > 14
            return
        theirs.edit(state="closed")
    raise AssertionError("it never came to its end")


def _one_of_each(github, ann, answer, ticket):
    pulls = [pull for pull in ann.get_pulls(state="open") if f"ticket={ticket} " in pull.body]
    assert [(pull.number, pull.head.sha) for pull in pulls] == [(answer.number, answer.head_sha)]
    git = github.find(FULL_NAME).git
    branches = {name: sha for name, (_, sha) in git.refs(f"refs/heads/factory/{ticket}").items()}
    own = {name: sha for name, sha in branches.items() if name.split("/")[-1].removesuffix("-renamed") == ticket}
    assert list(own.values()) == [answer.head_sha]
    assert len(git.refs(f"refs/factory/tickets/{ticket}")) >= 1
