"""The quarantine takes honest results whole and refuses everything else before anything else sees it."""

import hashlib
import os
import resource
import zlib
from pathlib import Path

import pytest
import yaml

import policy
from adapters.quarantine.bundle import open_bundle
from adapters.quarantine.contract import Admitted, Ground
from adapters.quarantine.local import LocalQuarantine
from domain.errors import PatchDoesNotApply, PatchTooLarge, PatchUnreadable, ResultRefused
from policy.results import ResultPolicy
from tests.adapters.quarantine.smith import RESULT, Smith, canary_script, delta, number, pack, plain, split, zeros
from tests.support.repositories import commit, git

POLICY = ResultPolicy.model_validate(yaml.safe_load((Path(policy.__file__).parent / "rules/results.yaml").read_text()))
LIMIT = 20_000_000
DAMAGED = (PatchUnreadable, ResultRefused, PatchTooLarge)


@pytest.fixture
def smith(tmp_path: Path) -> Smith:
    return Smith(tmp_path)


@pytest.fixture
def quarantine(tmp_path: Path) -> LocalQuarantine:
    return LocalQuarantine(tmp_path / "quarantine", POLICY)


def ground(smith: Smith, commit: str | None = None, mirror: Path | None = None) -> Ground:
    return Ground(repository="ours", mirror=str(mirror or smith.mirror), commit=commit or smith.base)


def admit(quarantine: LocalQuarantine, smith: Smith, bundle: bytes, limit: int = LIMIT) -> Admitted:
    before = sorted(path for path in smith.mirror.rglob("*"))
    try:
        return quarantine.admit(ground(smith), bundle, patch_limit=limit)
    finally:
        assert sorted(path for path in smith.mirror.rglob("*")) == before, "the mirror was written to"
        left = [path.name for path in quarantine._root.glob("result-*")]
        assert not left, "the quarantine left something"


# what is honest


def _edit_everything(work: Path) -> None:
    (work / "f").write_text("changed\n")
    (work / "d/g").rename(work / "moved")
    (work / "bin").write_bytes(bytes(range(256)) * 40)
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    (work / "link").symlink_to("moved")
    (work / 'ünï 🜁 "quoted" -rf').write_text("odd\n")
    (work / ".gitattributes").write_text("*.txt text eol=crlf filter=evil diff=evil merge=evil\n* -diff\n")
    (work / "dos.txt").write_bytes(b"one\r\ntwo\r\n")


def test_an_honest_result_is_admitted_and_its_patch_gives_its_tree(smith: Smith, quarantine: LocalQuarantine) -> None:
    _edit_everything(smith.work)
    bundle = smith.bundle_work()
    tree = smith.git("rev-parse", f"{RESULT}^{{tree}}").decode()
    change = admit(quarantine, smith, bundle)
    assert (change.base_sha, change.tree_sha) == (smith.base, tree)
    told = {(file.path, file.status, file.mode, file.old_path) for file in change.files}
    assert ("f", "M", "100644", None) in told
    assert ("moved", "R", "100644", "d/g") in told
    assert ("run.sh", "A", "100755", None) in told
    assert ("link", "A", "120000", None) in told
    assert next(file for file in change.files if file.path == "bin").size == 256 * 40
    assert (change.lines_added > 3, change.lines_removed) == (True, 1)
    again = quarantine.replay(ground(smith), change.patch, patch_limit=LIMIT)
    assert again == change
    git(smith.source, "apply", "--index", "--binary", str(_written(smith, change.patch)))
    assert git(smith.source, "write-tree") == tree


def _written(smith: Smith, patch: bytes) -> Path:
    path = smith.work.parent / "change.patch"
    path.write_bytes(patch)
    return path


def test_the_same_change_gives_the_same_patch(smith: Smith, quarantine: LocalQuarantine) -> None:
    (smith.work / "f").write_text("changed\n")
    bundle = smith.bundle_work()
    assert admit(quarantine, smith, bundle) == admit(quarantine, smith, bundle)


def test_a_change_of_nothing_is_an_empty_patch(smith: Smith, quarantine: LocalQuarantine) -> None:
    change = admit(quarantine, smith, smith.bundle_work())
    assert (change.patch, change.files) == (b"", ())
    assert change.tree_sha == git(smith.source, "rev-parse", "HEAD^{tree}")
    assert quarantine.replay(ground(smith), b"", patch_limit=LIMIT) == change


