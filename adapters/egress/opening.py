"""One door while it is open: its socket, the connections through it, its log."""

import asyncio
import math
import os
import socket
import traceback
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from time import monotonic

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

BACKLOG = 64  # clients that wait to be accepted; the next is told by the system to try again
LINGER_SECONDS = 2  # for a client to read an answer that came before all it had to say
PAUSE = 0.2  # seconds without accepting after the machine could not
COMPLAINT_SECONDS = 60  # between two complaints about one door

log = structlog.get_logger("egress")


class Opening:
    """Serves one door's socket. `door` may be replaced: connections made from then on follow the new one.

    Closing the journal is left to whoever made it, if the opening does not start.
    """

    def __init__(self, door: Door, digest: str, shared: Shared, journal: Journal) -> None:
        self.door = door
        self.digest = digest  #: of the door's file; tells whoever wrote it that it holds
        self._shared = shared
        self._journal = journal
        self._account = Account(journal.sent)
        self._connections: set[asyncio.Task[None]] = set()
        self._complained = -math.inf

    def start(self, folder: Path) -> None:
        """Listen on the folder's socket, replacing what an earlier broker left of it.

        Raises:
            OSError: that cannot be done now.
        """
        listening, self._inode = _listening(folder)
        self._path = folder / SOCKET
        self.start_on(listening)

    def start_on(self, listening: socket.socket) -> None:
        """Serve whoever reaches a socket."""
        self._socket = listening
        self._accepting = asyncio.create_task(self._accept())

    def stands(self) -> bool:
        """Tell whether the socket still lies where its sandbox looks for it, and is served."""
        try:
            return self._path.lstat().st_ino == self._inode and not self._accepting.done()
        except OSError:
            return False

    async def stop(self) -> None:
        """Stop listening and cut every connection; each has its line in the log then."""
        ending = [self._accepting, *self._connections]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._socket.close()
        self._journal.close()

    async def _accept(self) -> None:
        """Take one client after the other. One may wait for a place; those behind it are not accepted."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(self._socket)
                streams = await asyncio.open_connection(sock=client, limit=CHUNK)
            except OSError as error:
                self._complain("egress.not_accepting", error)
                await asyncio.sleep(PAUSE)
            else:
                await self._admit(streams)

    async def _admit(self, streams: Streams) -> None:
        with ExitStack() as leaving:
            leaving.callback(streams[1].close)
            try:
                async with asyncio.timeout(self._shared.limits.wait_seconds):
                    await self._shared.places.take(self._connections)
            except TimeoutError:
                await self._turn_away(*self._received(streams))
                return
            leaving.pop_all()
        task = asyncio.create_task(self._attend(streams))
        self._connections.add(task)
        task.add_done_callback(partial(self._left, streams[1]))

    def _left(self, writer: asyncio.StreamWriter, task: "asyncio.Task[None]") -> None:
        self._connections.discard(task)
        self._shared.places.give_back(self._connections)
        writer.transport.abort()
        if not task.cancelled():
            task.exception()  # of telling a client how it ended, who is gone

    def _received(self, streams: Streams) -> tuple[Passage, Wire]:
        limits = self._shared.limits
        passage = Passage(self.door, self._account, limits.idle_seconds, asyncio.timeout(limits.head_seconds))
        return passage, Wire(h11.SERVER, streams, passage.downward, limits.head_bytes)

    async def _turn_away(self, passage: Passage, client: Wire) -> None:
        """Tell one that waited in vain. It is not listened to, nor waited for."""
        end = Refused("too-many-connections", 503)
        self._record(passage, end)
        with suppress(OSError):
            await _tell(passage, client, end)

    async def _attend(self, streams: Streams) -> None:
        """Serve one connection until it holds no descriptor: until its client has taken all, or takes no more."""
        with suppress(OSError):
            await self._answer(*self._received(streams))
        streams[1].close()
        async with asyncio.timeout(self._shared.limits.idle_seconds):
            await streams[1].wait_closed()

    async def _answer(self, passage: Passage, client: Wire) -> None:
        """Do what is asked: whatever it reached for is in the log before the client is told how that ended."""
        try:
            async with passage.timer:
                await self._serve(passage, client)
            end = None
        except Refused as refused:
            end = refused
        except asyncio.CancelledError:
            self._record(passage, None if passage.opened else Refused("cut"))
            raise
        except OSError as error:
            end = _broken(passage, error)
        except Exception as error:  # noqa: BLE001 - one connection's bug must not end the door
            self._complain("egress.bug", error)
            end = Refused("broker-error", 500)
        self._record(passage, end)
        await _conclude(passage, client, end)

    async def _serve(self, passage: Passage, client: Wire) -> None:
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

    def _complain(self, what: str, error: Exception) -> None:
        """Say it now and then: a sandbox could have it said all the time."""
        if monotonic() - self._complained > COMPLAINT_SECONDS:
            self._complained = monotonic()
            log.error(what, door=self.door.id, error=type(error).__name__, where=_where(error))


def _where(error: Exception) -> str:
    """Return the place alone: a message or a traceback with variables could tell a key."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"


def _broken(passage: Passage, error: OSError) -> Refused | None:
    """Return how a passage ended that a time limit or a lost connection ended; None once it was let through."""
    if passage.opened:
        return None
    return Refused("slow", 408) if isinstance(error, TimeoutError) else Refused("cut", 502)


async def _tell(passage: Passage, client: Wire, end: Refused) -> None:
    await client.answer(end.status, {"x-egress-refused": end.reason}, passage.advice(end.reason))


async def _conclude(passage: Passage, client: Wire, end: Refused | None) -> None:
    """Tell an HTTP client why, then let it finish what it is saying, so that the answer is not lost."""
    async with asyncio.timeout(LINGER_SECONDS):
        if end is not None and client.unanswered:
            await _tell(passage, client, end)
        elif end is not None:
            client.writer.transport.abort()  # a torn answer must not look like a whole one
            return
        client.writer.write_eof()
        while await client.reader.read(CHUNK):
            continue


def _listening(folder: Path) -> tuple[socket.socket, int]:
    """Return a socket listening in the folder, with its inode. Bound by the folder's descriptor: its path may be
    too long to bind.
    """
    folder.mkdir(mode=0o755, exist_ok=True)
    descriptor = os.open(folder, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            os.unlink(SOCKET, dir_fd=descriptor)
        sock.bind(f"/proc/self/fd/{descriptor}/{SOCKET}")
        (folder / SOCKET).chmod(0o666)  # whoever sees the folder may use the door; only its sandbox does
        sock.setblocking(False)
        sock.listen(BACKLOG)
        return sock, os.stat(SOCKET, dir_fd=descriptor).st_ino
    except OSError:
        sock.close()
        raise
    finally:
        os.close(descriptor)
