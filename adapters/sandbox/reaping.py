"""Find and end the processes of a sandbox by the marker each inherits, whoever started them and from wherever.

A process that clears its environment, leaves its session and daemonises escapes the marker; only a PID
namespace holds that one.
"""

import os
import signal
import time

import psutil

MARKER = "FACTORY_SANDBOX"
PATIENCE_SECONDS = 10.0


def marked(marker: str, session: int | None = None) -> list[psutil.Process]:
    """Return the living processes that carry the marker or belong to the session, oldest first."""
    found = [process for process in psutil.process_iter() if _belongs(process, marker, session)]
    return sorted(found, key=lambda process: (process.create_time(), process.pid))


def _belongs(process: psutil.Process, marker: str, session: int | None) -> bool:
    try:
        if session is not None and os.getsid(process.pid) == session:
            return process.status() != psutil.STATUS_ZOMBIE
        return process.environ().get(MARKER) == marker
    except (psutil.Error, OSError):
        return False


def reap(marker: str, session: int | None = None) -> bool:
    """Kill every process of the sandbox and wait until none is left; False when some would not die."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while found := marked(marker, session):
        if time.monotonic() > deadline:
            return False
        for process in found:
            _kill(process)
        time.sleep(0.01)
    return True


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.Error:
        return


def interrupt_group(process: psutil.Process) -> None:
    """Send SIGINT to the process group a process is in; harmless when it is gone."""
    try:
        os.killpg(os.getpgid(process.pid), signal.SIGINT)
    except OSError:
        return
