"""`factory up`: the services of a home in the foreground, until they are told to stop or cannot go on."""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from control_plane.front_token import front_token
from control_plane.services.home_lock import HomeLock
from control_plane.services.keeper import Tell
from control_plane.services.plan import front_door, prepare_dagster_home
from control_plane.services.session import core_services, keeper
from domain.errors import ServiceFailed
from resources.wiring import Factory

PORT = 3000
HOST = "127.0.0.1"


class StopRequested(BaseException):
    """SIGTERM or SIGINT arrived; never swallowed on its way up."""


def serve(factory: Factory, *, port: int | None, tell: Tell, announce: Callable[[str], None]) -> None:
    """Run code server, daemon and front door until a signal; `announce` gets the address once all are ready.

    Raises:
        ServiceFailed: another owner, no free port, or a service that keeps dying.
    """
    lock = HomeLock(factory.settings.home)
    lock.require("factory up")
    with _signals():
        chosen = choose_port(port)
        workspace = prepare_dagster_home(factory.settings)
        services = [*core_services(factory), front_door(factory.settings, workspace, chosen)]
        running = keeper(factory, services, tell)
        try:
            token = front_token(factory.settings.home)
            running.start()
            announce(f"http://{HOST}:{chosen}/?token={token}")
            while True:
                time.sleep(0.5)
                running.check()
        except StopRequested:
            tell("stopping …")
        finally:
            _ignore_signals()
            running.stop()
            lock.release()


def choose_port(wanted: int | None) -> int:
    """Return the wanted port, or the default one, or any free one.

    Raises:
        ServiceFailed: the wanted one is taken.
    """
    for candidate in (wanted,) if wanted else (PORT, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServiceFailed(f"port {wanted} of {HOST} is taken: choose another with --port")


@contextmanager
def _signals() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise StopRequested

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """A second Ctrl-C must not leave half of the tree behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
