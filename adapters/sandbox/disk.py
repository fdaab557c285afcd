"""A workspace that cannot outgrow its limit: an ext4 file system in a sparse file, mounted through a loop device.

Only root can make one. Nothing on it is ever executed with another user's rights, and no device on it opens.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.sandbox.programs import program
from adapters.sandbox.workspace import GIVEN
from domain.errors import SandboxFailed, StorageFull

SMALLEST = 16 * 1024**2
MOST_FILES_PER_BYTE = 1 / 2048  #: what mkfs can lay out on any size
RESERVED_FILES = 16  #: inodes ext4 and our own folders use
OPTIONS = "loop,nosuid,nodev,noatime,noinit_itable,errors=remount-ro"
ENVIRONMENT = "environment"  #: below a sandbox's folder
PATIENCE_SECONDS = 60.0
FULL = "No space left on device"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most a new disk may hold, and the user id that may write to it."""

    size: int
    files: int
    owner: int


def make_disk(top: Path, *, size: int, files: int, owner: int) -> Path:
    """Make and mount a disk of at most `size` bytes and about `files` files at `top/disk`, and return that path.

    `work`, `home`, `out` and `tmp` on it belong to `owner`; the disk's own folder belongs to root, so that none of
    them can be exchanged for a link. What was there before is removed first. Sizes below 16 MiB become 16 MiB.

    Raises:
        StorageFull: the machine has no room; nothing is left behind.
        SandboxFailed: the disk cannot be made or mounted; nothing is left behind.
    """
    remove_disk(top)
    image, disk = top / "disk.img", top / "disk"
    with _undone(top):
        _make_image(image, max(size, SMALLEST), files, owner=0)
        disk.mkdir()
        _mount(image, disk, writable=True)
        for name in GIVEN:
            (disk / name).mkdir()
            (disk / name).chmod(0o755)
            os.chown(disk / name, owner, owner)
    return disk


def open_environment(top: Path, image: Path, bounds: Bounds | None) -> Path:
    """Mount a prepared environment at `top/environment`, and return that path: read-only, or made anew to be written.

    The image is what is kept of it, so neither its size nor what lies in it can trouble the machine.

    Args:
        top: The sandbox's folder; `remove_disk` lets the environment go too.
        image: The file that holds it.
        bounds: Of a new, empty one; None for one that exists, which nobody can write to.

    Raises:
        StorageFull, SandboxFailed: it cannot be made or mounted.
    """
    place = top / ENVIRONMENT
    with _undone(top):
        if bounds is not None:
            draft = image.with_suffix(".draft")
            draft.unlink(missing_ok=True)
            _make_image(draft, max(bounds.size, SMALLEST), bounds.files, owner=bounds.owner)
            draft.replace(image)
        elif image.is_symlink() or not image.is_file():
            raise SandboxFailed(f"there is no prepared environment {image.name}")
        place.mkdir()
        _mount(image, place, writable=bounds is not None)
    return place


@contextmanager
def _undone(top: Path) -> Iterator[None]:
    """Leave nothing behind when it fails."""
    try:
        yield
    except BaseException as error:
        remove_disk(top)
        if isinstance(error, OSError):
            raise SandboxFailed(f"cannot make the disk {top}: {error}") from error
        raise


def _make_image(image: Path, size: int, files: int, *, owner: int) -> None:
    with image.open("xb") as file:
        image.chmod(0o600)
        file.truncate(size)
    inodes = min(files + RESERVED_FILES, int(size * MOST_FILES_PER_BYTE))
    extended = f"root_owner={owner}:{owner},nodiscard,lazy_itable_init=1"
    _run("mkfs.ext4", "-q", "-F", "-m0", "-O", "^has_journal", "-N", str(inodes), "-E", extended, str(image))


def _mount(image: Path, place: Path, *, writable: bool) -> None:
    options = OPTIONS if writable else f"{OPTIONS},ro"
    _run("mount", "-t", "ext4", "-o", options, str(image), str(place))
    if writable:
        (place / "lost+found").rmdir()


def is_disk(place: Path) -> bool:
    """Return whether a disk is mounted there: `top/disk` or `top/environment`."""
    return place.is_mount()


def remove_disk(top: Path) -> None:
    """Unmount and delete a disk, whatever state it was left in; harmless when there is none.

    What still uses it keeps it alive until it ends, but nobody finds it any more.

    Raises:
        SandboxFailed: it cannot be removed.
    """
    image = top / "disk.img"
    for place in (top / "disk", top / ENVIRONMENT):
        while place.is_mount():
            _unmount(place)
        if place.is_dir() and not place.is_symlink() and not any(place.iterdir()):
            place.rmdir()
    if image.exists():
        for device in _loops(image):
            _detach(device)
        image.unlink()


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
