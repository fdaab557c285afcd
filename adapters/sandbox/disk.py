"""A workspace that cannot outgrow its limit: an ext4 file system in a sparse file, mounted through a loop device.

Only root can make one. Nothing on it is ever executed with another user's rights, and no device on it opens.
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from adapters.sandbox.programs import program
from adapters.sandbox.workspace import GIVEN
from domain.errors import SandboxFailed, StorageFull

SMALLEST = 16 * 1024**2
MOST_FILES_PER_BYTE = 1 / 2048  #: what mkfs can lay out on any size
RESERVED_FILES = 16  #: inodes ext4 and our own folders use
OPTIONS = "loop,nosuid,nodev,noatime,noinit_itable,errors=remount-ro"
PATIENCE_SECONDS = 60.0
FULL = "No space left on device"


def make_disk(top: Path, *, size: int, files: int, owner: int) -> Path:
    """Make and mount a disk of at most `size` bytes and about `files` files at `top/disk`, and return that path.

    `work`, `home`, `out` and `tmp` on it belong to `owner`; the disk's own folder belongs to root, so that none of
    them can be exchanged for a link. What was there before is removed first. Sizes below 16 MiB become 16 MiB.

    Raises:
        StorageFull: the machine has no room; nothing is left behind.
        SandboxFailed: the disk cannot be made or mounted; nothing is left behind.
    """
    remove_disk(top)
    try:
        return _made(top, max(size, SMALLEST), files, owner)
    except BaseException as error:
        remove_disk(top)
        if isinstance(error, OSError):
            raise SandboxFailed(f"cannot make the disk {top}: {error}") from error
        raise


def _made(top: Path, size: int, files: int, owner: int) -> Path:
    image, disk = top / "disk.img", top / "disk"
    with image.open("xb") as file:
        image.chmod(0o600)
        file.truncate(size)
    inodes = min(files + RESERVED_FILES, int(size * MOST_FILES_PER_BYTE))
    extended = "root_owner=0:0,nodiscard,lazy_itable_init=1"
    _run("mkfs.ext4", "-q", "-F", "-m0", "-O", "^has_journal", "-N", str(inodes), "-E", extended, str(image))
    disk.mkdir()
    _run("mount", "-t", "ext4", "-o", OPTIONS, str(image), str(disk))
    (disk / "lost+found").rmdir()
    for name in GIVEN:
        _give_folder(disk / name, owner)
    return disk


def _give_folder(folder: Path, owner: int) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    os.chown(folder, owner, owner)


def is_disk(top: Path) -> bool:
    """Return whether a disk is mounted at `top/disk`."""
    return (top / "disk").is_mount()


def remove_disk(top: Path) -> None:
    """Unmount and delete a disk, whatever state it was left in; harmless when there is none.

    What still uses it keeps it alive until it ends, but nobody finds it any more.

    Raises:
        SandboxFailed: it cannot be removed.
    """
    image, disk = top / "disk.img", top / "disk"
    while disk.is_mount():
        _unmount(disk)
    if image.exists():
        for device in _loops(image):
            _detach(device)
        image.unlink()
    if disk.is_dir() and not disk.is_symlink() and not any(disk.iterdir()):
        disk.rmdir()


def _unmount(disk: Path) -> None:
    try:
        _run("umount", str(disk))
    except SandboxFailed:
        _run("umount", "--lazy", str(disk))  # a process that does not die in time must not keep the folder


def _detach(device: str) -> None:
    """The kernel detaches a device by itself once nothing is mounted from it, maybe this moment."""
    with suppress(SandboxFailed):
        _run("losetup", "--detach", device)


def _loops(image: Path) -> list[str]:
    """Return loop devices that a crash between attaching and mounting left."""
    listing = _run("losetup", "--noheadings", "--output", "NAME", "--associated", str(image))
    return listing.split()


def _run(name: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [program(name), *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise SandboxFailed(f"{name} did not end within {PATIENCE_SECONDS:.0f} s") from error
    if done.returncode == 0:
        return done.stdout
    words = done.stderr.strip()[-500:]
    failure = StorageFull if FULL in words else SandboxFailed
    raise failure(f"{name} failed: {words}")
