"""What differs between two commits, where git and GitHub tell it in different ways."""

from pathlib import Path

from tests.adapters.forge.workshop import commit, git
from tests.support.github import diffs
from tests.support.github.bare import Bare


def changed(folder: Path) -> tuple[Bare, str, str]:
    """Return a repository in which text, binary, link and folder became another type, beside ordinary changes."""
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "was-link").symlink_to("kept")
    base = commit(folder, {"binary": bytes(range(256)), "kept": "one\ntwo\n", "text": "a\nb\n", "z": "z\n"})
    for name in ("binary", "text"):
        (folder / name).unlink()
        (folder / name).symlink_to("kept")
    (folder / "was-link").unlink()
    head = commit(folder, {"was-link": "file\nnow\n", "kept": "one\n2\n"})
    return Bare(folder / ".git"), base, head


def test_file_of_another_type_is_one_file_with_both_its_patches(tmp_path: Path):
    found = {one.path: one for one in diffs.files(*changed(tmp_path / "work"))}
    assert {path: one.status for path, one in found.items()} == {
        "binary": "changed",
        "kept": "modified",
        "text": "changed",
        "was-link": "changed",
    }
    assert found["binary"].patch == "@@ -0,0 +1 @@\n+kept\n\\ No newline at end of file"
    assert found["text"].patch == "@@ -1,2 +0,0 @@\n-a\n-b\n@@ -0,0 +1 @@\n+kept\n\\ No newline at end of file"
    assert found["was-link"].patch == (
        "@@ -1 +0,0 @@\n-kept\n\\ No newline at end of file\n@@ -0,0 +1,2 @@\n+file\n+now"
    )
    assert found["kept"].patch == "@@ -1,2 +1,2 @@\n one\n-two\n+2"
    assert (found["text"].additions, found["text"].deletions) == (1, 2)


def test_lines_of_both_patches_can_be_commented_on():
    patch = "@@ -1,2 +0,0 @@\n-a\n-b\n@@ -0,0 +1 @@\n+kept"
    assert diffs.place_of(patch, line=2, side="LEFT", position=None).position == 2
    assert diffs.place_of(patch, line=1, side="RIGHT", position=None).position == 4
    assert diffs.place_of(patch, line=2, side="RIGHT", position=None) is None


def test_only_a_newline_ends_a_line():
    patch = "@@ -0,0 +1,2 @@\n+one\r\x0c\u2028 still one\n+two"
    assert [place.right for place in diffs.places(patch)] == [1, 2]
