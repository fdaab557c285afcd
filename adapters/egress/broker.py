"""The egress broker: keeps the doors that lie as files under its root. Killed at any moment and started again,
it serves the same doors; it holds nothing that the files do not.
"""

import asyncio
import fcntl
import hashlib
import math
import os
import ssl
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import structlog

from adapters.egress.dialing import Dialer
from adapters.egress.exchange import Shared
from adapters.egress.journal import Journal
from adapters.egress.layout import SOCKET, Layout
from adapters.egress.limits import Limits
from adapters.egress.opening import Opening
from adapters.egress.places import places_of_process
from adapters.egress.proxying import proxied
from adapters.egress.service_door import ServiceDoor, service_door
from adapters.egress.upstreams import servers_of
from domain.egress import Door, Network, Upstream
from domain.errors import EgressUnavailable

PERIOD = 0.05  # seconds between two looks at the doors
FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0  # seconds before trying again what the machine could not do; doubled each time
LOCK_PATIENCE = 1.0  # seconds: whoever asks whether a broker is alive holds the lock for a moment
DOOR_BYTES = 1024**2
THREADS = 64  # looking up names

log = structlog.get_logger("egress")
Signature = tuple[int, int, int]


async def serve(
    root: Path,
    upstreams: Sequence[Upstream],
    secret: Callable[[str], str | None],
    limits: Limits | None = None,
    services: ServiceDoor | None = None,
    network: Network | None = None,
) -> None:
    """Serve the doors under the root, and that of the services, until cancelled, and close them then.

    `secret` returns the value of a credential by its name, or None; it is asked in another thread, at each use.
    `network` is how the outside is reached, where that is declared.

    Raises:
        EgressUnavailable: another broker serves this root, or the services' port is taken.
        InvalidInput: an upstream is none.
    """
    limits = limits or Limits()
    layout = Layout(root)
    layout.make()
    servers = servers_of(upstreams)
    threads = ThreadPoolExecutor(THREADS, "look-up")
    places = places_of_process(limits.connections)
    network = network or Network()
    trusted = ssl.create_default_context(cafile=network.ca_bundle)
    direct = Dialer(threads, limits.dial_seconds)
    dialer = proxied(direct, network.proxy, secret, trusted) if network.proxy else direct
    shared = Shared(servers, secret, dialer, trusted, limits, places)
    try:
        with _quiet_about_names():
            async with _locked(layout.lock), service_door(layout, shared, services):
                await Broker(layout, shared).run()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


@dataclass
class Kept:
    """What is known of one door file."""

    signature: Signature | None = None
    opening: Opening | None = None
    trouble: str = ""  #: that was reported last
    pause: float = FIRST_PAUSE
    due: float = math.inf  #: when to try again what the machine could not do


class Broker:
    """Makes what is open what the door files say, over and over."""

    def __init__(self, layout: Layout, shared: Shared) -> None:
        self._layout = layout
        self._shared = shared
        self._kept: dict[str, Kept] = {}
        self._trouble = ""

    async def run(self) -> None:
        try:
            while True:
                await self._look()
                await asyncio.sleep(PERIOD)
        finally:
            for door_id, kept in self._kept.items():
                await self._shut(door_id, kept)

    async def _look(self) -> None:
        """Look at the doors; what cannot be seen now is seen the next time, and what is open stays so."""
        try:
            await self.look()
            self._trouble = ""
        except OSError as error:
            if self._trouble != str(error):
                self._trouble = str(error)
                log.warning("egress.doors_not_seen", reason=self._trouble[:500])

    async def look(self) -> None:
        """Open what is new, renew what changed, close what is gone.

        Raises:
            OSError: the machine does not let it look.
        """
        found = dict(_files(self._layout.doors))
        for door_id in self._kept.keys() - found.keys():
            await self._shut(door_id, self._kept.pop(door_id))
        for door_id, signature in found.items():
            kept = self._kept.setdefault(door_id, Kept())
            if kept.opening is not None and not kept.opening.stands():
                await self._shut(door_id, kept)  # its folder was made anew
                kept.signature = None
            if kept.signature != signature or monotonic() >= kept.due:
                kept.signature, kept.due = signature, math.inf
                await self._renew(door_id, kept)

    async def _renew(self, door_id: str, kept: Kept) -> None:
        try:
            door, digest = _read(self._layout.door(door_id))
            await self._show(door, digest, kept)
            kept.trouble, kept.pause = "", FIRST_PAUSE
        except OSError as error:
            kept.due = monotonic() + kept.pause  # the machine may do better then
            kept.pause = min(2 * kept.pause, LAST_PAUSE)
            await self._refuse(door_id, kept, str(error))
        except (ValueError, EgressUnavailable) as error:
            await self._refuse(door_id, kept, str(error))

    async def _show(self, door: Door, digest: str, kept: Kept) -> None:
        if kept.opening is None:
            journal = await asyncio.to_thread(Journal, self._layout.log(door.id), self._shared.limits)
            opening = Opening(door, digest, self._shared, journal)
            try:
                opening.start(self._layout.sockets(door.id))
            except OSError:
                journal.close()
                raise
            kept.opening = opening
            log.info("egress.opened", door=door.id, run=door.run_id, purpose=door.purpose.value)
        kept.opening.door, kept.opening.digest = door, digest

    async def _refuse(self, door_id: str, kept: Kept, words: str) -> None:
        if kept.trouble != words:
            kept.trouble = words
            log.warning("egress.door_refused", door=door_id[:100], reason=words[:500])
        await self._shut(door_id, kept)

    async def _shut(self, door_id: str, kept: Kept) -> None:
        if kept.opening is not None:
            await kept.opening.stop()
            kept.opening = None
            with suppress(OSError):  # its folder is gone, or another thing lies there
                (self._layout.sockets(door_id) / SOCKET).unlink()
            log.info("egress.closed", door=door_id)


def _files(folder: Path) -> Iterator[tuple[str, Signature]]:
    """Yield each door file's id with what changes when it does; files being written begin with a dot.

    Raises:
        OSError: the folder cannot be read; one that is not there holds no door.
    """
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".json") and not entry.name.startswith("."):
                with suppress(FileNotFoundError):
                    found = entry.stat(follow_symlinks=False)
                    yield entry.name.removesuffix(".json"), (found.st_mtime_ns, found.st_ino, found.st_size)


def _read(path: Path) -> tuple[Door, str]:
    """Return a door with the digest of its file.

    Raises:
        ValueError: the file holds no door of this name.
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError("not a regular file")
    with path.open("rb") as file:
        content = file.read(DOOR_BYTES + 1)
    if len(content) > DOOR_BYTES:
        raise ValueError(f"more than {DOOR_BYTES} bytes")
    door = Door.model_validate_json(content)
    if f"{door.id}.json" != path.name:
        raise ValueError("the door in it has another id")
    return door, hashlib.sha256(content).hexdigest()


@contextmanager
def _quiet_about_names() -> Iterator[None]:
    """Keep Python from printing a complaint for each TLS server name that is no text: a client could fill a disk."""
    before = sys.unraisablehook

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        if not isinstance(unraisable.exc_value, UnicodeDecodeError):
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    """Hold the root alone.

    Raises:
        EgressUnavailable: another broker does.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    deadline = asyncio.get_running_loop().time() + LOCK_PATIENCE
    try:
        while not _lock(descriptor):
            if asyncio.get_running_loop().time() > deadline:
                raise EgressUnavailable(f"another egress broker serves {path.parent}")
            await asyncio.sleep(PERIOD)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
