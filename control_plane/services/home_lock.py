"""One owner of a home's services at a time; the kernel frees the lock when its holder dies."""

import fcntl
import json
import os
from pathlib import Path
from typing import IO

from domain.errors import ServiceFailed


class HomeLock:
    """`services.lock` in a home."""

    def __init__(self, home: Path) -> None:
        self._path = home / "services.lock"
        self._handle: IO[str] | None = None

    def take(self, what: str) -> bool:
        """Take the lock if nobody holds it; `what` is told to those who come later."""
        handle = self._path.open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            return False
        handle.truncate(0)
        handle.write(json.dumps({"pid": os.getpid(), "what": what}))
        handle.flush()
        self._handle = handle
        return True

    def require(self, what: str) -> None:
        """Take the lock.

        Raises:
            ServiceFailed: somebody else holds it; the message names it.
        """
        if not self.take(what):
            raise ServiceFailed(
                f"{self.holder()} already runs the services of {self._path.parent}: use it, or stop it first"
            )

    def holder(self) -> str:
        try:
            told = json.loads(self._path.read_text())
            return f"`{told['what']}` (process {told['pid']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"

    def release(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None
