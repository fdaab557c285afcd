"""Refs, blobs, trees, commits and tags, made through the API and found by git."""

import subprocess

import pytest
from github import GithubException, InputGitAuthor, InputGitTreeElement, UnknownObjectException
from github.Repository import Repository

from tests.github.conftest import APP, refused
from tests.support.github import StandIn

NOWHERE = "0123456789" * 4


def git(github: StandIn, *words: str) -> str:
    command = ["git", f"--git-dir={github.folder(APP)}", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_commit_is_built_object_by_object(github: StandIn, bob: Repository):
    tip = bob.get_git_ref("heads/main").object.sha
    blob = bob.create_git_blob("aGVsbG8=", "base64")
    elements = [
        InputGitTreeElement("hello.txt", "100644", "blob", sha=blob.sha),
        InputGitTreeElement("deep/run.sh", "100755", "blob", content="#!/bin/sh\n"),
        InputGitTreeElement("README.md", "100644", "blob", sha=None),
    ]
    tree = bob.create_git_tree(elements, bob.get_git_tree(tip))
    author = InputGitAuthor("Bot", "bot@example.invalid", "2026-01-02T03:04:05Z")
    commit = bob.create_git_commit("Build\n\nFactory-Run: 1", tree, [bob.get_git_commit(tip)], author, author)
    bob.create_git_ref("refs/heads/factory/one/two", commit.sha)
    assert git(github, "show", "factory/one/two:hello.txt") == "hello"
    assert git(github, "ls-tree", "-r", "--name-only", "factory/one/two").split() == [
        "deep/run.sh", "docs/guide.md", "hello.txt", "src/calc.py",
    ]  # fmt: skip
    assert git(github, "log", "-1", "--format=%an %ae %aI %s %b", "factory/one/two").startswith(
        "Bot bot@example.invalid 2026-01-02T03:04:05"
    )
    assert bob.get_git_blob(blob.sha).content == "aGVsbG8="
    assert bob.get_git_commit(commit.sha).message == "Build\n\nFactory-Run: 1"
    found = [one.path for one in bob.get_git_tree(commit.sha, recursive=True).tree if one.type == "blob"]
    assert found == ["deep/run.sh", "docs/guide.md", "hello.txt", "src/calc.py"]


def test_refs_are_made_moved_and_deleted_deep_ones_too(github: StandIn, bob: Repository):
    first = bob.get_git_ref("heads/main").object.sha
    second = github.commit(APP, {"new": "1"}, "second")
    ref = bob.create_git_ref("refs/heads/a/b/c", first)
    ref.edit(second)
    assert bob.get_git_ref("heads/a/b/c").object.sha == second
    assert [one.ref for one in bob.get_git_matching_refs("heads/a")] == ["refs/heads/a/b/c"]
    with pytest.raises(GithubException) as error:
        ref.edit(first)
    assert "not a fast forward" in refused(error)[1]
    ref.edit(first, force=True)
    ref.delete()
    with pytest.raises(UnknownObjectException):
        bob.get_git_ref("heads/a/b/c")


@pytest.mark.parametrize(
    ("name", "sha", "words"),
    [
        ("refs/heads/main", None, "Reference already exists"),
        ("refs/heads/x", NOWHERE, "Object does not exist"),
        ("refs/heads/x", "short", "exactly 40"),
        ("refs/heads/a..b", None, "not a valid ref name"),
        ("refs/heads/-x\n", None, "not a valid ref name"),
        ("refs/pull/1/head", None, "not a valid ref name"),
        ("heads/x", None, "not a valid ref name"),
        ("refs/heads/main/deeper", None, "in the way"),
    ],
)
def test_wrong_ref_is_refused(bob: Repository, name: str, sha: str | None, words: str):
    with pytest.raises(GithubException) as error:
        bob.create_git_ref(name, sha or bob.get_branch("main").commit.sha)
    assert refused(error)[0] == 422
    assert words in refused(error)[1]


def test_wrong_objects_are_refused(bob: Repository):
    tip = bob.get_git_commit(bob.get_branch("main").commit.sha)
    for element in (
        InputGitTreeElement("../x", "100644", "blob", content="x"),
        InputGitTreeElement("a/.git/config", "100644", "blob", content="x"),
        InputGitTreeElement("x", "100644", "blob", sha=NOWHERE),
    ):
        with pytest.raises(GithubException) as error:
            bob.create_git_tree([element], tip.tree)
        assert refused(error)[0] == 422
    with pytest.raises(GithubException) as error:
        bob.create_git_commit("x", tip.tree, [tip], InputGitAuthor("", "a@example.invalid"))
    assert refused(error)[0] == 422
    for ask in (bob.get_git_blob, bob.get_git_commit, bob.get_git_tree, bob.get_git_tag):
        with pytest.raises(UnknownObjectException):
            ask(NOWHERE)


def test_default_branch_cannot_be_deleted(ann: Repository):
    with pytest.raises(GithubException) as error:
        ann.get_git_ref("heads/main").delete()
    assert refused(error)[0] == 422


def test_tags(bob: Repository):
    tip = bob.get_branch("main").commit.sha
    tag = bob.create_git_tag(
        "v1", "first", tip, "commit", InputGitAuthor("Bob", "bob@example.invalid", "2026-01-02T03:04:05Z")
    )
    assert (bob.get_git_tag(tag.sha).message, tag.object.sha) == ("first", tip)


def test_reader_cannot_write(eve: Repository):
    with pytest.raises(GithubException) as error:
        eve.create_git_ref("refs/heads/x", eve.get_branch("main").commit.sha)
    assert refused(error)[0] == 403
