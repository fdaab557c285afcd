"""Start a service as a child that cannot outlive us, and end whole trees of processes by id."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1


def start(argv: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, with default signal handling, its output appended to `log`.

    On Linux the kernel kills it when the calling process dies, however that dies. Call it from the main thread.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            argv,
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_child_setup(),  # noqa: PLW1509 - called from the main thread, and it only makes system calls
        )


def _child_setup() -> Callable[[], None]:
    """Everything is looked up before the fork; an inherited SIGINT=ignore would make Dagster ignore SIGTERM too."""
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def prepare() -> None:
        for one in signals:
            signal.signal(one, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)

    return prepare


def descendants(pids: Iterable[int]) -> list[psutil.Process]:
    """Return the processes below these ids and those left in their sessions, the ids themselves excluded."""
    roots = set(pids)
    found: dict[int, psutil.Process] = {}
    for pid in roots:
        with suppress(psutil.Error):
            found |= {child.pid: child for child in psutil.Process(pid).children(recursive=True)}
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            if os.getsid(process.pid) in roots:
                found[process.pid] = process
    return [process for pid, process in found.items() if pid not in roots]


def kill(processes: Iterable[psutil.Process], *, patience: float = 5.0) -> None:
    """End processes at once and wait until they are gone; psutil guards against reused ids."""
    doomed = list(processes)
    for process in doomed:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(doomed, timeout=patience)


def ask_to_stop(process: psutil.Process) -> None:
    with suppress(psutil.Error):
        process.terminate()


def find(pid: int, created: float) -> psutil.Process | None:
    """Return the process that had this id and creation time, if it still lives."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if abs(process.create_time() - created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None
