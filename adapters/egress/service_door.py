"""The one door of the factory's own services, where they are in a network without a way out: a port of the broker's.

Whoever reaches the port may use it: the network it is on is what tells the services from others.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from adapters.egress.exchange import Shared
from adapters.egress.journal import Journal
from adapters.egress.layout import Layout
from adapters.egress.opening import BACKLOG, Opening
from domain.egress import Door, Purpose
from domain.errors import EgressUnavailable

NAME: Final = "services"
BEFORE: Final = "services.before"  #: of its log, when the present one was full
WITHOUT_END: Final = 2**62  #: bytes: the services are there for as long as the factory is

log = structlog.get_logger("egress")


@dataclass(frozen=True)
class ServiceDoor:
    """`places` are `host:port` that an operator named; they may be on a private network."""

    host: str
    port: int
    places: tuple[str, ...]


class LastingJournal(Journal):
    """A log that begins anew when it is full, the one before it kept."""

    def __init__(self, layout: Layout, shared: Shared) -> None:
        self._layout, self._shared = layout, shared
        super().__init__(layout.log(NAME), shared.limits)

    @property
    def full(self) -> bool:
        if self._size >= self._limits.log_bytes and not self._broken:
            self.close()
            self._layout.log(NAME).replace(self._layout.log(BEFORE))
            super().__init__(self._layout.log(NAME), self._shared.limits)
        return self._broken


@asynccontextmanager
async def service_door(layout: Layout, shared: Shared, told: ServiceDoor | None) -> AsyncIterator[None]:
    """Keep the door open as long as the block lasts; without one told there is none.

    Raises:
        EgressUnavailable: the port cannot be had.
    """
    if told is None:
        yield
        return
    door = Door(
        id=NAME,
        run_id=NAME,
        purpose=Purpose.SERVICE,
        allow=told.places,
        exempt=told.places,
        upload_limit=WITHOUT_END,
    )
    try:
        listening = socket.create_server((told.host, told.port), backlog=BACKLOG)
    except OSError as error:
        raise EgressUnavailable(f"the services' door cannot listen on {told.host}:{told.port}: {error}") from error
    listening.setblocking(False)
    opening = Opening(door, NAME, shared, LastingJournal(layout, shared))
    opening.start_on(listening)
    log.info("egress.opened", door=NAME, places=told.places)
    try:
        yield
    finally:
        await opening.stop()
