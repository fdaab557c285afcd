"""Where the local forge takes repositories from: every refusal, every shape, and sources that mean harm."""

import subprocess
from pathlib import Path

import pytest

from adapters._vendor import git as vendor
from adapters._vendor.git import Git
from domain.errors import ForgeRefused, ForgeUnavailable, RepositoryInvalid
from tests.adapters.forge.workshop import Workshop, commit, git, new_source

# enrolment


def _file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("x")
    return tmp_path / "file"


def _folder(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def _empty(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "empty")
    return tmp_path / "empty"


def _detached(tmp_path: Path) -> Path:
    source = new_source(tmp_path / "detached")
    git(source, "checkout", "-q", "--detach")
    return source


def _sha256(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "--object-format=sha256", "-b", "main", "longer")
    commit(tmp_path / "longer", {"a": "b"})
    return tmp_path / "longer"


@pytest.mark.parametrize(
    ("make", "base", "reason"),
    [
        (lambda path: path / "nowhere", None, "no such path"),
        (_file, None, "is a file"),
        (_folder, None, "not a git repository"),
        (_empty, None, "no commit"),
        (_empty, "main", "no commit"),
        (_detached, None, "detached"),
        (_sha256, None, "SHA-256"),
        (lambda path: new_source(path / "s"), "trunk", "no branch 'trunk'; it has main"),
        (lambda path: new_source(path / "s"), "--upload-pack=x", "no branch"),
        (lambda path: new_source(path / "s"), "../main", "no branch"),
        (lambda path: f"file://{path}/nowhere", None, "not a git repository"),
        (lambda path: "ext::sh -c touch% /tmp/never", None, "not a git repository"),
        (lambda path: "https://user:hunter2@localhost/x", None, "credential"),
        (lambda path: "", None, "not a path"),
        (lambda path: "a\nb", None, "not a path"),
    ],
)  # fmt: skip
def test_each_refusal_names_its_reason_and_leaves_nothing(forge, tmp_path, make, base, reason):
    with pytest.raises(RepositoryInvalid, match=reason) as refused:
        forge.enrol("demo", str(make(tmp_path)), base)
    assert "hunter2" not in str(refused.value)
    assert not (tmp_path / "forge/demo.git").exists()


@pytest.mark.parametrize("name", ["../escape", "a/b", ".hidden", "", "-x", "a\n", "a\0b", "x" * 101])
def test_a_name_that_could_be_a_path_is_refused(forge, workshop, name):
    with pytest.raises(RepositoryInvalid, match="cannot name a repository"):
        forge.enrol(name, str(workshop.source), None)


def test_it_enrols_from_a_subdirectory_a_worktree_a_bare_and_a_shallow_repository_and_a_url(forge, workshop, tmp_path):
    source = workshop.source
    git(source, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "wip")
    newer = commit(source, {"n": "n"})
    git(tmp_path, "clone", "-q", "--bare", str(source), "bare.git")
    git(tmp_path, "clone", "-q", "--depth=1", source.as_uri(), "shallow")
    (source / "README.md").write_text("dirty\n")
    for number, (path, base) in enumerate([
        (source / "src", "main"), (tmp_path / "tree", "wip"), (tmp_path / "bare.git", "main"),
        (tmp_path / "bare.git/refs", "main"), (tmp_path / "shallow", "main"), (source.as_uri(), "main"),
    ]):  # fmt: skip
        remote, found = forge.enrol(f"r{number}", str(path), None)
        git(tmp_path, "clone", "-q", remote, f"clone{number}")
        assert (found, (tmp_path / f"clone{number}/README.md").read_text()) == (base, "# demo\n")
    assert git(tmp_path / "clone0", "rev-parse", "HEAD") == newer


def test_only_the_base_and_its_tags_are_brought(forge, workshop):
    git(workshop.source, "tag", "v1")
    git(workshop.source, "branch", "secret")
    remote, _ = forge.enrol("demo", str(workshop.source), None)
    found = git(Path(remote), "for-each-ref", "--format=%(refname)").split()
    assert found == ["refs/heads/main", "refs/remotes/source/main", "refs/tags/v1"]


def test_enrolling_with_another_base_moves_head(forge, workshop):
    git(workshop.source, "branch", "trunk")
    forge.enrol("demo", str(workshop.source), None)
    remote, base = forge.enrol("demo", str(workshop.source), "trunk")
    assert (base, git(Path(remote), "symbolic-ref", "HEAD")) == ("trunk", "refs/heads/trunk")


def test_a_source_owned_by_someone_else_can_be_enrolled(forge, workshop, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setattr(vendor, "PASSED_ON", (*vendor.PASSED_ON, "GIT_TEST_ASSUME_DIFFERENT_OWNER"))
    assert forge.enrol("demo", str(workshop.source), None)[1] == "main"


def test_a_source_that_is_gone_may_come_back(forge, repository, workshop, tmp_path):
    workshop.source.rename(tmp_path / "elsewhere")
    with pytest.raises(ForgeUnavailable):
        forge.fetch(repository, "main")
    (tmp_path / "elsewhere").rename(workshop.source)
    assert forge.fetch(repository, "main") == workshop.base_sha


def test_what_was_never_enrolled_is_refused(forge, workshop):
    with pytest.raises(ForgeRefused, match="not in the local forge"):
        forge.fetch(workshop.repository("/nowhere"), "main")


# hostile sources


def test_nothing_of_a_hostile_source_runs(forge, workshop, tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    trap = tmp_path / "trap.sh"
    trap.write_text(f'#!/bin/sh\necho "$0 $*" >> {canary}\nexec "$@"\n')
    trap.chmod(0o755)
    source = workshop.source
    (source / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    (source / ".gitmodules").write_text(f'[submodule "x"]\n\tpath = x\n\turl = ext::{trap}\n\tupdate = !{trap}\n')
    (source / ".lfsconfig").write_text(f"[lfs]\n\turl = ext::{trap}\n")
    git(source, "update-index", "--add", "--cacheinfo", f"160000,{workshop.base_sha},x")
    workshop.base_sha = commit(source, {})
    hooks = source / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "pre-commit", "post-update", "reference-transaction", "pre-receive", "update"):
        (hooks / hook).symlink_to(trap)
    with (source / ".git/config").open("a") as config:
        config.write(
            f"[core]\n\tfsmonitor = {trap}\n\tsshCommand = {trap}\n\tgitProxy = {trap}\n\tpager = {trap}\n\teditor = {trap}\n"
            f'[uploadpack]\n\tpackObjectsHook = {trap}\n[filter "evil"]\n\tsmudge = {trap}\n\tclean = {trap}\n\tprocess = {trap}\n'
            f'[diff "evil"]\n\tcommand = {trap}\n\ttextconv = {trap}\n[merge "evil"]\n\tdriver = {trap}\n'
            f"[alias]\n\trev-parse = !{trap}\n[gpg]\n\tprogram = {trap}\n[commit]\n\tgpgSign = true\n"
            f'[extensions]\n\tpartialClone = origin\n[remote "origin"]\n\turl = .\n\tpromisor = true\n\tuploadpack = {trap}\n'
            f'[url "ext::{trap}"]\n\tinsteadOf = file://\n'
        )
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.fsmonitor={trap}'")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    remote, _ = forge.enrol("demo", str(source), None)
    repository = workshop.repository(remote)
    forge.fetch(repository, "main")
    patch, tree = _patch_without_the_traps(forge, workshop)
    head = forge.publish(repository, _change(workshop, patch, tree))
    opened = forge.open_pull_request(repository, workshop.request(head))
    forge.end_pull_request(repository, opened.number, merge=True, actor="ann", reason="ok")
    assert not canary.exists(), canary.read_text()
    assert not (Path(remote) / "hooks").exists()
    monkeypatch.undo()
    subprocess.run(["git", "-C", str(source), "status"], check=False, capture_output=True)
    assert canary.exists(), "the traps are no traps"


def _patch_without_the_traps(forge, workshop):
    blob = "# changed\n"
    bare = Git(forge._home, forge._bare("demo"))
    index = {"GIT_INDEX_FILE": str(workshop.directory / "index")}
    bare.run("read-tree", workshop.base_sha, environment=index)
    sha = bare.text("hash-object", "-w", "--stdin", stdin=blob.encode())
    bare.run("update-index", "--cacheinfo", f"100644,{sha},README.md", environment=index)
    tree = bare.text("write-tree", environment=index)
    return bare.run("diff-tree", "-p", "--binary", "--full-index", workshop.base_sha, tree), tree


def _change(workshop, patch, tree):
    artifact, path = workshop.artifact(patch, "change.patch")
    plain = Workshop(workshop.directory / "plain").change()
    reference = plain.patch.model_copy(update={"artifact": artifact, "base_sha": workshop.base_sha, "tree_sha": tree})
    return plain.model_copy(update={"patch": reference, "patch_path": path})


def test_git_runs_under_our_configuration_only(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "evil")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = evil\n")
    listed = Git(tmp_path / "home").text("config", "--list")
    assert "evil" not in listed
    assert "core.hookspath=/dev/null" in listed
    assert "safe.directory=*" in listed
