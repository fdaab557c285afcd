"""One request of one client, read strictly, and its answer. A connection carries one request."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import h11

LONGEST_HEAD: Final = 32 * 1024
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 120.0  #: between two pieces of a body
LINGER_SECONDS: Final = 10.0
PIECE: Final = 64 * 1024
#: what programs differ about: folded header lines, and lines that end in one character only
AMBIGUOUS: Final = re.compile(rb"\n[ \t]|(?<!\r)\n|\r(?!\n)|\0")

LENGTH: Final = re.compile(rb"\ncontent-length", re.IGNORECASE)
LISTED_LENGTH: Final = re.compile(rb"\ncontent-length[^\r]*,", re.IGNORECASE)


class Refusal(Exception):
    """What is asked will not be done; the client is told the status and all the words."""

    def __init__(self, status: int, *words: str) -> None:
        super().__init__(*words)
        self.status = status
        self.words = words


class Missing(Refusal):
    """There is no such file: an answer like any other, and nothing to be logged."""

    def __init__(self, *words: str) -> None:
        super().__init__(404, *words)


@dataclass(slots=True)
class Exchange:
    """A request whose head is read."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    protocol: h11.Connection
    method: str
    target: str
    length: int  #: of the body, in bytes
    upgrade: bool
    answered: bool = field(default=False)

    async def body(self, limit: int) -> bytes:
        """Raises Refusal when the body is larger than `limit` bytes or does not come."""
        return b"".join([piece async for piece in self.pieces(limit)])

    async def pieces(self, limit: int) -> AsyncIterator[bytes]:
        if self.length > limit:
            raise Refusal(413, f"the body is larger than {limit} bytes")
        left = self.length
        while left:
            piece = await _in_time(self.reader.read(min(left, PIECE)), BODY_SECONDS)
            if not piece:
                raise Refusal(400, "the body ends early")
            left -= len(piece)
            yield piece

    async def begin(self, status: int, kind: str, length: int | None = None, api: str = "") -> None:
        """Send the head of the answer; without a length, its end is marked. `api` is the engine's newest version."""
        headers = [("content-type", kind), ("connection", "close")]
        headers += [("api-version", api)] if api else []
        headers += [] if length is None else [("content-length", str(length))]
        self.answered = True
        await self._send(h11.Response(status_code=status, headers=headers))

    async def switch(self, kind: str) -> None:
        """Answer that from here on bytes flow both ways."""
        headers = [("content-type", kind), ("connection", "Upgrade"), ("upgrade", "tcp")]
        self.answered = True
        await self._send(h11.InformationalResponse(status_code=101, headers=headers, reason=b"UPGRADED"))

    async def send(self, piece: bytes) -> None:
        await self._send(h11.Data(data=piece))

    async def finish(self) -> None:
        await self._send(h11.EndOfMessage())

    async def answer(self, status: int, document: object = None) -> None:
        content = b"" if document is None else json.dumps(document).encode()
        await self.begin(status, "application/json", None if status == 204 else len(content))
        if content and self.method != "HEAD":
            await self.send(content)
        await self.finish()

    async def _send(self, event: h11.Event) -> None:
        self.writer.write(self.protocol.send(event) or b"")
        await self.writer.drain()

    async def linger(self) -> None:
        """Let a client that is still sending come to the answer, which a closed connection would take from it."""
        if not self.length:
            return
        self.writer.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while await self.reader.read(PIECE):
                    pass


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange | None:
    """Return the next request of a connection; None when it ends before one.

    Raises:
        Refusal: the head is not plain HTTP/1.1 with at most one body of a told length.
    """
    try:
        head = await _in_time(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Refusal(400, "the head ends early") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise Refusal(431, "the head is too large") from error
    protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=LONGEST_HEAD)
    request = _parsed(protocol, head)
    headers = dict(request.headers)
    if b"transfer-encoding" in headers:
        raise Refusal(411, "say the length of the body")
    return Exchange(
        reader,
        writer,
        protocol,
        method=request.method.decode("ascii"),
        target=request.target.decode("ascii"),
        length=int(headers.get(b"content-length", b"0")),
        upgrade=headers.get(b"upgrade", b"").lower() == b"tcp",
    )


def _parsed(protocol: h11.Connection, head: bytes) -> h11.Request:
    if AMBIGUOUS.search(head) or len(LENGTH.findall(head)) > 1 or LISTED_LENGTH.search(head):
        raise Refusal(400, "the head can be read in two ways")
    try:
        protocol.receive_data(head)
        request = protocol.next_event()
        if not isinstance(request, h11.Request) or request.http_version not in (b"1.0", b"1.1"):
            raise Refusal(400, "not a request of HTTP/1.1")
        protocol.next_event()
    except h11.RemoteProtocolError as error:
        raise Refusal(400, f"not HTTP/1.1: {error}") from error
    return request


async def _in_time(reading: Coroutine[object, object, bytes], seconds: float) -> bytes:
    try:
        return await asyncio.wait_for(reading, seconds)
    except TimeoutError as error:
        raise Refusal(408, f"nothing came for {seconds:.0f} s") from error


async def say_refusal(writer: asyncio.StreamWriter, refusal: Refusal) -> None:
    """Answer a request that could not even be read."""
    content = json.dumps({"message": "; ".join(refusal.words)}).encode()
    head = f"HTTP/1.1 {refusal.status} Refused\r\nConnection: close\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(content) + content)
    await writer.drain()
