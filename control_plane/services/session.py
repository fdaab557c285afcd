"""Services for as long as one command needs them: somebody else's when they run, else our own children."""

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

import structlog

from control_plane.services.beat import is_alive
from control_plane.services.home_lock import HomeLock
from control_plane.services.keeper import Keeper, Tell
from control_plane.services.plan import (
    Service,
    code_server,
    container_broker,
    daemon,
    egress_broker,
    prepare_dagster_home,
)
from domain.errors import FactoryError
from resources.brokers import may_use_docker
from resources.wiring import Factory
from sensors.leftovers import Leftovers

log = structlog.get_logger()


class ServiceSession:
    """A context that keeps services available; ensure() is called again and again while one waits."""

    def __init__(self, factory: Factory, tell: Tell, what: str) -> None:
        self._factory = factory
        self._tell = tell
        self._what = what
        self._lock = HomeLock(factory.settings.home)
        self._keeper: Keeper | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ensure(self) -> None:
        """Keep our services up, or start some when nobody's are alive.

        Raises:
            ServiceFailed: they do not come up.
        """
        if self._keeper is not None:
            self._keeper.check()
        elif not is_alive(self._factory) and self._lock.take(self._what):
            self._tell("starting the services …")
            self._keeper = keeper(self._factory, core_services(self._factory), self._tell)
            self._keeper.start()

    @property
    def owns(self) -> bool:
        return self._keeper is not None

    def drain(self) -> bool:
        """Let nothing new start under our services; tell whether they carry no run any more."""
        if self._keeper is None:
            return True
        self._keeper.retire("daemon")
        return self._keeper.idle()

    def close(self) -> None:
        if self._keeper is not None:
            self._keeper.stop()
            self._keeper = None
        self._lock.release()


def keeper(factory: Factory, services: list[Service], tell: Tell) -> Keeper:
    """Return a keeper that leaves no sandbox of its runs behind."""

    def clear() -> None:
        try:
            Leftovers(factory).clear()
        except FactoryError as error:
            log.warning("sandboxes_left", code=error.code, reason=error.message)

    return Keeper(factory.settings, services, tell, clear)


def core_services(factory: Factory, since: Callable[[], datetime] | None = None) -> list[Service]:
    """Return the brokers, code server and daemon; with `FACTORY_WORKSPACE` no code server: that file names one."""
    settings = factory.settings
    began = (since or factory.now)()
    workspace = prepare_dagster_home(settings)
    beating = daemon(settings, workspace, lambda: is_alive(factory, began))
    brokers = [egress_broker(factory), *([container_broker(settings)] if may_use_docker(settings) else [])]
    return [*brokers, *([] if settings.workspace else [code_server(settings)]), beating]
