"""Run a broker as a process until it is told to stop."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable

from domain.errors import FactoryError
from resources.settings import Settings, load_settings, prepare_home

WITH_PARENT = "--with-parent"  #: end when the process that started this one is gone
ORPHAN_SECONDS = 0.5


def serve_until_told(prepare: Callable[[Settings], Callable[[], Awaitable[None]]]) -> None:
    """Read the settings, let `prepare` make the service of them, and run it until SIGTERM or SIGINT."""
    try:
        settings = load_settings()
        prepare_home(settings)
        _take_descriptors()
        asyncio.run(_run(prepare(settings)))
    except FactoryError as error:
        sys.exit(str(error))


def _take_descriptors() -> None:
    """A broker holds some for each of many sandboxes: it takes as many as it may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _run(service: Callable[[], Awaitable[None]]) -> None:
    serving = asyncio.ensure_future(service())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    watch = asyncio.create_task(_end_with_parent(serving)) if WITH_PARENT in sys.argv else None
    try:
        await serving
    except asyncio.CancelledError:
        return
    finally:
        if watch is not None:
            watch.cancel()


async def _end_with_parent(serving: "asyncio.Future[None]") -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(ORPHAN_SECONDS)
    serving.cancel()
