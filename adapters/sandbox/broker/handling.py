"""One connection of one role: read, judge, pass on. Every refusal is logged with its reasons, never with a body."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import h11
import structlog

from adapters.sandbox.broker.config import Role
from adapters.sandbox.broker.containers import Containers
from adapters.sandbox.broker.documents import LARGEST, Document, Malformed, blank, parse
from adapters.sandbox.broker.engine import EngineAway
from adapters.sandbox.broker.relay import pass_on, splice
from adapters.sandbox.broker.routes import Route, own_list, route
from adapters.sandbox.broker.wire import Exchange, Missing, Refusal, read_request, say_refusal
from adapters.sandbox.broker.workspaces import Workspaces
from domain.errors import SandboxFailed, StorageFull

MOST_CONNECTIONS = 512
log = structlog.get_logger()
Action = Callable[[Exchange, Route], Awaitable[None]]


class Handler:
    """Serves the connections of one socket."""

    def __init__(self, containers: Containers, workspaces: Workspaces, role: Role) -> None:
        self._containers = containers
        self._role = role
        self._serving: set[asyncio.Task[object] | None] = set()  #: kept, or a task whose client has gone may vanish
        own: dict[str, Action] = {name: getattr(workspaces, name.replace(" ", "_")) for name in OWN}
        self._actions: dict[str, Action] = {
            **dict.fromkeys(("ping", "version"), self._plainly),
            **dict.fromkeys(("inspect", "kill", "stop", "wait", "resize", "remove"), self._on_own),
            "image": self._image,
            "create": self._create,
            "list": self._list,
            "start": self._start,
            "attach": self._attach,
            "network": self._network,
            "connect": self._connect,
            **own,
        }

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request; nothing a client sends or leaves out ends more than its own connection."""
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, h11.ProtocolError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self._serving.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = None
        try:
            if len(self._serving) > MOST_CONNECTIONS:
                raise Refusal(503, "too many connections")
            if exchange := await read_request(reader, writer):
                await self._act(exchange)
        except Refusal as refusal:
            await self._refuse(writer, exchange, refusal)
        except (EngineAway, SandboxFailed) as error:
            await self._refuse(writer, exchange, Refusal(503, str(error)))
        except StorageFull as error:
            await self._refuse(writer, exchange, Refusal(507, str(error)))
        except (ConnectionError, h11.ProtocolError):
            raise
        except Exception as error:  # noqa: BLE001 - a fault in one request must not end the others
            log.error("a request failed", role=self._role.name.lower(), fault=f"{type(error).__name__}: {error}"[:300])
            await self._refuse(writer, exchange, Refusal(500, "the broker failed; its log says how"))

    async def _act(self, exchange: Exchange) -> None:
        asked = route(exchange.method, exchange.target, self._role)
        if isinstance(asked, str):
            raise Refusal(403, asked)
        await self._actions[asked.action](exchange, asked)

    async def _refuse(self, writer: asyncio.StreamWriter, exchange: Exchange | None, refusal: Refusal) -> None:
        method, path = (exchange.method, exchange.target.partition("?")[0]) if exchange else ("", "")
        if not isinstance(refusal, Missing):
            log.warning("refused", role=self._role.name.lower(), method=method, path=path[:300], reasons=refusal.words)
        if exchange is None:
            await say_refusal(writer, refusal)
        elif not exchange.answered:
            await exchange.answer(refusal.status, {"message": "container broker: " + "; ".join(refusal.words)})
            await exchange.linger()

    async def _plainly(self, exchange: Exchange, asked: Route) -> None:
        await self._forward(exchange, asked, "/_ping" if asked.action == "ping" else "/version")

    async def _forward(self, exchange: Exchange, asked: Route, path: str, document: Document | None = None) -> None:
        if exchange.length and document is None:
            raise Refusal(400, "no body belongs to this request")
        async with self._containers.engine.ask(asked.method, asked.at(path), document) as reply:
            await pass_on(exchange, reply)

    async def _image(self, exchange: Exchange, asked: Route) -> None:
        worker = self._containers.config.worker
        known = (
            await self._containers.images(asked.reference) if self._role is Role.SANDBOX else {worker and worker.image}
        )
        if asked.reference not in known:
            raise Refusal(404, f"No such image: {asked.reference}")
        await self._forward(exchange, asked, f"/images/{asked.reference}/json")

    async def _create(self, exchange: Exchange, asked: Route) -> None:
        document = await _document(exchange)
        judgement = await self._containers.judge(document, self._role)
        await self._forward(exchange, asked, "/containers/create", judgement.document)

    async def _list(self, exchange: Exchange, asked: Route) -> None:
        query = own_list(asked.query, self._containers.config.home, self._role)
        if isinstance(query, str):
            raise Refusal(403, query)
        await self._forward(exchange, replace(asked, query=query), "/containers/json")

    async def _on_own(self, exchange: Exchange, asked: Route) -> None:
        found = await self._containers.owned(asked.reference, self._role)
        path = f"/containers/{found['Id']}"
        suffix = {"inspect": "/json", "remove": ""}.get(asked.action, f"/{asked.action}")
        await self._forward(exchange, asked, path + suffix)

    async def _start(self, exchange: Exchange, asked: Route) -> None:
        found = await self._containers.owned(asked.reference, self._role)
        if self._role is Role.SANDBOX:
            await self._containers.refuse_changed_sources(found)
        await self._forward(exchange, asked, f"/containers/{found['Id']}/start")

    async def _attach(self, exchange: Exchange, asked: Route) -> None:
        if not exchange.upgrade or exchange.length:
            raise Refusal(400, "attaching needs `Upgrade: tcp` and no body")
        found = await self._containers.owned(asked.reference, self._role)
        target = asked.at(f"/containers/{found['Id']}/attach")
        async with self._containers.engine.ask("POST", target, upgrade=True) as reply:
            await (splice if reply.switched else pass_on)(exchange, reply)

    async def _network(self, exchange: Exchange, asked: Route) -> None:
        found = await self._containers.network(asked.reference)
        await exchange.answer(200, {"Id": found["Id"], "Name": found["Name"]})

    async def _connect(self, exchange: Exchange, asked: Route) -> None:
        document = await _document(exchange)
        if set(document) - {"Container", "EndpointConfig"} or not blank(document.get("EndpointConfig")):
            raise Refusal(403, "only a container is connected, with nothing said about it")
        network = await self._containers.network(asked.reference)
        reference = document.get("Container")
        if not isinstance(reference, str) or not reference.isalnum():
            raise Refusal(403, "Container")
        found = await self._containers.owned(reference, self._role)
        await self._forward(exchange, asked, f"/networks/{network['Id']}/connect", {"Container": found["Id"]})


OWN = (
    "disks", "make disk", "remove disk", "collect", "lend", "catch", "usage",
)  # fmt: skip


async def _document(exchange: Exchange) -> Document:
    try:
        return parse(await exchange.body(LARGEST))
    except Malformed as error:
        raise Refusal(400, str(error)) from error