def test_a_change_of_mode_alone_and_of_kind(smith: Smith, quarantine: LocalQuarantine) -> None:
    (smith.work / "f").chmod(0o755)
    (smith.work / "d/g").unlink()
    (smith.work / "d/g").symlink_to("../f")
    change = admit(quarantine, smith, smith.bundle_work())
    assert {(file.path, file.status, file.mode) for file in change.files} == {
        ("f", "M", "100755"),
        ("d/g", "T", "120000"),
    }


def test_a_stored_patch_is_replayed_on_a_base_that_moved(smith: Smith, quarantine: LocalQuarantine) -> None:
    (smith.work / "f").write_text("changed\n")
    change = admit(quarantine, smith, smith.bundle_work())
    moved = commit(smith.source, {"other": "z\n"})
    git(smith.mirror, "fetch", "-q", str(smith.source), "main:main")
    again = quarantine.replay(ground(smith, moved), change.patch, patch_limit=LIMIT)
    assert (again.base_sha, again.patch) == (moved, change.patch)
    assert again.tree_sha != change.tree_sha
    commit(smith.source, {"f": "elsewhere\n"})
    git(smith.mirror, "fetch", "-q", str(smith.source), "main:main")
    with pytest.raises(PatchDoesNotApply):
        quarantine.replay(ground(smith, git(smith.source, "rev-parse", "HEAD")), change.patch, patch_limit=LIMIT)


@pytest.mark.parametrize("path", ["../escape", ".git/hooks/x", "/tmp/escape", "a/../../b", ".GIT/x"])
def test_a_forged_patch_gives_no_hostile_names(smith: Smith, quarantine: LocalQuarantine, path: str) -> None:
    patch = f"diff --git a/{path} b/{path}\nnew file mode 100755\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"
    with pytest.raises((PatchDoesNotApply, ResultRefused)):
        quarantine.replay(ground(smith), patch.encode(), patch_limit=LIMIT)


# trees git would not write


@pytest.mark.parametrize("name", [b".git", b"..", b".", b"a/../../x", b".GIT", b"git~1", b".git ", b".gi\xe2\x80\x8ct", b"/etc", b"a/b", b".git::$INDEX_ALLOCATION", b"x\ny", b"\xff\xfe", b"\x1b[2J"])  # fmt: skip
def test_hostile_names_are_refused(smith: Smith, quarantine: LocalQuarantine, name: bytes) -> None:
    with pytest.raises(ResultRefused):
        admit(quarantine, smith, smith.bundle_tree(smith.file(name)))


@pytest.mark.parametrize("name", [b"config", b"hooks"])
def test_a_git_folder_in_the_tree_is_refused(smith: Smith, quarantine: LocalQuarantine, name: bytes) -> None:
    inner = smith.tree(smith.file(name))
    with pytest.raises(ResultRefused):
        admit(quarantine, smith, smith.bundle_tree(("40000", b".git", inner)))
    with pytest.raises(ResultRefused):
        admit(quarantine, smith, smith.bundle_tree(("40000", b"sub", smith.tree(("40000", b".git", inner)))))


@pytest.mark.parametrize("target", [b"/etc/passwd", b"../../etc/passwd", b".git/config", b"d/../../x", b""])
def test_links_out_of_the_tree_are_refused(smith: Smith, quarantine: LocalQuarantine, target: bytes) -> None:
    with pytest.raises(ResultRefused, match="symbolic link"):
        admit(quarantine, smith, smith.bundle_tree(smith.file(b"l", target, "120000")))


def test_a_symlinked_gitmodules_is_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    with pytest.raises(ResultRefused):
        admit(quarantine, smith, smith.bundle_tree(smith.file(b".gitmodules", b"f", "120000")))


@pytest.mark.parametrize(
    "settings",
    [b'[submodule "-u"]\npath = x\nurl = -u./payload\n', b'[submodule "../x"]\npath = x\nurl = y\n',
     b'[submodule "x"]\npath = -x\nurl = y\n', b'[submodule "x"]\npath = x\nurl = y\nupdate = !touch /tmp/x\n'],
)  # fmt: skip
def test_submodules_that_inject_options_are_refused_even_where_gitmodules_is_allowed(
    smith: Smith, tmp_path: Path, settings: bytes
) -> None:
    permitting = LocalQuarantine(tmp_path / "quarantine", POLICY.model_copy(update={"refuse": ()}))
    with pytest.raises(ResultRefused, match="fsck"):
        admit(permitting, smith, smith.bundle_tree(smith.file(b".gitmodules", settings)))


