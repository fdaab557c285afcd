"""The local forge: conformance, bounds, and what it does with locks, races and full disks."""

import errno
import multiprocessing
import stat
import time
from pathlib import Path

import pytest

from adapters._vendor import files
from adapters._vendor import git as vendor
from adapters._vendor.git import Git, GitError
from adapters.forge.local import LocalForge
from domain.errors import ForgeRefused, ForgeUnavailable, StorageFull
from domain.forge import PullRequestState
from tests.adapters.forge.conformance import ForgeConformance
from tests.adapters.forge.workshop import git, question


class TestLocalForge(ForgeConformance):
    @pytest.fixture
    def forge(self, tmp_path: Path) -> LocalForge:
        return LocalForge(tmp_path / "forge")


# bounds


def test_a_command_that_does_not_end_is_killed(tmp_path):
    began = time.monotonic()
    with pytest.raises(GitError, match="no end after") as ended:
        Git(tmp_path / "home", timeout=0.3).run("-c", "alias.wait=!sleep 60", "wait")
    assert time.monotonic() - began < 5
    assert not ended.value.refused


def test_output_is_bounded(tmp_path):
    endless = ("-c", "alias.endless=!yes", "endless")
    assert Git(tmp_path / "home").head(*endless, limit=10) == (b"y\ny\ny\ny\ny\n", True)
    with pytest.raises(GitError, match="more than 10 bytes"):
        Git(tmp_path / "home").run(*endless, limit=10)


def test_an_error_has_gits_last_words(tmp_path):
    with pytest.raises(GitError) as refused:
        Git(tmp_path / "home").run("cat-file", "-p", "HEAD")
    assert "not a git repository" in refused.value.words
    assert refused.value.refused


# locks, processes, full disks


def _open(root, repository, request, results):
    results.put(LocalForge(root).open_pull_request(repository, request).number)


def test_two_processes_at_once_open_one_pull_request(forge, repository, workshop, tmp_path):
    head = forge.publish(repository, workshop.change())
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    arguments = (tmp_path / "forge", repository, workshop.request(head), results)
    children = [context.Process(target=_open, args=arguments) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join(20)
    assert [results.get(timeout=5) for _ in children] == [1] * 4
    assert sorted(path.name for path in (tmp_path / "forge/demo.pulls").iterdir() if path.name.isdigit()) == ["1"]


def test_a_lock_that_a_killed_git_left_is_removed_when_it_is_old(forge, repository, workshop, monkeypatch):
    lock = Path(repository.remote) / "refs/heads/factory/T-1.lock"
    lock.parent.mkdir()
    lock.touch()
    with pytest.raises(ForgeUnavailable):
        forge.publish(repository, workshop.change())
    monkeypatch.setattr(vendor, "STALE_LOCK_SECONDS", -1.0)
    assert forge.publish(repository, workshop.change())


def test_a_full_disk_is_said_and_leaves_nothing_half_written(forge, repository, workshop, tmp_path, monkeypatch):
    head = forge.publish(repository, workshop.change())
    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", _full)
        with pytest.raises(StorageFull):
            forge.open_pull_request(repository, workshop.request(head, fence=2))
    assert not [path for path in (tmp_path / "forge/demo.pulls").rglob("*") if path.name.startswith(files.UNFINISHED)]
    assert forge.find_pull_request(repository, "T-1") is None
    assert forge.open_pull_request(repository, workshop.request(head, fence=2)).number == 1


def _full(descriptor):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_under_git_is_said(forge, repository, workshop, monkeypatch):
    change = workshop.change()

    def full(*arguments, **told):
        raise GitError("write-tree", "fatal: unable to write: No space left on device", 128)

    monkeypatch.setattr(Git, "run", full)
    for attempt in (lambda: forge.publish(repository, change), lambda: forge.fetch(repository, "main")):
        with pytest.raises(StorageFull):
            attempt()


def test_a_branch_below_another_branch_is_refused(forge, repository, workshop):
    forge.publish(repository, workshop.change())
    with pytest.raises(ForgeRefused):
        forge.publish(repository, workshop.change(ticket_id="T-2", branch="factory/T-1/deeper"))


def test_a_merge_killed_before_its_record_is_found_again(forge, repository, workshop, monkeypatch):
    opened = forge.open_pull_request(repository, workshop.request(forge.publish(repository, workshop.change())))
    with monkeypatch.context() as patched:
        patched.setattr("adapters.forge.pull_requests.PullRequests._end", lambda *told: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            forge.end_pull_request(repository, opened.number, merge=True, actor="ann", reason="good")
    tip = git(Path(repository.remote), "rev-parse", "main")
    merged = forge.end_pull_request(repository, opened.number, merge=True, actor="bob", reason="good")
    assert (merged.state, merged.merge_sha, merged.merged_by) == (PullRequestState.MERGED, tip, "ann")
    assert git(Path(repository.remote), "rev-parse", "main") == tip


def test_records_and_pages_can_be_read_by_others(forge, repository, workshop, tmp_path):
    forge.open_pull_request(repository, workshop.request(forge.publish(repository, workshop.change())))
    written = [path for path in (tmp_path / "forge/demo.pulls/1").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o644}


def test_a_rework_replaces_the_head_under_the_same_number(forge, repository, workshop):
    first = forge.open_pull_request(repository, workshop.request(forge.publish(repository, workshop.change())))
    head = forge.publish(repository, workshop.change(question, fence=2))
    second = forge.open_pull_request(repository, workshop.request(head, fence=2, run_id="run-2"))
    assert (second.number, second.head_sha, second.run_id) == (first.number, head, "run-2")
