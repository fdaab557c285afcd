"""Names to connections: every address of a name is judged, and the address that was judged is the one dialled."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass

from adapters.egress.judging import Judge
from adapters.egress.refusing import Refused

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Plain:
    """A connection for one plain request, and how that is asked on it."""

    streams: Streams
    before: str = ""  #: stands before the path: a proxy is asked for the whole URL
    headers: tuple[tuple[bytes, bytes], ...] = ()  #: for the proxy


class Dialer:
    def __init__(self, threads: Executor, seconds: float) -> None:
        self._threads = threads  # of its own: slow look-ups of one run must not hold up the rest
        self.seconds = seconds  #: for each answer

    async def dial(self, host: str, port: int, judge: Judge, tls: ssl.SSLContext | None = None) -> Streams:
        """Return a connection to the first address of a name that answers.

        Raises:
            Refused: one of its addresses may not be dialled, it has none, or none answers.
        """
        addresses = await self._addresses(host, port)
        for address in addresses:
            reason = judge(address)
            if reason is not None:
                raise Refused(reason)
        for address in addresses:
            name = host if tls else None
            try:
                async with asyncio.timeout(self.seconds):
                    return await asyncio.open_connection(address, port, ssl=tls, server_hostname=name)
            except ssl.SSLError as error:
                raise Refused("tls-failed", 502) from error
            except OSError:  # a timeout too
                continue
        raise Refused("unreachable", 502)

    async def dial_plain(self, host: str, port: int, judge: Judge) -> Plain:
        """Return a connection for one plain request; Raises as dial()."""
        return Plain(await self.dial(host, port, judge))

    async def _addresses(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        look_up = loop.run_in_executor(self._threads, _look_up, host, port)
        try:
            async with asyncio.timeout(self.seconds):
                found = await look_up
        except OSError as error:
            raise Refused("unresolved", 502) from error
        return list(dict.fromkeys(found))


@contextmanager
def hanging_up(streams: Streams) -> Iterator[None]:
    """End a connection with this block, also when the other side takes nothing any more."""
    try:
        yield
    finally:
        streams[1].transport.abort()


def _look_up(host: str, port: int) -> list[str]:
    return [str(where[0]) for *_, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