def test_a_file_renamed_to_gitmodules_is_not_believed_unchecked(tmp_path: Path) -> None:
    settings = b'[submodule "-u"]\npath = x\nurl = -u./payload\n'
    smith = Smith(tmp_path, {"innocent": settings, "f": "x\n"})
    permitting = LocalQuarantine(tmp_path / "quarantine", POLICY.model_copy(update={"refuse": ()}))
    smith.git("mv", "innocent", ".gitmodules")
    with pytest.raises(ResultRefused):
        admit(permitting, smith, smith.bundle_work())


def test_a_gitmodules_that_stays_as_it_was_is_no_obstacle(tmp_path: Path) -> None:
    smith = Smith(tmp_path, {".gitmodules": '[submodule "x"]\npath = x\nurl = y\n', "f": "x\n"})
    (smith.work / "f").write_text("changed\n")
    quarantine = LocalQuarantine(tmp_path / "quarantine", POLICY)
    assert [file.path for file in admit(quarantine, smith, smith.bundle_work()).files] == ["f"]


def test_a_submodule_is_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    with pytest.raises(ResultRefused, match="lib: a submodule"):
        admit(quarantine, smith, smith.bundle_tree(("160000", b"lib", smith.base)))


@pytest.mark.parametrize("mode", ["100664", "100666", "104755", "060000", "777"])
def test_odd_modes_are_refused(smith: Smith, quarantine: LocalQuarantine, mode: str) -> None:
    blob = smith.blob(b"x")
    with pytest.raises(DAMAGED):
        admit(quarantine, smith, smith.bundle_tree((mode, b"a", blob)))


def test_entries_twice_and_out_of_order_are_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    for names in ((b"a", b"a"), (b"b", b"a")):
        with pytest.raises(ResultRefused, match="fsck"):
            admit(quarantine, smith, smith.bundle_tree(*(smith.file(name) for name in names)))


def test_names_that_collide_with_the_base_are_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    (smith.work / "F").write_text("shadow\n")
    with pytest.raises(ResultRefused, match="differs only by case") as refused:
        admit(quarantine, smith, smith.bundle_work())
    assert refused.value.details["entries"] == ["F: differs only by case or Unicode form: F, f"]


def test_workflows_are_refused_by_name_unless_the_repository_allows_them(smith: Smith, tmp_path: Path) -> None:
    (smith.work / ".github/workflows").mkdir(parents=True)
    (smith.work / ".github/workflows/ci.yml").write_text("on: push\n")
    bundle = smith.bundle_work()
    with pytest.raises(ResultRefused, match=r"\.github/workflows/ci\.yml: automation"):
        admit(LocalQuarantine(tmp_path / "quarantine", POLICY), smith, bundle)
    allowing = ResultPolicy.model_validate({**POLICY.model_dump(), "repositories": {"ours": {"allow": ["automation"]}}})
    assert admit(LocalQuarantine(tmp_path / "quarantine", allowing), smith, bundle).files


# bundles that are not what was asked for


def test_two_tips_are_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    bundle = smith.bundle(smith.commit(smith.tree(smith.file(b"a"))), refs=(RESULT, "refs/heads/other"))
    with pytest.raises(ResultRefused, match="one tip"):
        admit(quarantine, smith, bundle)


@pytest.mark.parametrize("ref", ["refs/heads/main", "HEAD", "refs/factory/result2", "refs/replace/x"])
def test_another_ref_is_refused(smith: Smith, quarantine: LocalQuarantine, ref: str) -> None:
    bundle = smith.bundle(smith.commit(smith.tree(smith.file(b"a"))))
    with pytest.raises(DAMAGED):
        admit(quarantine, smith, bundle.replace(RESULT.encode(), ref.encode()))


def test_a_tip_that_does_not_stand_on_the_base_is_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    tree = smith.tree(smith.file(b"a"))
    root = smith.git("commit-tree", tree, "-m", "x").decode()
    between = smith.commit(tree)
    for tip in (
        root,
        smith.commit(tree, between),
        smith.commit(tree, smith.base, between),
        smith.commit(tree, between, smith.base),
    ):
        with pytest.raises(ResultRefused):
            admit(quarantine, smith, _on_base(smith, smith.bundle(tip)))


