"""Files of a workspace's `out` folder, which untrusted commands write: no link is ever followed."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from adapters.sandbox.broker.wire import Missing, Refusal
from adapters.sandbox.workspace import READ_FLAGS

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def open_to_read(top: Path, name: str, limit: int) -> tuple[BinaryIO, int]:
    """Return a regular file that has this one name only, and its size.

    Raises:
        Refusal: 404 when there is no such file, 413 when it has more than `limit` bytes.
    """
    try:
        with _out(top) as folder:
            descriptor = os.open(name, READ_FLAGS, dir_fd=folder)
    except FileNotFoundError as error:
        raise Missing(f"no file {name}") from error
    except OSError as error:
        raise Refusal(404, f"{name} is not a file") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        raise Refusal(404, f"{name} is not a file of its own")
    if status.st_size > limit:
        os.close(descriptor)
        raise Refusal(413, f"{name} has more than {limit} bytes")
    return os.fdopen(descriptor, "rb"), status.st_size


def open_to_write(top: Path, name: str) -> BinaryIO:
    """Return a new file of root's that everybody may read; one of that name is replaced, never followed.

    Raises:
        Refusal: 404 when there is no such disk, 409 when something else than a file has that name.
    """
    try:
        with _out(top) as folder:
            return os.fdopen(_new(folder, name), "wb")
    except FileNotFoundError as error:
        raise Refusal(404, "no such disk") from error
    except OSError as error:
        raise Refusal(409, f"cannot write {name}: {error.strerror}") from error


def _new(folder: int, name: str) -> int:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    descriptor = os.open(name, NEW, 0o600, dir_fd=folder)
    os.fchmod(descriptor, 0o644)
    return descriptor


@contextmanager
def _out(top: Path) -> Iterator[int]:
    descriptor = os.open(top, FOLDER)
    try:
        for name in ("disk", "out"):
            inner = os.open(name, FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)
