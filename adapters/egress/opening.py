"""One door while it is open: its socket, the connections through it, its log."""

import asyncio
import os
import socket
import traceback
from contextlib import suppress
from pathlib import Path
from typing import cast

import h11
import structlog

from adapters.egress.dialing import Streams
from adapters.egress.exchange import Shared, exchange
from adapters.egress.journal import FULL, Journal
from adapters.egress.layout import SOCKET
from adapters.egress.passage import Account, Passage
from adapters.egress.refusing import Refused
from adapters.egress.wire import CHUNK, Wire
from domain.egress import Door

BACKLOG = 1024
LINGER_SECONDS = 2  # for a client to read an answer that came before all it had to say

log = structlog.get_logger("egress")


class Opening:
    """Serves one door's socket. `door` may be replaced: connections made from then on follow the new one."""

    def __init__(self, door: Door, digest: str, shared: Shared, journal: Journal) -> None:
        self.door = door
        self.digest = digest  #: of the door's file; tells whoever wrote it that it holds
        self._shared = shared
        self._journal = journal
        self._account = Account(journal.sent)
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, folder: Path) -> None:
        """Listen on the folder's socket, replacing what an earlier broker left of it."""
        sock = _bound(folder)
        self._path = folder / SOCKET
        self._inode = self._path.stat().st_ino
        self._server = await asyncio.start_unix_server(self._arrived, sock=sock, limit=CHUNK, backlog=BACKLOG)

    def stands(self) -> bool:
        """Tell whether the socket still lies where its sandbox looks for it."""
        try:
            return self._path.lstat().st_ino == self._inode
        except OSError:
            return False

    async def stop(self) -> None:
        """Stop listening and cut every connection; each has its line in the log then."""
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._journal.close()

    async def _arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._connections.add(task)
        try:
            await self._attend((reader, writer))
        except OSError:
            return  # the client is gone
        finally:
            self._connections.discard(task)
            writer.close()

    async def _attend(self, streams: Streams) -> None:
        """Serve one connection: whatever it reached for is in the log before it is told how that ended."""
        limits = self._shared.limits
        timer = asyncio.timeout(limits.head_seconds)
        passage = Passage(self.door, self._account, limits.idle_seconds, timer)
        client = Wire(h11.SERVER, streams, passage.downward, limits.head_bytes)
        try:
            async with timer:
                await self._serve(passage, client)
            end = None
        except Refused as refused:
            end = refused
        except asyncio.CancelledError:
            self._record(passage, None if passage.opened else Refused("cut"))
            raise
        except OSError as error:
            end = _broken(passage, error)
        except Exception:
            log.exception("egress.bug", door=self.door.id)
            end = Refused("broker-error", 500)
        self._record(passage, end)
        await _conclude(passage, client, end)

    async def _serve(self, passage: Passage, client: Wire) -> None:
        if len(self._connections) > self._shared.limits.connections:
            raise Refused("too-many-connections", 503)
        request = await client.receive()
        if not isinstance(request, h11.Request):
            return
        if request.method == b"DOOR":
            await client.answer(200, {}, self.digest)
        elif self._journal.full:
            raise Refused(FULL, 503)
        else:
            passage.asked = True
            passage.wait(self._shared.limits.idle_seconds)
            await exchange(self._shared, passage, client, request)

    def _record(self, passage: Passage, end: Refused | None) -> None:
        attempt = passage.attempt(end.reason if end else "allowed")
        if passage.asked or (end is not None and end.reason != "cut"):
            self._journal.write(attempt)


def _where(error: Exception) -> str:
    """Return the place alone: a message or a traceback with variables could tell a key."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"


def _broken(passage: Passage, error: OSError) -> Refused | None:
    """Return how a passage ended that a time limit or a lost connection ended; None once it was let through."""
    if passage.opened:
        return None
    return Refused("slow", 408) if isinstance(error, TimeoutError) else Refused("cut", 502)


async def _conclude(passage: Passage, client: Wire, end: Refused | None) -> None:
    """Tell an HTTP client why, then let it finish what it is saying, so that the answer is not lost."""
    async with asyncio.timeout(LINGER_SECONDS):
        if end is not None and client.unanswered:
            await client.answer(end.status, {"x-egress-refused": end.reason}, passage.advice(end.reason))
        elif end is not None:
            client.writer.transport.abort()  # a torn answer must not look like a whole one
            return
        client.writer.write_eof()
        while await client.reader.read(CHUNK):
            continue


def _bound(folder: Path) -> socket.socket:
    """Return a socket listening in the folder. Bound by the folder's descriptor: its path may be too long to bind."""
    folder.mkdir(mode=0o755, exist_ok=True)
    descriptor = os.open(folder, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            os.unlink(SOCKET, dir_fd=descriptor)
        sock.bind(f"/proc/self/fd/{descriptor}/{SOCKET}")
        (folder / SOCKET).chmod(0o666)  # whoever sees the folder may use the door; only its sandbox does
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    finally:
        os.close(descriptor)
    return sock