def _on_base(smith: Smith, bundle: bytes) -> bytes:
    """Return a bundle whose header claims to need the base, whatever it needs."""
    header, rest = split(bundle)
    if smith.base.encode() in header:
        return bundle
    return header.replace(b"# v2 git bundle\n", b"# v2 git bundle\n-" + smith.base.encode() + b" base\n") + rest


def test_a_bundle_that_needs_more_or_less_than_the_base_is_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    good = smith.bundle(smith.commit(smith.tree(smith.file(b"a"))))
    header, rest = split(good)
    need = b"-" + smith.base.encode()
    for other in (header.replace(need, b"-" + b"1" * 40), header.replace(need, need + b" x\n-" + b"2" * 40)):
        with pytest.raises(ResultRefused, match="base commit alone"):
            admit(quarantine, smith, other + rest)
    alone = b"\n".join(line for line in header.split(b"\n") if not line.startswith(b"-"))
    with pytest.raises(ResultRefused, match="base commit alone"):
        admit(quarantine, smith, alone + rest)


def test_a_tip_that_is_a_tree_a_blob_a_tag_or_absent_is_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    tree = smith.tree(smith.file(b"a"))
    tip = smith.commit(tree)
    smith.git("tag", "-a", "-m", "x", "t", tip)
    bundle = smith.bundle(tip)
    for other in (tree, smith.blob(b"evil\n"), smith.git("rev-parse", "t").decode(), "3" * 40, smith.base):
        with pytest.raises(DAMAGED):
            admit(quarantine, smith, bundle.replace(tip.encode(), other.encode()))


def test_missing_objects_are_found(smith: Smith, quarantine: LocalQuarantine) -> None:
    """The sandbox can hold back a blob, or name one that exists nowhere."""
    tip = smith.commit(smith.tree(("100644", b"a", "4" * 40)))
    content = smith.git("pack-objects", "--stdout", stdin=tip.encode())  # the commit without its tree
    header, _ = split(smith.bundle(smith.commit(smith.tree(smith.file(b"a")))))
    told = b"# v2 git bundle\n-" + smith.base.encode() + b" base\n" + tip.encode() + b" " + RESULT.encode() + b"\n\n"
    assert header.startswith(b"# v2")
    with pytest.raises(PatchUnreadable):
        admit(quarantine, smith, told + content)
    both = smith.git(
        "pack-objects", "--stdout", stdin=f"{tip}\n{smith.git('rev-parse', tip + '^{tree}').decode()}\n".encode()
    )
    with pytest.raises(PatchUnreadable):
        admit(quarantine, smith, told + both)


def test_replace_refs_and_grafts_of_the_sandbox_have_no_say(smith: Smith, quarantine: LocalQuarantine) -> None:
    """A commit on another parent does not pass for one on the base because the sandbox's git was told so."""
    other = smith.commit(smith.tree(smith.file(b"a")))
    stray = smith.commit(smith.tree(smith.file(b"b")), other)
    honest = smith.commit(smith.tree(smith.file(b"b")))
    smith.git("replace", stray, honest)
    (smith.work / ".git/info/grafts").write_text(f"{stray} {smith.base}\n")
    with pytest.raises(DAMAGED):
        admit(quarantine, smith, _on_base(smith, smith.bundle(stray)))


def test_a_shallow_workspace_cannot_pretend_a_parent(smith: Smith, quarantine: LocalQuarantine) -> None:
    other = smith.commit(smith.tree(smith.file(b"a")))
    tip = smith.commit(smith.tree(smith.file(b"b")), other)
    (smith.work / ".git/shallow").write_text(f"{tip}\n")
    with pytest.raises(DAMAGED):
        admit(quarantine, smith, _on_base(smith, smith.bundle(tip)))


def test_other_bundle_versions_are_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    good = smith.bundle(smith.commit(smith.tree(smith.file(b"a"))))
    filtered = good.replace(b"# v2 git bundle\n", b"# v3 git bundle\n@object-format=sha1\n@filter=blob:none\n")
    for other in (filtered, good.replace(b"# v2", b"# v4")):
        with pytest.raises(PatchUnreadable):
            admit(quarantine, smith, other)


# damage


