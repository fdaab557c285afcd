"""The engine's answers on their way to a client, piece by piece: neither side waits in memory for the other."""

import asyncio
from contextlib import suppress

from adapters.sandbox.broker.engine import Reply
from adapters.sandbox.broker.wire import PIECE, Exchange


async def pass_on(exchange: Exchange, reply: Reply) -> None:
    """Send an answer on as it comes; give up when the client has gone."""
    bodiless = reply.status in (204, 304) or exchange.method == "HEAD"
    await exchange.begin(reply.status, reply.kind, None if bodiless else reply.length, reply.api)
    sending = asyncio.create_task(_send(exchange, reply, bodiless))
    leaving = asyncio.create_task(_gone(exchange))
    try:
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    finally:
        await _ended(sending, leaving)


async def _send(exchange: Exchange, reply: Reply, bodiless: bool) -> None:
    if not bodiless:
        async for piece in reply.pieces():
            await exchange.send(piece)
    await exchange.finish()


async def _gone(exchange: Exchange) -> None:
    """End when the client does. What it says after its request is not listened to."""
    while await exchange.reader.read(PIECE):
        pass


async def splice(exchange: Exchange, reply: Reply) -> None:
    """Carry bytes both ways until the engine's side ends; the end of the client's side is told to the engine."""
    await exchange.switch(reply.kind)
    early, _ = reply.protocol.trailing_data
    exchange.writer.write(early)
    upward = asyncio.create_task(_pump(exchange.reader, reply.writer))
    try:
        await _pump(reply.reader, exchange.writer)
    finally:
        await _ended(upward)


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await source.read(PIECE):
            target.write(piece)
            await target.drain()
        target.write_eof()


async def _ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
