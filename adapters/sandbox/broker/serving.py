"""The broker as a process: two sockets, the reaper, and a lock against a second broker."""

import asyncio
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.sandbox.broker.config import BrokerConfig, Role
from adapters.sandbox.broker.containers import Containers
from adapters.sandbox.broker.documents import Document, parse
from adapters.sandbox.broker.engine import Engine
from adapters.sandbox.broker.handling import Handler
from adapters.sandbox.broker.reaper import Reaper
from adapters.sandbox.broker.wire import LONGEST_HEAD
from adapters.sandbox.broker.workspaces import Workspaces
from domain.errors import SandboxFailed

PROFILE = Path(__file__).parents[1] / "seccomp.json"
SANDBOX_SOCKET, LAUNCHER_SOCKET = "sandbox.sock", "launcher.sock"


async def serve(config: BrokerConfig) -> None:
    """Serve until cancelled. It may be killed at any time: the next one goes on where it stopped.

    Raises:
        SandboxFailed: another broker serves this folder, or the sockets cannot be made.
    """
    with _alone(config.sockets):
        containers = Containers(config, Engine(config.docker), strict_profile())
        workspaces = Workspaces(containers)
        async with asyncio.TaskGroup() as tasks:
            sandbox = _bound(config.sockets, SANDBOX_SOCKET, config.socket_mode, config.sandbox_group)
            tasks.create_task(_offer(sandbox, Handler(containers, workspaces, Role.SANDBOX)))
            if config.worker:
                launcher = _bound(config.sockets, LAUNCHER_SOCKET, config.socket_mode, config.launcher_group)
                tasks.create_task(_offer(launcher, Handler(containers, workspaces, Role.LAUNCHER)))
            tasks.create_task(Reaper(containers).run())


def strict_profile() -> Document:
    """Return the seccomp profile of every sandbox."""
    return parse(PROFILE.read_bytes())


async def _offer(listening: socket.socket, handler: Handler) -> None:
    server = await asyncio.start_unix_server(handler, sock=listening, limit=LONGEST_HEAD)
    async with server:
        await server.serve_forever()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    with (folder / "broker.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SandboxFailed(f"another container broker serves {folder}") from error
        yield


def _bound(folder: Path, name: str, mode: int, group: int) -> socket.socket:
    """Listen at `folder/name`, however long that path is, with its rights set before anybody can connect."""
    path = folder / name
    if path.exists() and not stat.S_ISSOCK(path.stat(follow_symlinks=False).st_mode):
        raise SandboxFailed(f"{path} is in the way")
    path.unlink(missing_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        os.close(descriptor)
    os.chown(path, -1, group)
    path.chmod(mode)
    listening.listen(128)
    return listening
