"""Files by path, commits and comparisons."""

import pytest
from github import GithubException, UnknownObjectException
from github.Repository import Repository

from tests.github.conftest import APP, open_pull, refused
from tests.support.github import StandIn


def test_file_is_made_read_changed_and_deleted(bob: Repository):
    bob.create_file("a/new file.txt", "Add it", "one\n")
    found = bob.get_contents("a/new file.txt")
    assert (found.decoded_content, found.size, found.type) == (b"one\n", 4, "file")
    changed = bob.update_file(found.path, "Change it", "two\n", found.sha)
    commit = bob.get_commit(changed["commit"].sha)
    assert (commit.commit.message, commit.author.login, commit.commit.committer.name) == ("Change it", "bob", "GitHub")
    assert bob.get_contents(found.path).decoded_content == b"two\n"
    bob.delete_file(found.path, "Drop it", changed["content"].sha)
    with pytest.raises(UnknownObjectException):
        bob.get_contents(found.path)


def test_folder_and_revision(github: StandIn, bob: Repository):
    first = bob.get_branch("main").commit.sha
    github.commit(APP, {"README.md": "changed\n"}, "x")
    assert {(one.path, one.type) for one in bob.get_contents("")} == {
        ("README.md", "file"),
        ("docs", "dir"),
        ("src", "dir"),
    }
    assert [one.path for one in bob.get_contents("src")] == ["src/calc.py"]
    assert bob.get_contents("README.md", ref=first).decoded_content == b"# app\n"
    with pytest.raises(GithubException) as error:
        bob.get_contents("README.md", ref="nothing")
    assert refused(error)[0] == 404


def test_stale_or_missing_sha_is_refused(bob: Repository):
    with pytest.raises(GithubException) as error:
        bob.create_file("README.md", "again", "x")
    assert refused(error)[0] == 422
    with pytest.raises(GithubException) as error:
        bob.update_file("README.md", "again", "x", "0" * 40)
    assert refused(error)[0] == 409


def test_commits_are_listed_and_found(github: StandIn, bob: Repository):
    second = github.commit(APP, {"src/calc.py": "x = 1\n"}, "second", login="bob")
    assert [one.commit.message for one in bob.get_commits()] == ["second", "Begin"]
    assert [one.commit.message for one in bob.get_commits(path="docs")] == ["Begin"]
    found = bob.get_commit(second)
    assert (found.author.login, found.stats.total, [one.filename for one in found.files]) == ("bob", 3, ["src/calc.py"])
    assert bob.get_commit("main").sha == bob.get_commit(second[:9]).sha == second
    with pytest.raises(GithubException) as error:
        bob.get_commit("f" * 40)
    assert refused(error)[0] == 422


def test_branches_compare(github: StandIn, bob: Repository):
    github.commit(APP, {"docs/guide.md": "one\n2\nthree\n", "docs/more.md": "x\n"}, "ours", branch="feature/x")
    github.commit(APP, {"other": "x"}, "theirs")
    found = bob.compare("main", "feature/x")
    assert (found.status, found.ahead_by, found.behind_by, found.total_commits) == ("diverged", 1, 1, 1)
    assert {one.filename: one.status for one in found.files} == {"docs/guide.md": "modified", "docs/more.md": "added"}
    assert found.files[0].patch == "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three"
    with pytest.raises(UnknownObjectException):
        bob.compare("main", "nothing")


def test_pulls_of_a_commit(github: StandIn, bob: Repository):
    pull = open_pull(github, bob)
    assert [one.number for one in bob.get_commit(pull.head.sha).get_pulls()] == [pull.number]
