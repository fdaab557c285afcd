"""Killed at any outside effect, then repeated: one branch, one pull request, the same answer."""

import os
import shutil
from pathlib import Path

import pytest

from adapters._vendor import files
from adapters._vendor.git import Git
from adapters.forge.local import LocalForge
from domain.forge import PullRequestState
from tests.adapters.forge.workshop import Workshop, git, question

pytestmark = pytest.mark.faults

KILLED = 9
DONE = 0


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "workshop")


def _dies_at(effect: int, work) -> bool:
    """Run `work` in a child that ends, with no cleanup, before or amid its effect of that number; True if it did."""
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in {KILLED, DONE}, f"effect {effect}: exit {code}"
        return code == KILLED
    try:
        left = iter(range(effect))

        def counted(function):
            def run(*arguments, **told):
                if next(left, None) is None:
                    os._exit(KILLED)
                return function(*arguments, **told)

            return run

        Git.run = counted(Git.run)
        Git.head = counted(Git.head)
        files.os.fsync = counted(os.fsync)
        files.Path.replace = counted(Path.replace)
        work()
        os._exit(DONE)
    except BaseException as error:
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)


def _every_death(tmp_path, workshop, before, work, check):
    """Repeat from the same beginning, dying one effect later each time, until nothing is left to die at."""
    root, beginning = tmp_path / "forge", tmp_path / "beginning"
    forge = LocalForge(root)
    repository = workshop.repository(forge.enrol("demo", str(workshop.source), None)[0])
    begun = before(forge, repository, workshop.change())
    root.rename(beginning)
    for effect in range(200):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(beginning, root)
        died = _dies_at(effect, lambda: work(forge, repository, begun))
        answer = work(forge, repository, begun)
        check(forge, repository, answer)
        assert not [path for path in root.rglob(f"{files.UNFINISHED}*") if "tickets" not in path.parts]
        if not died:
            return effect
    raise AssertionError("it never came to its end")


def test_publish_and_open_survive_a_kill_at_every_effect(tmp_path, workshop):
    heads = set()

    def work(forge, repository, change):
        head = forge.publish(repository, change)
        return forge.open_pull_request(repository, workshop.request(head))

    def check(forge, repository, answer):
        heads.add(answer.head_sha)
        _one_of_each(forge, repository, answer)

    assert _every_death(tmp_path, workshop, lambda forge, repository, change: change, work, check) > 15
    assert len(heads) == 1


def test_rework_survives_a_kill_at_every_effect(tmp_path, workshop):
    again = workshop.change(question, fence=2, branch="factory/other")

    def before(forge, repository, change):
        head = forge.publish(repository, change)
        forge.open_pull_request(repository, workshop.request(head))

    def work(forge, repository, begun):
        head = forge.publish(repository, again)
        return forge.open_pull_request(repository, workshop.request(head, fence=2, branch="factory/other"))

    assert _every_death(tmp_path, workshop, before, work, _one_of_each) > 15


def test_merge_survives_a_kill_at_every_effect(tmp_path, workshop):
    def before(forge, repository, change):
        head = forge.publish(repository, change)
        return forge.open_pull_request(repository, workshop.request(head)).number

    def work(forge, repository, number):
        return forge.end_pull_request(repository, number, merge=True, actor="ann", reason="good")

    def check(forge, repository, answer):
        _one_of_each(forge, repository, answer)
        merges = git(Path(repository.remote), "rev-list", "--merges", "main").split()
        assert (answer.state, merges) == (PullRequestState.MERGED, [answer.merge_sha])

    assert _every_death(tmp_path, workshop, before, work, check) > 8


def _one_of_each(forge, repository, answer):
    pulls = Path(repository.remote).with_suffix(".pulls")
    assert [path.name for path in pulls.iterdir() if path.name.isdigit()] == ["1"]
    branches = git(Path(repository.remote), "branch", "--list", "factory/*", "--format=%(objectname)").split()
    assert branches == [answer.head_sha]
    assert forge.find_pull_request(repository, "T-1") == answer
    assert answer.head_sha in (pulls / "1/index.html").read_text()