@pytest.mark.parametrize("content", [b"", b"garbage", b"\0" * 5000, b"# v2 git bundle\n", b"# v2 git bundle\n" + b"x" * 99999, b"# v2 git bundle\n\n\n"])  # fmt: skip
def test_garbage_is_unreadable(smith: Smith, quarantine: LocalQuarantine, content: bytes) -> None:
    with pytest.raises(DAMAGED):
        admit(quarantine, smith, content)


def test_every_truncation_is_found(smith: Smith, quarantine: LocalQuarantine) -> None:
    (smith.work / "f").write_bytes(os.urandom(500))
    bundle = smith.bundle_work()
    for end in range(0, len(bundle), 7):
        with pytest.raises(DAMAGED):
            open_bundle(bundle[:end], smith.base, POLICY)
    for end in (len(bundle) - 1, len(bundle) - 20, len(bundle) - 25):
        with pytest.raises(DAMAGED):
            admit(quarantine, smith, bundle[:end])


def test_every_flipped_byte_is_refused_or_changes_nothing(smith: Smith, quarantine: LocalQuarantine) -> None:
    (smith.work / "f").write_text("changed\n")
    bundle = smith.bundle_work()
    honest = admit(quarantine, smith, bundle)
    header = bundle.index(b"\n\n") + 2
    for at in (*range(0, header, 11), *range(header, len(bundle), 23)):
        broken = bundle[:at] + bytes([bundle[at] ^ 0x41]) + bundle[at + 1 :]
        try:
            assert admit(quarantine, smith, broken) == honest
        except DAMAGED:
            continue


# bombs


def forged(smith: Smith, *objects: tuple[int, int, bytes], count: int | None = None) -> bytes:
    header, _ = split(smith.bundle(smith.commit(smith.tree(smith.file(b"a")))))
    return header + pack(objects, count)


def test_a_blob_that_grows_to_a_gigabyte_is_refused_without_growing(smith: Smith, quarantine: LocalQuarantine) -> None:
    bomb = zeros(1 << 30)
    assert len(bomb) < 2_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for declared in (1 << 30, 10, POLICY.max_entry_bytes):
        with pytest.raises((PatchTooLarge, PatchUnreadable)):
            admit(quarantine, smith, forged(smith, (3, declared, bomb)))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kilobytes"


def test_many_blobs_that_grow_together_are_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    size = POLICY.max_entry_bytes
    bomb = zeros(size)
    with pytest.raises(PatchTooLarge, match="unpacks to"):
        admit(quarantine, smith, forged(smith, *[(3, size, bomb)] * 5))


@pytest.mark.parametrize("claimed", [1 << 30, 1 << 40, (1 << 64) - 1, 1 << 80])
def test_a_delta_that_grows_is_refused_before_git_allocates(
    smith: Smith, quarantine: LocalQuarantine, claimed: int
) -> None:
    base = smith.git("rev-parse", f"{smith.base}:d/g").decode()
    told = delta(100, min(claimed, 10_000))
    told = told[:1] + number(claimed) + told[3:]
    with pytest.raises((PatchTooLarge, PatchUnreadable)):
        admit(quarantine, smith, forged(smith, (7, len(told), bytes.fromhex(base) + plain(told))))


@pytest.mark.parametrize("kind", [0, 5])
def test_unknown_kinds_of_objects_are_refused(smith: Smith, quarantine: LocalQuarantine, kind: int) -> None:
    with pytest.raises(PatchUnreadable, match="kind"):
        admit(quarantine, smith, forged(smith, (kind, 3, plain(b"abc"))))


def test_counts_that_lie_are_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    one = (3, 3, plain(b"abc"))
    for count in (0, 2, POLICY.max_objects + 1, (1 << 32) - 1):
        with pytest.raises(DAMAGED):
            admit(quarantine, smith, forged(smith, one, count=count))


def test_sizes_that_lie_are_refused(smith: Smith, quarantine: LocalQuarantine) -> None:
    for size in (2, 4, 0):
        with pytest.raises(PatchUnreadable):
            admit(quarantine, smith, forged(smith, (3, size, plain(b"abc"))))


def test_an_object_whose_output_ends_on_the_readers_step_is_read(smith: Smith) -> None:
    for size in (0, 1, 65_535, 65_536, 65_537, 131_072, 196_608):
        for content in (bytes(size), os.urandom(size)):
            assert open_bundle(forged(smith, (3, size, zlib.compress(content))), smith.base, POLICY).tip


