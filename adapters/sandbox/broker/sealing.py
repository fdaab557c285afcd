"""Prepared environments: made writable for one `setup`, then root's and nobody's to write, without following links."""

import os
import shutil
import stat
from pathlib import Path

OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
UNWANTED = 0o7222  #: setuid, setgid, sticky, and every right to write


def seal_of(environment: Path) -> Path:
    return environment.with_name(f"{environment.name}.sealed")


def make(environment: Path, owner: int) -> None:
    """Make an empty folder that `owner` may write to; what was there before is removed."""
    remove(environment)
    environment.mkdir(parents=True, mode=0o755)
    os.chown(environment, owner, owner)


def remove(environment: Path) -> None:
    """Remove an environment and its seal; harmless when there is none."""
    seal_of(environment).unlink(missing_ok=True)
    if environment.exists():
        shutil.rmtree(environment)


def seal(environment: Path) -> None:
    """Give everything to root, take every right to write, then say so beside it. Nobody may be writing to it.

    Pipes and sockets, which a reader could be made to wait for, are removed. Repeating it is harmless.
    """
    for _, folders, files, descriptor in os.fwalk(environment, topdown=False, follow_symlinks=False):
        for name in (*folders, *files):
            _settle(name, descriptor)
    _settle(str(environment), None)
    with seal_of(environment).open("w") as file:
        os.fsync(file.fileno())


def _settle(name: str, folder: int | None) -> None:
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
        os.unlink(name, dir_fd=folder)
        return
    os.chown(name, 0, 0, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISLNK(mode):
        descriptor = os.open(name, OPEN, dir_fd=folder)
        try:
            os.fchmod(descriptor, stat.S_IMODE(mode) & ~UNWANTED)
        finally:
            os.close(descriptor)
