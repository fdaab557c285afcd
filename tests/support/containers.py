"""A container broker of a test's own on the real engine, and Docker sandboxes made through it."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from adapters.sandbox.broker.config import BrokerConfig, Roots
from adapters.sandbox.broker.serving import serve
from adapters.sandbox.docker import DockerSandbox, disks_of, home_id
from adapters.sandbox.engine import Engine
from tests.support.services import eventually

IMAGE = "factory-sandbox:latest"
SOCKETS = "containers"


class BrokeredDocker(DockerSandbox):
    """A Docker sandbox whose broker listens beside its root."""

    def __init__(self, root: Path, image: str = IMAGE) -> None:
        super().__init__(root, Engine(root.parent / SOCKETS / "sandbox.sock"), image)


@cache
def why_no_docker() -> str | None:
    """Return why Docker sandboxes cannot be tested here; None when they can."""
    try:
        done = subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        return f"no Docker client answers: {error}"
    return None if done.returncode == 0 else f"no Docker engine with {IMAGE}: {done.stderr.decode()[:200]}"


def config(folder: Path, images: frozenset[str] = frozenset({IMAGE})) -> BrokerConfig:
    return BrokerConfig(
        home=home_id(folder / "sandboxes"),
        sockets=folder / SOCKETS,
        roots=Roots(
            sandboxes=disks_of(folder / "sandboxes"),
            environments=folder / "environments",
            doors=folder / "egress" / "sockets",
            readable=(folder,),
        ),
        images=lambda: images,
        logs=folder / "logs",
    )


@contextmanager
def broker(folder: Path, images: frozenset[str] = frozenset({IMAGE})) -> Iterator[BrokerConfig]:
    """Serve a folder's sandboxes until the end of the block."""
    if (reason := why_no_docker()) is not None:
        pytest.skip(reason)
    told = config(folder, images)
    loop = asyncio.new_event_loop()
    serving = loop.create_task(serve(told))

    def run() -> None:
        try:
            loop.run_until_complete(serving)
        except asyncio.CancelledError:
            return
        finally:
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        eventually(Engine(told.sockets / "sandbox.sock").answers, "the container broker answers")
        yield told
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join(10)