def test_a_hundred_thousand_files_are_refused_in_time(smith: Smith, quarantine: LocalQuarantine) -> None:
    """All of them one blob: few objects, many entries."""
    blob = smith.blob(b"x")
    items = [("100644", f"f{n:06}".encode(), blob) for n in range(100_000)]
    with pytest.raises(PatchTooLarge, match="entries"):
        admit(quarantine, smith, smith.bundle_tree(*items))


def test_a_tree_of_ten_thousand_million_paths_is_refused_in_time(smith: Smith, quarantine: LocalQuarantine) -> None:
    tree = smith.tree(*(smith.file(f"f{n}".encode()) for n in range(10)))
    for _ in range(10):
        tree = smith.tree(*(("40000", f"d{n}".encode(), tree) for n in range(10)))
    with pytest.raises(PatchTooLarge, match="entries"):
        admit(quarantine, smith, smith.bundle(smith.commit(tree)))


def test_depth_is_bounded(smith: Smith, quarantine: LocalQuarantine) -> None:
    tree = smith.tree(smith.file(b"f"))
    for _ in range(400):
        tree = smith.tree(("40000", b"d", tree))
    with pytest.raises(ResultRefused, match="deep"):
        admit(quarantine, smith, smith.bundle(smith.commit(tree)))


def test_a_patch_over_the_limit_is_too_large(smith: Smith, quarantine: LocalQuarantine) -> None:
    (smith.work / "f").write_bytes(os.urandom(100_000))
    with pytest.raises(PatchTooLarge, match="more than 50000"):
        admit(quarantine, smith, smith.bundle_work(), limit=50_000)


def test_a_collision_with_an_object_of_the_mirror_changes_nothing(smith: Smith, quarantine: LocalQuarantine) -> None:
    """The pack may name the mirror's objects; what the mirror has stays what it is."""
    (smith.work / "f").write_text("changed\n")
    bundle = smith.bundle_work()
    digest = hashlib.sha256(git(smith.mirror, "cat-file", "-p", smith.base).encode()).hexdigest()
    admit(quarantine, smith, bundle)
    assert hashlib.sha256(git(smith.mirror, "cat-file", "-p", smith.base).encode()).hexdigest() == digest


# nothing of the workspace runs


def test_nothing_a_workspace_configures_runs_outside(smith: Smith, quarantine: LocalQuarantine, tmp_path: Path) -> None:
    program, mark = canary_script(tmp_path)
    for key in ("core.fsmonitor", "core.hooksPath", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process",
                "diff.external", "diff.evil.textconv", "diff.evil.command", "merge.evil.driver", "core.pager",
                "core.editor", "gpg.program", "core.sshCommand", "core.askPass", "uploadpack.packObjectsHook"):  # fmt: skip
        smith.git("config", key, str(program))
    smith.git("config", "core.hooksPath", ".git/hooks")
    for hook in (
        "pre-commit",
        "post-index-change",
        "reference-transaction",
        "post-checkout",
        "post-update",
        "pre-receive",
    ):
        (smith.work / ".git/hooks" / hook).write_bytes(program.read_bytes())
        (smith.work / ".git/hooks" / hook).chmod(0o755)
    (smith.work / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    (smith.work / "f").write_text("changed\n")
    bundle = smith.bundle_work()  # inside, they may run
    mark.unlink(missing_ok=True)
    change = admit(quarantine, smith, bundle)
    quarantine.replay(ground(smith), change.patch, patch_limit=LIMIT)
    assert not mark.exists()


def test_what_a_killed_process_left_is_removed_when_it_is_old(smith: Smith, quarantine: LocalQuarantine) -> None:
    old, fresh = quarantine._root / "result-old", quarantine._root / "result-fresh"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
        (folder / "x").write_text("x")
    os.utime(old, (1, 1))
    quarantine.replay(ground(smith), b"", patch_limit=LIMIT)
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_base_or_mirror_that_is_not_there_is_told(smith: Smith, quarantine: LocalQuarantine, tmp_path: Path) -> None:
    with pytest.raises(PatchUnreadable, match="no commit"):
        quarantine.replay(ground(smith, "5" * 40), b"", patch_limit=LIMIT)
    with pytest.raises(PatchUnreadable):
        quarantine.replay(ground(smith, mirror=tmp_path / "absent.git"), b"", patch_limit=LIMIT)
