"""Git itself over HTTP: clone, fetch, push, and what is refused."""

import os
import subprocess
from pathlib import Path

import pytest
from github import GithubException
from github.Repository import Repository

from tests.github.conftest import APP, open_pull, refused
from tests.support.github import StandIn

ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Bob", "GIT_AUTHOR_EMAIL": "bob@example.invalid",
    "GIT_COMMITTER_NAME": "Bob", "GIT_COMMITTER_EMAIL": "bob@example.invalid",
}  # fmt: skip


def git(*words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *map(str, words)], env=ENVIRONMENT, check=check, capture_output=True, text=True)


def address(github: StandIn, token: str, name: str = APP) -> str:
    return github.git_url(name).replace("://", f"://x-access-token:{token}@")


@pytest.fixture
def clone(github: StandIn, tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    git("clone", "--quiet", address(github, github.token("bob")), folder)
    return folder


def commit(folder: Path, path: str, content: str = "x\n") -> str:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(content)
    git("-C", folder, "add", "-A")
    git("-C", folder, "commit", "--quiet", "-m", f"Add {path}")
    return git("-C", folder, "rev-parse", "HEAD").stdout.strip()


def test_clone_push_and_fetch(github: StandIn, clone: Path, bob: Repository, tmp_path: Path):
    assert (clone / "README.md").read_text() == "# app\n"
    git("-C", clone, "switch", "--quiet", "-c", "factory/T-1")
    sha = commit(clone, "new.txt")
    git("-C", clone, "push", "--quiet", "origin", "factory/T-1")
    assert bob.get_branch("factory/T-1").commit.sha == sha
    other = github.commit(APP, {"other": "x"}, "other")
    git("-C", clone, "fetch", "--quiet", "origin")
    assert git("-C", clone, "rev-parse", "origin/main").stdout.strip() == other
    git("-C", clone, "push", "--quiet", "origin", ":factory/T-1")
    assert [one.name for one in bob.get_branches()] == ["main"]


def test_large_push_is_taken(clone: Path, bob: Repository):
    sha = commit(clone, "large", "".join(f"{number * 7919 % 1000003}\n" for number in range(500_000)))
    git("-C", clone, "push", "--quiet", "origin", "HEAD:refs/heads/large")
    assert bob.get_branch("large").commit.sha == sha


def test_push_brings_a_pull_request_up_to_date(github: StandIn, clone: Path, bob: Repository):
    pull = open_pull(github, bob)
    git("-C", clone, "fetch", "--quiet", "origin", f"refs/pull/{pull.number}/head:mine")
    git("-C", clone, "switch", "--quiet", "mine")
    sha = commit(clone, "more.txt")
    git("-C", clone, "push", "--quiet", "origin", "mine:feature")
    assert bob.get_pull(pull.number).head.sha == sha


@pytest.mark.parametrize(
    ("login", "words"), [("out", "not found"), (None, "could not read Username"), ("wrong", "Authentication failed")]
)
def test_clone_is_refused(github: StandIn, tmp_path: Path, login: str | None, words: str):
    url = github.git_url(APP)
    if login:
        url = address(github, "wrong" if login == "wrong" else github.token(login))
    done = git("clone", "--quiet", url, tmp_path / "no", check=False)
    assert done.returncode
    assert words in done.stderr


@pytest.mark.parametrize("who", ["eve", "fine", "app"])
def test_push_is_refused_without_write_access(github: StandIn, clone: Path, who: str, bob: Repository):
    token = github.token("eve")
    if who == "fine":
        token = github.fine_grained_token("bob", {APP: {"contents": "read", "pull_requests": "write"}})
    if who == "app":
        github.as_app(github.install(github.app("reader", {"contents": "read"}), APP)).get_repo(APP)
        token = next(one for one in github.world.tokens.known if one.startswith("stand-in-app"))
    commit(clone, "x")
    done = git("-C", clone, "push", address(github, token), "HEAD:refs/heads/x", check=False)
    assert done.returncode
    assert "403" in done.stderr
    assert [one.name for one in bob.get_branches()] == ["main"]
    assert github.log[-2].status == 403


def test_expired_token_neither_fetches_nor_pushes(github: StandIn, clone: Path):
    token = github.token("bob")
    github.expire(token)
    for words in (["fetch", address(github, token)], ["push", address(github, token), "HEAD:refs/heads/x"]):
        done = git("-C", clone, *words, check=False)
        assert done.returncode
        assert "Authentication failed" in done.stderr


def test_protected_branch_takes_no_push(github: StandIn, clone: Path, ann: Repository, bob: Repository):
    before = bob.get_branch("main").commit.sha
    ann.get_branch("main").edit_protection(required_approving_review_count=1, enforce_admins=True)
    sha = commit(clone, "x")
    for login in ("bob", "ann"):
        done = git(
            "-C", clone, "push", address(github, github.token(login)), "HEAD:main", "HEAD:refs/heads/else", check=False
        )
        assert done.returncode
        assert "GH006: Protected branch update failed for refs/heads/main" in done.stderr
    assert bob.get_branch("main").commit.sha == before
    with pytest.raises(GithubException) as error:
        bob.create_file("y", "y", "y")
    assert refused(error)[0] == 409
    git("-C", clone, "push", "--quiet", "origin", "HEAD:refs/heads/feature")
    with pytest.raises(GithubException) as error:
        bob.get_git_ref("heads/main").edit(sha)
    assert refused(error)[0] in (409, 422)
    with pytest.raises(GithubException) as error:
        ann.create_git_ref("refs/heads/tmp", before).edit(before)
        ann.get_git_ref("heads/main").edit(sha)
    assert refused(error)[0] in (409, 422)
    assert bob.get_branch("main").commit.sha == before


def test_protected_branch_is_neither_rewritten_nor_deleted(github: StandIn, clone: Path, ann: Repository):
    ann.create_git_ref("refs/heads/release", ann.get_branch("main").commit.sha)
    ann.get_branch("release").edit_protection(enforce_admins=True)
    first = commit(clone, "x")
    git("-C", clone, "push", "--quiet", "origin", "HEAD:release")
    git("-C", clone, "reset", "--quiet", "--hard", "HEAD^")
    commit(clone, "y")
    for refspec in ("+HEAD:release", ":release"):
        done = git("-C", clone, "push", "origin", refspec, check=False)
        assert done.returncode
        assert "GH006" in done.stderr
    with pytest.raises(GithubException) as error:
        ann.get_git_ref("heads/release").delete()
    assert refused(error)[0] == 422
    assert ann.get_branch("release").commit.sha == first


def test_pull_refs_are_read_only(github: StandIn, clone: Path, bob: Repository):
    pull = open_pull(github, bob)
    commit(clone, "x")
    done = git("-C", clone, "push", "origin", f"+HEAD:refs/pull/{pull.number}/head", check=False)
    assert done.returncode
    assert bob.get_pull(pull.number).head.sha == pull.head.sha


def test_workflow_is_not_pushed_without_the_permission(github: StandIn, clone: Path):
    token = github.fine_grained_token("bob", {APP: {"contents": "write"}})
    more = github.fine_grained_token("bob", {APP: {"contents": "write", "workflows": "write"}})
    commit(clone, ".github/workflows/ci.yml")
    done = git("-C", clone, "push", address(github, token), "HEAD:refs/heads/x", check=False)
    assert done.returncode
    assert "without `workflows` permission" in done.stderr
    git("-C", clone, "push", "--quiet", address(github, more), "HEAD:refs/heads/x")


def test_public_repository_is_cloned_by_anybody_and_pushed_by_nobody(github: StandIn, tmp_path: Path):
    github.repository("acme/open", {"a": "b"}, private=False)
    git("clone", "--quiet", github.git_url("acme/open"), tmp_path / "open")
    commit(tmp_path / "open", "x")
    assert git("-C", tmp_path / "open", "push", "origin", "HEAD:refs/heads/x", check=False).returncode
    assert git("ls-remote", github.git_url("acme/open").removesuffix(".git")).stdout


def test_git_requests_are_in_the_log_and_can_be_broken(github: StandIn, clone: Path, bob: Repository):
    commit(clone, "x")
    github.fail(on="POST /{}/{}.git/git-receive-pack", after_effect=True)
    assert git("-C", clone, "push", "origin", "HEAD:refs/heads/x", check=False).returncode
    assert bob.get_branch("x")
    told = [(one.template, one.status, one.fault) for one in github.log if one.template.endswith("receive-pack")]
    assert told == [("/{owner}/{repo}.git/git-receive-pack", None, "dropped after effect")]
    assert git("ls-remote", f"{github.host}/acme/nothing.git", check=False).returncode
