"""Trees made to mislead, and places that cannot be judged: never a pass that was not earned, always clear words."""

import os
import subprocess

import pytest

from tests.support.repositories import ENV, git, make_repository

PICKLE = "import pickle\n\n\ndef load(b):\n    return pickle.loads(b)\n"
LINT = "def total():\n    return undefined_name\n"


def plumb(source, *words, stdin: bytes = b"") -> str:
    done = subprocess.run(["git", *words], cwd=source, env=ENV, check=True, capture_output=True, input=stdin)
    return done.stdout.decode().strip()


def commit_tree(judge, entries: list[tuple[str, str, bytes]]) -> str:
    """Commit (mode, object, path) on top of the base's own entries, as no checkout could hold them."""
    own = plumb(judge.source, "ls-tree", "-z", "HEAD").encode()
    told = b"".join(f"{mode} {'commit' if mode == '160000' else 'blob'} {name}\t".encode() + path + b"\0"
                    for mode, name, path in entries)  # fmt: skip
    tree = plumb(judge.source, "mktree", "-z", "--missing", stdin=own + told)
    head = plumb(judge.source, "commit-tree", "-p", "HEAD", "-m", "odd", tree)
    plumb(judge.source, "update-ref", "refs/heads/odd", head)
    return head


def blob(judge, text: str) -> str:
    return plumb(judge.source, "hash-object", "-w", "--stdin", stdin=text.encode())


@pytest.mark.parametrize(
    "name",
    ["quo'te\".py", "$(touch x).py", "-rf.py", "with space.py", "@a.py", "*.py", "ünï.py", "factory-canary-0/a.py"],
)
def test_an_odd_name_hides_nothing(judge, name):
    judge.change({name: LINT})
    assert judge.run("lint").rule("lint")["verdict"] == "fail"
    judge.change({name: "a = 1\n"})
    assert judge.run("lint").rule("lint")["verdict"] == "pass"


@pytest.mark.parametrize("name", [b"new\nline.py", b"tab\t.py", b"caf\xe9.py", b"\xff\xfe.py"])
def test_a_name_that_cannot_be_told_is_not_passed(judge, name):
    (judge.source / os.fsdecode(name)).write_text(LINT)
    git(judge.source, "add", "-A")
    git(judge.source, "commit", "-q", "-m", "odd name")
    said = judge.run("lint")
    assert said.code in (1, 3)
    assert said.rule("lint")["verdict"] in ("fail", "undetermined")


def test_two_names_that_show_alike_are_not_passed(judge):
    head = commit_tree(
        judge, [("100644", blob(judge, "a = 1\n"), b"a\xff.py"), ("100644", blob(judge, LINT), b"a\xfe.py")]
    )
    assert judge.run("lint", words=("--head", head)).code == 3


def test_links_that_lead_round_and_out_are_followed_nowhere(judge):
    for name, target in {"loop": "loop", "up": "..", "etc.py": "/etc/passwd", "self": "."}.items():
        (judge.source / name).symlink_to(target)
    git(judge.source, "add", "-A")
    git(judge.source, "commit", "-q", "-m", "links")
    said = judge.run("lint", "sast", "secrets", "size", "dependencies")
    assert said.code == 0, said.out
    assert "root:" not in said.out


def test_a_manifest_that_is_a_link_is_not_read_and_not_passed(judge):
    (judge.source / "requirements.txt").symlink_to("elsewhere")
    git(judge.source, "add", "-A")
    git(judge.source, "commit", "-q", "-m", "link")
    assert judge.run("dependencies").code == 3


def test_a_submodule_is_no_file(judge):
    head = commit_tree(judge, [("160000", "1" * 40, b"lib")])
    said = judge.run("lint", "sast", "secrets", "size", words=("--head", head))
    assert said.code == 0, said.out


def test_what_git_takes_for_its_own_is_not_laid_out(judge):
    inner = plumb(judge.source, "mktree", stdin=f"100644 blob {blob(judge, LINT)}\thook.py\n".encode())
    own = plumb(judge.source, "ls-tree", "HEAD")
    tree = plumb(judge.source, "mktree", stdin=f"{own}\n040000 tree {inner}\t.GIT\n".encode())
    head = plumb(judge.source, "commit-tree", "-p", "HEAD", "-m", "odd", tree)
    said = judge.run("lint", words=("--head", head))
    assert said.code == 3
    assert "no scanner was given .GIT/hook.py" in said.rule("lint")["message"]


def test_a_huge_file_is_not_read_and_not_passed(judge):
    judge.change({"big.py": "a = 1\n" * 1_000_000})
    said = judge.run("lint", "size")
    assert said.rule("lint")["verdict"] == "undetermined"
    assert said.rule("size")["verdict"] == "fail"


def test_five_thousand_files_are_judged(judge):
    judge.change(
        {f"many/{number % 50}/m{number}.py": f"a = {number}\n" for number in range(5000)} | {"many/bad.py": LINT}
    )
    said = judge.run("lint", "size")
    assert said.rule("lint")["verdict"] == "fail"
    assert said.rule("lint")["files_read"] == 5001
    assert said.rule("size")["verdict"] == "fail"


def test_text_that_is_no_utf8_is_not_passed_as_free_of_secrets(judge):
    judge.change({"a.txt": b"caf\xe9\npassword = 'Zk3VbN8sQw1L'\n"})
    assert judge.run("secrets").code == 1


