"""The processes of a home on disk, so that whoever comes next can end what a killed owner left behind."""

import json
import os
from contextlib import suppress
from pathlib import Path

import psutil

from control_plane.services.processes import descendants, find, kill


class Registry:
    """`services.pids` in a home: process ids with their creation times."""

    def __init__(self, home: Path) -> None:
        self._path = home / "services.pids"

    def record(self, pids: list[int]) -> None:
        entries = []
        for pid in pids:
            with suppress(psutil.Error):
                entries.append({"pid": pid, "created": psutil.Process(pid).create_time()})
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(entries))
        fresh.replace(self._path)

    def reap(self) -> list[int]:
        """End the recorded services that still live and what is left in their sessions; return their ids.

        A session id is only trusted for processes that began after the recorded service did.
        """
        entries = self._read()
        doomed = [process for pid, created in entries if (process := find(pid, created))]
        first = min((created for _, created in entries), default=0.0)
        for process in descendants(pid for pid, _ in entries):
            with suppress(psutil.Error):
                if process.create_time() >= first - 1.0 and process.pid != os.getpid():
                    doomed.append(process)
        kill(doomed)
        self.clear()
        return [process.pid for process in doomed]

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

    def _read(self) -> list[tuple[int, float]]:
        try:
            entries = json.loads(self._path.read_text())
            return [(int(one["pid"]), float(one["created"])) for one in entries]
        except (OSError, ValueError, KeyError, TypeError):
            return []
