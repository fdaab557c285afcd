"""Both brokers of a home, for as long as one command needs them: somebody else's when they serve, else our own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from adapters.sandbox.engine import Engine
from domain.errors import FactoryError, ServiceFailed
from resources.secrets import without_secrets
from resources.serving import WITH_PARENT
from resources.settings import Settings
from resources.wiring import Factory

EGRESS, CONTAINERS = "resources.egress_broker", "resources.container_broker"
EGRESS_LOG, CONTAINERS_LOG = "egress.log", "containers.log"
SOCKET = "sandbox.sock"
PATIENCE_SECONDS = 60.0
STOP_SECONDS = 5.0


def may_use_docker(settings: Settings) -> bool:
    """Tell whether a container broker can serve here: an engine's socket, and root for the workspaces."""
    return os.geteuid() == 0 and settings.docker_socket.exists()


def containers_ready(settings: Settings) -> bool:
    return Engine(settings.containers_dir / SOCKET).answers()


@contextmanager
def brokers(factory: Factory, *, egress: bool = True) -> Iterator[None]:
    """Have the brokers serve until the end of the block; without `egress`, the container broker alone.

    Raises:
        ServiceFailed: one does not come up; the end of its log is in the message.
    """
    settings = factory.settings
    started: list[subprocess.Popen[bytes]] = []
    try:
        if egress and not factory.doors.alive():
            started.append(_start(settings, EGRESS))
            _await(started[-1], factory.doors.alive, settings.logs_dir / EGRESS_LOG)
        if may_use_docker(settings) and not containers_ready(settings):
            started.append(_start(settings, CONTAINERS))
            with suppress(FactoryError):  # without it other sandboxes may do
                _await(started[-1], lambda: containers_ready(settings), settings.logs_dir / CONTAINERS_LOG)
        yield
    finally:
        for process in reversed(started):
            _stop(process)


def _start(settings: Settings, module: str) -> subprocess.Popen[bytes]:
    told = dict(os.environ) if module == EGRESS else without_secrets(dict(os.environ))
    log = settings.logs_dir / (EGRESS_LOG if module == EGRESS else CONTAINERS_LOG)
    with log.open("ab") as words:
        return subprocess.Popen(
            [sys.executable, "-m", module, WITH_PARENT],
            env={**told, "FACTORY_HOME": str(settings.home), "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
            cwd=settings.home,
        )


def _await(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            words = log.read_text(errors="replace").strip()[-500:]
            raise ServiceFailed(f"a broker does not start: {words}", log=str(log))
        time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
