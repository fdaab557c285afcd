"""The installed command in a home of its own, as a user calls it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from control_plane.services.registry import Registry
from tests.support.repositories import make_repository

FACTORY = str(Path(sys.executable).parent / "factory")


class Installed:
    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder

    def call(self, *words: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [FACTORY, *map(str, words)], env=self.environment, cwd=self.folder, timeout=timeout,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def json(self, *words: object, code: int = 0) -> Any:
        done = self.call(*words, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def start(self, *words: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [FACTORY, *map(str, words)], env=self.environment, cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def processes(self) -> list[str]:
        """Return what runs with this home in its environment, the test itself excluded."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("FACTORY_HOME") == self.environment["FACTORY_HOME"]:
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found

    def is_quiet(self, seconds: float = 10) -> bool:
        """Tell whether all processes of the home end within a time."""
        deadline = time.monotonic() + seconds
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.2)
        return not self.processes()


@contextmanager
def installed(folder: Path, **settings: str) -> Iterator[Installed]:
    """Yield the command with an enrolled repository; end what runs in its home afterwards."""
    source = make_repository(folder / "source")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FACTORY_")}
    environment |= {f"FACTORY_{name.upper()}": value for name, value in settings.items()}
    factory = Installed({**environment, "FACTORY_HOME": str(folder / "home")}, folder)
    factory.json("repo", "add", "calc", source, "--verify", "python3 -m unittest -q", "--no-check")
    try:
        yield factory
    finally:
        Registry(folder / "home").reap()
