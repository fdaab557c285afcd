"""A tunnel: TLS from the sandbox to the server that its hello names, which nobody in between can read."""

import asyncio

import h11

from adapters.egress.dialing import Streams
from adapters.egress.passage import Passage
from adapters.egress.refusing import Refused
from adapters.egress.relay import server_name
from adapters.egress.wire import CHUNK, Count, Wire
from policy.egress import canonical, is_address


async def tunnel(passage: Passage, client: Wire, server: Streams, patience: float) -> None:
    """Answer that the tunnel stands, see who is asked for, then carry bytes until both sides have ended.

    Raises:
        Refused: it is not TLS, or names another server than the tunnel was asked for.
    """
    await client.send(h11.Response(status_code=200, headers=[]))
    passage.wait(patience)
    hello, names = await server_name(client.reader, client.early)
    if not names:
        raise Refused("not-tls")
    if canonical(names[0]) != ("" if is_address(passage.host) else passage.host):
        raise Refused("sni-mismatch")
    passage.opened = True
    passage.upward(len(hello))
    server[1].write(hello)
    await _both_ways(passage, client, server)


async def _both_ways(passage: Passage, client: Wire, server: Streams) -> None:
    up = asyncio.create_task(_pump(client.reader, server[1], passage.upward))
    down = asyncio.create_task(_pump(server[0], client.writer, passage.downward))
    try:
        await asyncio.gather(up, down)
    finally:
        up.cancel()
        down.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Count) -> None:
    while data := await reader.read(CHUNK):
        count(len(data))
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()  # TLS to a proxy has no half that could end alone
