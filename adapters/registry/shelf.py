"""What registries said, kept on disk for a bounded time and then asked again by its ETag."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from pydantic import ValidationError

from domain.changes import Package
from domain.model import Value

log = structlog.get_logger()

FRESH_SECONDS: Final = 3600.0  #: an answer is believed without asking again


class Kept(Value):
    package: Package
    etag: str = ""
    at: float  #: Unix seconds


class Shelf:
    """One file for each question, named by digest, so that no private name lies open; no folder keeps nothing."""

    def __init__(self, folder: Path | None, fresh: float = FRESH_SECONDS, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._fresh = fresh
        self._now = now

    def find(self, *question: str) -> tuple[Kept | None, bool]:
        """Return what is kept of a question, and whether it is still fresh."""
        if self._folder is None:
            return None, False
        try:
            kept = Kept.model_validate_json(self._file(self._folder, question).read_bytes())
        except (OSError, ValidationError, ValueError):
            return None, False
        return kept, 0 <= self._now() - kept.at < self._fresh

    def keep(self, package: Package, etag: str, *question: str) -> None:
        """Keep an answer; a full or read-only disk keeps nothing."""
        if self._folder is None:
            return
        file = self._file(self._folder, question)
        draft = file.with_suffix(f".{time.monotonic_ns()}.draft")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(Kept(package=package, etag=etag, at=self._now()).model_dump_json())
            draft.replace(file)
        except OSError as error:
            log.warning("registry_answer_not_kept", reason=type(error).__name__)

    @staticmethod
    def _file(folder: Path, question: tuple[str, ...]) -> Path:
        digest = hashlib.sha256("\n".join(question).encode()).hexdigest()
        return folder / digest[:2] / f"{digest}.json"
