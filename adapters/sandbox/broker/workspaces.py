"""The broker's own requests: workspaces of limited size, prepared environments, looks into containers."""

import asyncio
import re
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import structlog

from adapters.sandbox.broker import namespaces
from adapters.sandbox.broker.binds import NAME
from adapters.sandbox.broker.config import Role
from adapters.sandbox.broker.containers import Containers
from adapters.sandbox.broker.documents import Malformed, parse
from adapters.sandbox.broker.made_of import ID, keep_image
from adapters.sandbox.broker.outfiles import open_to_read, open_to_write
from adapters.sandbox.broker.routes import Route
from adapters.sandbox.broker.wire import PIECE, Exchange, Refusal
from adapters.sandbox.disk import SMALLEST, Bounds, make_disk, open_environment, remove_disk

LARGEST_ORDER = 4096
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Order:
    """A disk to make; beside it an environment that exists, or a new one with the disk's bounds."""

    size: int
    files: int
    environment: str | None
    new_environment: bool
    image: str | None  #: id of the image that its commands run in


@dataclass(frozen=True, slots=True)
class Workspaces:
    containers: Containers
    turns: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def disks(self, exchange: Exchange, _: Route) -> None:
        root = self.containers.config.roots.sandboxes
        names = sorted(found.name for found in root.iterdir()) if root.is_dir() else []
        await exchange.answer(200, [name for name in names if re.fullmatch(NAME, name)])

    async def make_disk(self, exchange: Exchange, route: Route) -> None:
        limits = self.containers.config.limits
        order = _order(await exchange.body(LARGEST_ORDER))
        if order.size > limits.disk_bytes or order.files > limits.disk_files:
            raise Refusal(403, f"at most {limits.disk_bytes} bytes and {limits.disk_files} files")
        if order.image is not None and order.image not in await self.containers.images(order.image):
            raise Refusal(404, f"No such image: {order.image} is none that policy names")
        async with self.turns[route.reference]:
            top = await self._cleared(route.reference)
            await asyncio.to_thread(self._make, top, order)
        await exchange.answer(201, {"path": str(top / "disk")})

    async def remove_disk(self, exchange: Exchange, route: Route) -> None:
        async with self.turns[route.reference]:
            await self._cleared(route.reference)
        await exchange.answer(204)

    async def _cleared(self, sandbox: str) -> Path:
        """Remove a sandbox's containers, its disk and its folder."""
        for one in await self.containers.of_sandbox(sandbox):
            await self.containers.remove(one["Id"])
        top = self.containers.config.roots.sandboxes / sandbox
        await asyncio.to_thread(_remove, top)
        return top

    async def collect(self, exchange: Exchange, route: Route) -> None:
        most = self.containers.config.limits.lent_bytes
        limit = min(int(route.query.get("limit", most)), most)
        file, size = await asyncio.to_thread(open_to_read, self._top(route), _file(route), limit)
        with file:
            await exchange.begin(200, "application/octet-stream", size)
            await _send(exchange, file, size)

    async def lend(self, exchange: Exchange, route: Route) -> None:
        if exchange.length > (most := self.containers.config.limits.lent_bytes):
            raise Refusal(413, f"at most {most} bytes")
        file = await asyncio.to_thread(open_to_write, self._top(route), _file(route))
        try:
            with file:
                async for piece in exchange.pieces(most):
                    await asyncio.to_thread(file.write, piece)
        except OSError as error:
            raise Refusal(507, f"the disk does not take it: {error.strerror}") from error
        await exchange.answer(201)

    async def catch(self, exchange: Exchange, route: Route) -> None:
        pid = await self._running(route)
        with namespaces.own_network(pid) as namespace:
            if await self._running(route) != pid:  # then the number may be somebody else's by now
                raise Refusal(409, "the container does not run")
            caught, words = await namespaces.catch(namespace)
        if not caught:
            log.warning("addresses are not caught", container=route.reference, words=words)
        await exchange.answer(200, {"caught": "addresses" if caught else "names"})

    async def _running(self, route: Route) -> int:
        """Return the process id of a running sandbox, which has no network."""
        found = await self.containers.owned(route.reference, Role.SANDBOX)
        pid = int(found["State"].get("Pid") or 0)
        if not pid or found["HostConfig"]["NetworkMode"] != "none":
            raise Refusal(409, "the container does not run without a network")
        return pid

    async def usage(self, exchange: Exchange, route: Route) -> None:
        found = await self.containers.owned(route.reference, Role.SANDBOX)
        pid = int(found["State"].get("Pid") or 0)
        told = await asyncio.to_thread(namespaces.usage, pid, found["Id"])
        out_of_memory = bool(told["out_of_memory"]) or bool(found["State"].get("OOMKilled"))
        await exchange.answer(200, {**told, "out_of_memory": out_of_memory})

    def _top(self, route: Route) -> Path:
        return self.containers.config.roots.sandboxes / route.reference

    def _make(self, top: Path, order: Order) -> None:
        top.mkdir(parents=True, mode=0o711)
        bounds = Bounds(max(order.size, SMALLEST), order.files, self._owner())
        try:
            make_disk(top, size=bounds.size, files=bounds.files, owner=bounds.owner)
            if order.environment is not None:
                image = self.containers.config.roots.environments / f"{order.environment}.img"
                open_environment(top, image, bounds if order.new_environment else None)
            if order.image is not None:
                keep_image(top, order.image)
        except BaseException:
            _remove(top)
            raise

    def _owner(self) -> int:
        return int(self.containers.config.user.partition(":")[0])


def _order(content: bytes) -> Order:
    try:
        told = parse(content)
    except Malformed as error:
        raise Refusal(400, str(error)) from error
    environment, new = told.pop("environment", None), told.pop("new_environment", False)
    made_of = told.pop("image", None)
    if made_of is not None and not (isinstance(made_of, str) and re.fullmatch(ID, made_of)):
        raise Refusal(403, "no id of an image")
    if set(told) != {"bytes", "files"} or not all(type(value) is int and value > 0 for value in told.values()):
        raise Refusal(400, 'say {"bytes": ..., "files": ...}')
    if environment is not None and not (isinstance(environment, str) and re.fullmatch(NAME, environment)):
        raise Refusal(403, "no name for an environment")
    if type(new) is not bool or (new and environment is None):
        raise Refusal(400, "new_environment")
    return Order(told["bytes"], told["files"], environment, new, made_of)


def _file(route: Route) -> str:
    if route.file in (".", ".."):
        raise Refusal(403, "not a file's name")
    return route.file


def _remove(top: Path) -> None:
    remove_disk(top)
    if top.exists():
        shutil.rmtree(top)


async def _send(exchange: Exchange, file: BinaryIO, size: int) -> None:
    """Send exactly `size` bytes; a file that shrinks meanwhile breaks the connection, so that nobody takes it whole."""
    left = size
    while left:
        piece = await asyncio.to_thread(file.read, min(left, PIECE * 16))
        if not piece:
            raise ConnectionAbortedError("the file became shorter")
        left -= len(piece)
        await exchange.send(piece)
    await exchange.finish()
