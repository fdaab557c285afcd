"""One HTTP request carried to its server and the answer carried back, streamed both ways.

One request a connection on both sides, so nothing can hide behind another request.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import h11

from adapters.egress.passage import Passage
from adapters.egress.refusing import Refused
from adapters.egress.scrubbing import NOTHING, Needles, Scrubber, scrubbed
from adapters.egress.wire import Wire

Headers = list[tuple[bytes, bytes]]
HOP_BY_HOP = {
    b"connection", b"expect", b"host", b"keep-alive", b"proxy-authenticate", b"proxy-authorization",
    b"proxy-connection", b"te", b"trailer", b"upgrade",
}  # fmt: skip
OVERRIDING = {  # would have the server take the request for another one, or for somebody else's
    b"forwarded", b"max-forwards", b"via", b"x-http-method", b"x-http-method-override", b"x-method-override",
    b"x-real-ip",
}  # fmt: skip
OVERRIDING_TOO = (b"x-forwarded-", b"x-original-", b"x-rewrite-")
MUST_SIGN_IN = 407
FRAMING = {b"content-length", b"transfer-encoding"}


@dataclass(frozen=True)
class Asked:
    """What goes to the server, and the key's spellings that must not come back."""

    method: bytes
    target: str
    headers: Headers
    needles: Needles = NOTHING
    proxied: bool = False  #: a proxy of ours is asked, which may have words of its own


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers that are meant for the other end; those of the framing stay."""
    pairs = [(bytes(name), bytes(value)) for name, value in headers]
    named = {
        word.strip().lower() for name, value in pairs if name == b"connection" for word in value.split(b",")
    } - FRAMING
    return [(name, value) for name, value in pairs if name not in HOP_BY_HOP | named]


def onward(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return a request's headers as they may go on to its server: what was checked here must be what it does."""
    return [
        (name, value)
        for name, value in end_to_end(headers)
        if spelled(name) not in OVERRIDING and not spelled(name).startswith(OVERRIDING_TOO)
    ]


def spelled(name: bytes) -> bytes:
    """Return a header's name as it is compared: many servers take `_` for `-`."""
    return name.replace(b"_", b"-")


async def forward(passage: Passage, client: Wire, server: Wire, asked: Asked) -> None:
    """Carry a request and its answer.

    Raises:
        Refused: either side breaks HTTP, the door has let out all it may, or the answer could hide a key.
    """
    await server.send(h11.Request(method=asked.method, target=asked.target, headers=asked.headers))
    upload = asyncio.create_task(_upload(client, server))
    download = asyncio.create_task(_download(passage, client, server, asked))
    try:
        await asyncio.wait({upload, download}, return_when=asyncio.FIRST_COMPLETED)
        if upload.done():
            upload.result()
        await download
    finally:
        for task in (upload, download):
            task.cancel()
        await asyncio.gather(upload, download, return_exceptions=True)


async def _upload(client: Wire, server: Wire) -> None:
    while not isinstance(event := await client.receive(), h11.EndOfMessage):
        if isinstance(event, h11.ConnectionClosed):
            raise Refused("malformed", 400)
        try:
            await server.send(event)
        except ConnectionError:
            return  # it has heard enough; its answer decides
    await server.send(h11.EndOfMessage())  # without trailers


async def _download(passage: Passage, client: Wire, server: Wire, asked: Asked) -> None:
    while isinstance(event := await server.receive(), h11.InformationalResponse):
        continue
    if not isinstance(event, h11.Response):
        raise Refused("bad-answer", 502)
    if asked.proxied and event.status_code == MUST_SIGN_IN:
        raise Refused("proxy-sign-in", 502)
    headers = _returned(event, asked.needles)
    passage.opened = True
    await client.send(h11.Response(status_code=event.status_code, headers=headers))
    scrubber = Scrubber(asked.needles)
    while isinstance(event := await server.receive(), h11.Data):
        if data := scrubber.feed(bytes(event.data)):
            await client.send(h11.Data(data=data))
    if not isinstance(event, h11.EndOfMessage):
        raise Refused("bad-answer", 502)
    await client.send(h11.Data(data=scrubber.flush()))
    await client.send(h11.EndOfMessage())


def _returned(answer: h11.Response, needles: Needles) -> Headers:
    headers = [pair for pair in end_to_end(answer.headers) if pair[0] != b"transfer-encoding"]
    if needles.windows and any(name == b"content-encoding" and value.lower() != b"identity" for name, value in headers):
        raise Refused("encoded-answer", 502)  # a key in it could not be seen
    clean = [(scrubbed(name, needles), scrubbed(value, needles)) for name, value in headers]
    return [*clean, (b"connection", b"close")]
