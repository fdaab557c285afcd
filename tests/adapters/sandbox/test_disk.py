"""Disks of limited size, on this machine's own loop devices."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from adapters.sandbox.disk import SMALLEST, Bounds, is_disk, make_disk, open_environment, remove_disk
from domain.errors import SandboxFailed, StorageFull

pytestmark = [
    pytest.mark.bubblewrap,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk"),
]
USER = 10001


@pytest.fixture
def top(tmp_path: Path):
    yield tmp_path
    remove_disk(tmp_path)


def loops(image: Path) -> str:
    return subprocess.run(["losetup", "-j", image], capture_output=True, text=True, check=True).stdout


def test_a_disk_has_the_folders_and_belongs_to_the_user_but_for_its_top(top: Path) -> None:
    disk = make_disk(top, size=SMALLEST, files=1000, owner=USER)
    assert disk == top / "disk"
    assert is_disk(disk)
    assert sorted(found.name for found in disk.iterdir()) == ["home", "out", "tmp", "work"]
    assert {(found.stat().st_uid, found.stat().st_mode & 0o7777) for found in disk.iterdir()} == {(USER, 0o755)}
    assert (disk.stat().st_uid, disk.stat().st_mode & 0o7777) == (0, 0o755)


def test_it_cannot_be_filled_beyond_its_size(top: Path) -> None:
    disk = make_disk(top, size=20 << 20, files=1000, owner=USER)
    with pytest.raises(OSError) as failure, (disk / "work" / "fill").open("wb", buffering=0) as file:
        for _ in range(30):
            file.write(b"x" * (1 << 20))
            os.fsync(file.fileno())
    assert failure.value.errno == errno.ENOSPC
    assert (top / "disk.img").stat().st_size == 20 << 20


def test_it_holds_no_more_files_than_told(top: Path) -> None:
    disk = make_disk(top, size=SMALLEST, files=500, owner=USER)
    with pytest.raises(OSError) as failure:
        for number in range(5000):
            (disk / "work" / str(number)).touch()
    assert failure.value.errno == errno.ENOSPC
    assert 480 <= len(list((disk / "work").iterdir())) <= 700


def test_nothing_on_it_runs_as_another_user_and_no_device_opens(top: Path) -> None:
    disk = make_disk(top, size=SMALLEST, files=1000, owner=USER)
    program = disk / "work" / "id"
    program.write_bytes(Path("/usr/bin/id").read_bytes())
    program.chmod(0o6755)
    argv = ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "./id", "-u"]
    told = subprocess.run(argv, cwd=program.parent, capture_output=True, text=True, check=True).stdout
    assert told.strip() == str(USER)
    os.mknod(disk / "work" / "null", 0o666 | 0o020000, os.makedev(1, 3))
    with pytest.raises(PermissionError):
        (disk / "work" / "null").read_bytes()


def test_making_it_again_starts_from_nothing(top: Path) -> None:
    disk = make_disk(top, size=SMALLEST, files=1000, owner=USER)
    (disk / "work" / "left").touch()
    make_disk(top, size=SMALLEST, files=1000, owner=USER)
    assert not (disk / "work" / "left").exists()


def test_removing_leaves_nothing_and_may_be_repeated(top: Path) -> None:
    make_disk(top, size=SMALLEST, files=1000, owner=USER)
    image = top / "disk.img"
    assert loops(image)
    remove_disk(top)
    remove_disk(top)
    assert list(top.iterdir()) == []
    assert not is_disk(top / "disk")
    assert not loops(image)


def test_one_in_use_is_removed_all_the_same(top: Path) -> None:
    disk = make_disk(top, size=SMALLEST, files=1000, owner=USER)
    with (disk / "work" / "open").open("w"):
        remove_disk(top)
        assert list(top.iterdir()) == []


def test_what_a_crash_left_is_removed(top: Path) -> None:
    image = top / "disk.img"
    with image.open("wb") as file:
        file.truncate(SMALLEST)
    subprocess.run(["losetup", "-f", image], check=True)
    (top / "disk").mkdir()
    assert loops(image)
    remove_disk(top)
    assert not loops(image)
    assert list(top.iterdir()) == []


def test_mounted_twice_is_removed_too(top: Path) -> None:
    disk = make_disk(top, size=SMALLEST, files=1000, owner=USER)
    subprocess.run(["mount", "--bind", disk, disk], check=True)
    remove_disk(top)
    assert list(top.iterdir()) == []


def test_an_odd_path_is_a_path(tmp_path: Path) -> None:
    top = tmp_path / "a b\n'$(x)\"ü"
    top.mkdir()
    make_disk(top, size=SMALLEST, files=100, owner=USER)
    assert is_disk(top / "disk")
    remove_disk(top)
    assert list(top.iterdir()) == []


def test_a_disk_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "somebody's").touch()
    with pytest.raises(SandboxFailed):
        make_disk(tmp_path, size=SMALLEST, files=100, owner=USER)
    assert [found.name for found in tmp_path.iterdir()] == ["disk"]


def test_a_missing_folder_is_an_error_with_words(tmp_path: Path) -> None:
    with pytest.raises(SandboxFailed, match="cannot make the disk"):
        make_disk(tmp_path / "missing", size=SMALLEST, files=100, owner=USER)


def test_a_machine_without_room_is_full(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path], check=True)
    try:
        with pytest.raises(StorageFull):
            make_disk(tmp_path, size=256 << 20, files=50_000, owner=USER)
        assert list(tmp_path.iterdir()) == []
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_tiny_or_crowded_disk_becomes_one_that_can_be_made(top: Path) -> None:
    disk = make_disk(top, size=1, files=10**9, owner=USER)
    assert os.statvfs(disk).f_blocks > 0


def test_an_environment_is_made_once_and_read_only_for_good(top: Path) -> None:
    image = top / "kept.img"
    place = open_environment(top, image, Bounds(size=SMALLEST, files=300, owner=USER))
    assert (place.stat().st_uid, place.stat().st_mode & 0o777) == (USER, 0o755)
    (place / "tool").write_text("x")
    remove_disk(top)
    assert (image.exists(), place.exists(), loops(image)) == (True, False, "")
    again = open_environment(top, image, None)
    assert (again / "tool").read_text() == "x"
    with pytest.raises(OSError) as failure:
        (again / "tool").write_text("y")
    assert failure.value.errno == errno.EROFS


def test_a_new_environment_starts_from_nothing(top: Path) -> None:
    image = top / "kept.img"
    bounds = Bounds(size=SMALLEST, files=300, owner=USER)
    (open_environment(top, image, bounds) / "old").touch()
    remove_disk(top)
    assert list(open_environment(top, image, bounds).iterdir()) == []


def test_an_environment_has_an_end_and_depth_does_not_trouble_anybody(top: Path) -> None:
    place = open_environment(top, top / "kept.img", Bounds(size=SMALLEST, files=2000, owner=USER))
    script = "i=0; while [ $i -lt 1500 ]; do mkdir d && cd d || exit 0; i=$((i+1)); done"
    subprocess.run(["sh", "-c", script], cwd=place, check=False, capture_output=True)
    with pytest.raises(OSError):
        (place / "big").write_bytes(b"x" * (SMALLEST + 1))
    remove_disk(top)
    assert not place.exists()


@pytest.mark.parametrize("kind", ["missing", "link", "folder", "garbage"])
def test_what_is_no_environment_is_refused_and_nothing_stays(top: Path, kind: str) -> None:
    image = top / "kept.img"
    match kind:
        case "link":
            image.symlink_to("/etc/passwd")
        case "folder":
            image.mkdir()
        case "garbage":
            image.write_bytes(b"no file system" * 10_000)
    with pytest.raises(SandboxFailed):
        open_environment(top, image, None)
    assert not (top / "environment").exists()
