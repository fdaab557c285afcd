"""The log of one door: a line an attempt, bounded, in whole lines however the broker ended."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from adapters.egress.limits import Limits
from domain.egress import Attempt

FULL = "log-full"


class Journal:
    """Refused attempts may fill a part of it, so that a flood of them hides nothing that was let through.

    `sent` is what the door had let out before, by its log.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limits = limits
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self._size = os.fstat(self._file).st_size
        self._broken = False
        self._refused, self.sent = _tally(path)
        if self._size and os.pread(self._file, 1, self._size - 1) != b"\n":
            self._append(b"\n")  # a broker was killed in the middle of a line

    @property
    def full(self) -> bool:
        """Tell whether nothing more can be recorded."""
        return self._broken or self._size >= self._limits.log_bytes

    def write(self, attempt: Attempt) -> None:
        """Append a line; the first that finds no room is replaced by one saying so, the others are dropped."""
        line = attempt.model_dump_json().encode() + b"\n"
        if attempt.allowed:
            self._within(line, attempt, self._size, self._limits.log_bytes)
        else:
            before = self._size
            self._within(line, attempt, self._refused, self._limits.refused_log_bytes)
            self._refused += self._size - before

    def _within(self, line: bytes, attempt: Attempt, used: int, limit: int) -> None:
        if self.full or used >= limit:
            return
        if used + len(line) >= limit:
            said = attempt.model_copy(update={"allowed": False, "reason": FULL, "path": None})
            line = said.model_dump_json().encode() + b"\n"
        self._append(line)

    def _append(self, line: bytes) -> None:
        try:
            self._size += os.write(self._file, line)
        except OSError:
            self._broken = True  # a full disk: what cannot be recorded is not let through

    def close(self) -> None:
        os.close(self._file)


def _tally(path: Path) -> tuple[int, int]:
    """Return the bytes of the log that tell of refused attempts, and the bytes it says were let out."""
    refused = sent = 0
    with path.open("rb") as file:
        for line in file:
            try:
                told = json.loads(line)
                sent += told["bytes_up"]
                refused += 0 if told["allowed"] else len(line)
            except (ValueError, LookupError, TypeError):
                continue
    return refused, sent


def read(path: Path) -> Iterator[Attempt]:
    """Yield the attempts of a log; lines that are none, such as a torn one, are passed over."""
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    yield Attempt.model_validate_json(line)
                except ValidationError:
                    continue
    except FileNotFoundError:
        return
