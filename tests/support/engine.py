"""This machine's Docker engine, killed and started again the way `.ci/run` starts one."""

import os
import signal
import subprocess
from pathlib import Path

import psutil

from tests.support.services import eventually

RUNTIME = Path("/var/run/docker")
ENGINE, CONTAINERD = RUNTIME.with_suffix(".pid"), RUNTIME / "containerd" / "containerd.pid"


def answers() -> bool:
    return subprocess.run(["docker", "version"], capture_output=True, check=False, timeout=60).returncode == 0


def is_its_own() -> bool:
    """Tell whether the engine runs containerd itself, and no service manager runs the engine."""
    try:
        return CONTAINERD.exists() and psutil.Process(int(ENGINE.read_text())).name() == "dockerd"
    except (OSError, ValueError, psutil.Error):
        return False


def kill_containerd() -> None:
    """Kill it; its engine starts another."""
    before = CONTAINERD.read_text()
    os.kill(int(before), signal.SIGKILL)
    eventually(lambda: CONTAINERD.exists() and CONTAINERD.read_text() not in ("", before), "another containerd")


def kill() -> None:
    """Kill the engine, which takes its containerd along; the containers' shims live on."""
    pids = [int(path.read_text()) for path in (ENGINE, CONTAINERD)]
    os.kill(pids[0], signal.SIGKILL)
    eventually(lambda: all(is_gone(pid) for pid in pids), "the engine is dead")


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def start(log: Path) -> None:
    """Start an engine that outlives this process."""
    for path in (ENGINE, CONTAINERD):  # a dead one whose parent has not looked yet would pass for a living one
        path.unlink(missing_ok=True)
    with log.open("ab") as words:
        engine = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True
        )

    def serves() -> bool:
        assert engine.poll() is None, log.read_text()[-3000:]
        return answers()

    eventually(serves, "the engine answers", log)
