"""The Docker engine's own socket: the only place that opens it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h11

PIECE: Final = 64 * 1024
LARGEST_ANSWER: Final = 16 * 1024 * 1024


class EngineAway(Exception):
    """The engine cannot be reached, or stopped answering."""


@dataclass(slots=True)
class Reply:
    """An answer whose head is read."""

    status: int
    kind: str  #: its content type
    length: int | None
    api: str  #: the newest version of its API that the engine speaks
    switched: bool  #: from here on bytes flow both ways
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    protocol: h11.Connection

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""
        while not isinstance(event := await _event(self.protocol, self.reader), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                yield bytes(event.data)

    async def content(self, limit: int = LARGEST_ANSWER) -> bytes:
        """Return the body's first `limit` bytes."""
        kept = bytearray()
        async for piece in self.pieces():
            kept += piece
            if len(kept) >= limit:
                break
        return bytes(kept[:limit])


@dataclass(frozen=True, slots=True)
class Engine:
    socket: Path

    @asynccontextmanager
    async def ask(
        self, method: str, target: str, document: dict[str, Any] | None = None, *, upgrade: bool = False
    ) -> AsyncIterator[Reply]:
        """Send one request on a connection of its own, which is closed at the end.

        Raises:
            EngineAway: no answer came; whether the request was carried out is not known.
        """
        try:
            reader, writer = await asyncio.open_unix_connection(str(self.socket), limit=PIECE)
        except OSError as error:
            raise EngineAway(f"the Docker engine cannot be reached: {error.strerror}") from error
        try:
            protocol = h11.Connection(h11.CLIENT)
            writer.write(_written(protocol, method, target, document, upgrade))
            yield await _reply(protocol, reader, writer)
        finally:
            writer.close()

    async def read(self, method: str, target: str) -> tuple[int, Any]:
        """Return the status and the document of a short answer; None for an answer without one."""
        async with self.ask(method, target) as reply:
            content = await reply.content()
        try:
            return reply.status, json.loads(content) if content.strip() else None
        except ValueError as error:
            raise EngineAway("the Docker engine does not answer with JSON") from error


def _written(
    protocol: h11.Connection, method: str, target: str, document: dict[str, Any] | None, upgrade: bool
) -> bytes:
    content = b"" if document is None else json.dumps(document).encode()
    headers = [("host", "docker"), ("connection", "Upgrade" if upgrade else "close")]
    headers += [("upgrade", "tcp")] if upgrade else []
    headers += [("content-type", "application/json")] if document is not None else []
    headers += [("content-length", str(len(content)))] if method == "POST" else []
    head = protocol.send(h11.Request(method=method, target=target, headers=headers)) or b""
    body = protocol.send(h11.Data(data=content)) or b"" if content else b""
    return head + body + (protocol.send(h11.EndOfMessage()) or b"")


async def _reply(protocol: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Reply:
    while True:
        event = await _event(protocol, reader)
        switched = isinstance(event, h11.InformationalResponse) and event.status_code == 101
        if switched or isinstance(event, h11.Response):
            break
    headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
    length = headers.get("content-length")
    kind = headers.get("content-type", "application/octet-stream")
    api = headers.get("api-version", "")
    return Reply(event.status_code, kind, int(length) if length else None, api, switched, reader, writer, protocol)


async def _event(protocol: h11.Connection, reader: asyncio.StreamReader) -> Any:
    try:
        while (event := protocol.next_event()) is h11.NEED_DATA:
            protocol.receive_data(await reader.read(PIECE))
    except (ConnectionError, h11.RemoteProtocolError) as error:
        raise EngineAway(f"the Docker engine went away: {error}") from error
    if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
        raise EngineAway("the Docker engine went away")
    return event
