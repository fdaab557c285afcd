"""Processes that sleep a number of seconds nothing else on this machine sleeps: found wherever they run."""

import uuid

import psutil


def unique() -> str:
    """Return a number of seconds that no other sleeping process on this machine has."""
    return f"9{uuid.uuid4().int % 10**8}"


def sleepers(seconds: str) -> list[int]:
    """Return the living processes that sleep so long."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline()[:2] == ["sleep", seconds] and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