def test_a_python_file_that_git_takes_for_binary_is_scanned_all_the_same(judge):
    judge.change({"calc.py": PICKLE.encode() + b"# \0\n"})
    assert judge.run("sast").code in (1, 3)


def test_messages_cannot_command_a_terminal(judge):
    judge.change({"a\x1b[31m.py": LINT}, "message \x1b[2J")
    said = judge.call("governance", "run", judge.source, "--base", "main", "--rule", "lint")
    assert "\x1b" not in said.out + said.err


def test_places_that_cannot_be_judged(judge, tmp_path):
    (tmp_path / "plain").mkdir()
    other = make_repository(tmp_path / "other", {"a.py": "a = 1\n"})
    git(judge.source, "fetch", "-q", str(other), "main:other")
    judge.change({"calc.py": "a = 1\n"})
    cases = {
        "is not in a git repository": {"what": tmp_path / "plain"},
        "no such folder": {"what": tmp_path / "gone"},
        "has no commit 'nope'": {"base": "nope"},
        "has no commit '--all'": {"base": "--all"},
        "there is no change to judge": {"base": "HEAD"},
        "have no common history": {"base": "other"},
        "no rule nope": {"words": ("--rule", "nope")},
        "has no commit 'v9'": {"words": ("--head", "v9")},
    }
    for words, told in cases.items():
        said = judge.run(**told)
        assert said.code == 1
        assert words in said.document["error"]["message"], said.err
    missing = judge.call("governance", "run", judge.source, "--json")
    assert "--base" in missing.document["error"]["message"]
    assert judge.call("governance", "run", "shop#7", "--json").document["error"]["code"] == "input.not_found"
    assert judge.call("governance", "show", "gov-none", "--json").document["error"]["code"] == "input.not_found"


def test_a_repository_of_sha256_is_refused(judge, tmp_path):
    folder = tmp_path / "modern"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main", "--object-format=sha256")
    for number in range(2):
        (folder / "a").write_text(str(number))
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "a")
    assert "SHA-256" in judge.run(what=folder, base="HEAD~1").document["error"]["message"]


def test_a_detached_head_a_folder_inside_and_a_worktree_are_judged(judge, tmp_path):
    judge.change({"src/a.py": LINT})
    git(judge.source, "checkout", "-q", "--detach")
    assert judge.run("lint", what=judge.source / "src").code == 1
    git(judge.source, "worktree", "add", "-q", str(tmp_path / "tree"), "change")
    assert judge.run("lint", what=tmp_path / "tree").code == 1


def test_a_shallow_clone_is_judged_where_its_history_reaches_and_told_where_not(judge, tmp_path):
    judge.change({"a.py": "a = 1\n"})
    judge.change({"a.py": LINT})
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "2", "--branch", "change", f"file://{judge.source}", str(shallow))
    assert judge.run("lint", what=shallow, base="HEAD~1").code == 1
    git(shallow, "fetch", "-q", "--depth", "1", "origin", "main:base")
    assert "--unshallow" in judge.run("lint", what=shallow, base="base").document["error"]["message"]


def test_the_checkouts_own_git_configuration_runs_nothing(judge, tmp_path):
    mark = tmp_path / "ran"
    for key in ("core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook", "core.pager", "diff.external"):
        git(judge.source, "config", key, f"touch {mark}")
    (judge.source / ".git" / "hooks" / "post-checkout").write_text(f"#!/bin/sh\ntouch {mark}\n")
    (judge.source / ".git" / "hooks" / "post-checkout").chmod(0o755)
    judge.change({"a.py": "a = 1\n", ".gitattributes": "* filter=evil diff=evil merge=evil\n"})
    mark.unlink(missing_ok=True)
    assert judge.run("lint", "size").code == 0
    assert not mark.exists()


def test_uncommitted_changes_are_told_and_not_judged(judge):
    judge.change({"a.py": "a = 1\n"})
    (judge.source / "a.py").write_text(LINT)
    said = judge.run("lint")
    assert said.code == 0
    assert "uncommitted changes are not judged" in said.err


LATIN = "# -*- coding: latin-1 -*-\nNAME = 'J\xfcrgen'\n"


def test_a_text_in_another_encoding_is_read_by_every_scanner(judge):
    judge.change({"a.py": LATIN.encode("latin-1")})
    assert judge.run("lint", "sast", "secrets").document["verdict"] == "pass"
    judge.change({"a.py": f"{LATIN}\n\ndef f():\n    return eval(nobody)\n".encode("latin-1")})
    said = judge.run("lint", "sast", "secrets")
    assert [said.rule(name)["verdict"] for name in ("lint", "sast", "secrets")] == ["fail", "fail", "pass"]


def test_a_secret_that_a_later_commit_took_out_again_is_found(judge):
    judge.change({"a.txt": "key = AKIA" + "QYLPMN5HFIQR7XYB\n"})
    judge.change({"a.txt": "key = ${KEY}\n"})
    said = judge.run("secrets")
    assert said.code == 1
    assert "taken out again" in said.rule("secrets")["message"]
    assert "QYLPMN" not in said.out


def test_a_line_that_a_later_commit_changed_again_is_no_secret(judge):
    judge.change({"a.txt": "key = ${KEY}\n"})
    judge.change({"a.txt": "key = ${OTHER}\n"})
    assert judge.run("secrets").code == 0


def test_a_rule_with_nothing_to_judge_is_skipped_and_stops_nothing(judge):
    judge.change({"a.txt": "a\n"})
    said = judge.run("workflows")
    assert (said.code, said.document["verdict"]) == (0, "skip")
