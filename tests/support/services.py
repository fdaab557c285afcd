"""`factory up` as a user starts it, for tests that need the real daemon; every process of it can be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 600


def environment(home: Path, **settings: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FACTORY_", "DAGSTER_", "AGENT_QUEUE"))}
    return {
        **kept,
        "FACTORY_HOME": str(home),
        "FACTORY_SANDBOX": "process",
        **{f"FACTORY_{key.upper()}": value for key, value in settings.items()},
    }


def faulty_workspace(folder: Path) -> Path:
    """Return a workspace file whose code location is ours with faults."""
    path = folder / "workspace.yaml"
    path.write_text(
        "load_from:\n  - python_module:\n      module_name: tests.faults.location\n"
        f"      working_directory: {ROOT}\n      location_name: factory\n"
    )
    return path


def start_up(home: Path, **settings: str) -> subprocess.Popen[bytes]:
    log = (home / "up.log").open("ab")
    argv = [str(Path(sys.executable).with_name("factory")), "up", "--port", str(free_port())]
    return subprocess.Popen(argv, cwd=home, env=environment(home, **settings), stdout=log, stderr=log)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def up(home: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    process = start_up(home, **settings)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            kill_all(tree(process.pid))


def tree(pid: int) -> list[psutil.Process]:
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def kill_all(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(processes, timeout=10)


class NeverCame(AssertionError):
    """What a test waits for did not come in time."""


def eventually(what: Callable[[], bool], words: str, log: Path | None = None, pause: float = 0.5) -> None:
    """Wait until it is so, asked every `pause` seconds; the limit is for a hung machine, not an assertion on speed."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        if time.monotonic() > end:
            tail = log.read_text()[-3000:] if log and log.exists() else ""
            raise NeverCame(f"never came: {words}\n{tail}")
        time.sleep(pause)
