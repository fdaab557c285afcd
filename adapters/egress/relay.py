"""The sandbox's side of its door: `python3 relay.py SOCKET -- COMMAND...` makes the door look like a network.

Runs inside the sandbox with Python 3.9's standard library alone. It listens, leaves a process behind that carries
what comes in to SOCKET, and becomes COMMAND: process id, exit code, signals and output are the command's own. What
listens: an HTTP proxy on 127.0.0.1:3128, which must be; and where ports below 1024 may be bound, TLS on 443 and HTTP
on 80 for programs that know no proxy, every DNS name on 53 answered with this machine, and 3129 for connections that a
firewall rule turned here. It decides nothing: whoever keeps the other end of SOCKET does, and believes none of it.
"""

import asyncio
import errno
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from urllib.parse import quote

PROXY, CAUGHT, DNS, HTTP, TLS = 3128, 3129, 53, 80, 443
CHUNK = 65536
PATIENCE = 15  # seconds for a first message
UNUSABLE = 125  # exit code: no relay, so the command was not started
SO_ORIGINAL_DST = 80
REQUEST = b"%b %b HTTP/1.1\r\nhost: relay\r\n\r\n"
UNAVAILABLE = b"HTTP/1.1 503 No broker\r\nx-egress-refused: broker-unavailable\r\ncontent-length: 0\r\n\r\n"
BROKEN = (OSError, EOFError, ValueError, LookupError, struct.error, asyncio.TimeoutError)  # what a peer may cause
Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Way = Callable[["Relay", Reader, Writer], Awaitable[None]]


def main(words: list[str]) -> int:
    if words[:1] == ["--carry"]:
        asyncio.run(serve(words[1], [socket.socket(fileno=int(word)) for word in words[2:]]))
    if len(words) < 3 or words[1] != "--":
        sys.stderr.write("usage: relay.py SOCKET -- COMMAND...\n")
        return UNUSABLE
    try:
        leave_behind(words[0], listen())
    except OSError as error:
        if error.errno != errno.EADDRINUSE:  # in use: an earlier command of this sandbox left its relay
            sys.stderr.write(f"relay: cannot serve port {PROXY}: {error}\n")
            return UNUSABLE
    return become(words[2:])


def listen() -> list[socket.socket]:
    """Return the bound sockets; connections wait in them until the relay accepts."""
    found = [bound(socket.AF_INET, "127.0.0.1", PROXY)]
    wanted = [(socket.AF_INET6, "::1", PROXY)]
    for family, everywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104 - its own network
        wanted += [(family, everywhere, port) for port in (TLS, HTTP, DNS, CAUGHT, -DNS)]
    for family, address, port in wanted:
        with suppress(OSError):
            found.append(bound(family, address, port))
    return found


def bound(family: int, address: str, port: int) -> socket.socket:
    """Return a listening socket; a negative port stands for UDP."""
    if port > 0:
        return socket.create_server((address, port), family=family, backlog=128)
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((address, -port))
    return sock


def leave_behind(path: str, listening: list[socket.socket]) -> None:
    """Start the relay as nobody's child, in a session of its own, holding none of the command's files.

    It starts in the socket's folder, because a socket's path may be longer than connect() takes; its name is not.
    """
    folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 - as given
    descriptors = [sock.fileno() for sock in listening]
    words = [sys.executable, "-I", os.path.abspath(__file__), "--carry", name, *map(str, descriptors)]  # noqa: PTH100
    child = os.fork()
    if child == 0:
        try:
            null = subprocess.DEVNULL
            subprocess.Popen(
                words, cwd=folder, stdin=null, stdout=null, stderr=null, pass_fds=descriptors, start_new_session=True
            )
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(child, 0)[1]:
        raise OSError(f"could not be started in {folder}")


def become(command: list[str]) -> int:
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python; a command would inherit that
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, as_started())  # noqa: S606 - that is its purpose
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127 if isinstance(error, FileNotFoundError) else 126


def as_started() -> Mapping[bytes, bytes]:
    """Return the environment we were given, without what Python adds to its own (LC_CTYPE)."""
    try:
        with open("/proc/self/environ", "rb") as file:  # noqa: PTH123 - as light as it goes
            pairs = [pair.partition(b"=") for pair in file.read().split(b"\0") if pair]
    except OSError:
        return os.environb
    return {name: value for name, _, value in pairs}


async def serve(name: str, listening: list[socket.socket]) -> None:
    relay = Relay(name)
    ways = {PROXY: carry, HTTP: carry, TLS: tunnel, CAUGHT: caught, DNS: questions}
    servers = []
    for sock in listening:
        sock.setblocking(False)
        if sock.type == socket.SOCK_DGRAM:
            asyncio.get_running_loop().add_reader(sock, question, relay, sock)
        else:
            way = relay.surviving(ways[sock.getsockname()[1]])
            servers.append(await asyncio.start_server(way, sock=sock, limit=CHUNK))
    await asyncio.Event().wait()


class Relay:
    """The way to the broker, and what it was told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reporting = asyncio.Semaphore(16)
        self.told: dict[str, float] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def surviving(self, way: Way) -> Callable[[Reader, Writer], Awaitable[None]]:
        """One connection's failure ends that connection."""

        async def handle(reader: Reader, writer: Writer) -> None:
            with suppress(*BROKEN), closing(writer):
                await way(self, reader, writer)

        return handle

    async def door(self) -> tuple[Reader, Writer]:
        return await asyncio.open_unix_connection(self.name, limit=CHUNK)

    async def tell(self, name: str) -> None:
        """Report a name once a minute, however often it is asked: a program asks for A and AAAA each time."""
        now = asyncio.get_running_loop().time()
        if now - self.told.get(name, -60.0) < 60:
            return
        if len(self.told) > 10_000:
            self.told.clear()
        self.told[name] = now
        await self.report(b"NAME", quote(name, safe="") or ".")

    async def report(self, method: bytes, what: str) -> None:
        async with self.reporting:
            with suppress(*BROKEN):
                reader, writer = await self.door()
                with closing(writer):
                    writer.write(REQUEST % (method, what.encode("ascii", "replace")))
                    writer.write_eof()
                    await asyncio.wait_for(reader.read(), PATIENCE)


async def carry(relay: Relay, reader: Reader, writer: Writer) -> None:
    """HTTP, to this proxy or to any host: the broker tells them apart by what is asked."""
    try:
        door = await relay.door()
    except OSError:
        writer.write(UNAVAILABLE)
        await writer.drain()
        return
    await splice(reader, writer, *door)


async def tunnel(relay: Relay, reader: Reader, writer: Writer) -> None:
    """TLS from a program that knows no proxy: a tunnel to the server it names, or to the address it dialled."""
    hello, names = await asyncio.wait_for(server_name(reader), PATIENCE)
    dialled, port = destination(writer)
    door_reader, door_writer = await relay.door()
    with closing(door_writer):
        server = f"{(names and names[0]) or dialled}:{port}"
        door_writer.write(REQUEST % (b"CONNECT", server.encode("ascii", "replace")))
        head = await door_reader.readuntil(b"\r\n\r\n")
        if head.split(b" ", 2)[1] == b"200":
            door_writer.write(hello)
            await splice(reader, writer, door_reader, door_writer)


async def caught(relay: Relay, _: Reader, writer: Writer) -> None:
    host, port = destination(writer)
    await relay.report(b"ADDRESS", f"{host}:{port}")


async def questions(relay: Relay, reader: Reader, writer: Writer) -> None:
    while True:
        size = struct.unpack(">H", await asyncio.wait_for(reader.readexactly(2), PATIENCE))[0]
        name, reply = answer(await asyncio.wait_for(reader.readexactly(size), PATIENCE))
        await relay.tell(name)
        writer.write(struct.pack(">H", len(reply)) + reply)
        await writer.drain()


def question(relay: Relay, sock: socket.socket) -> None:
    async def reply() -> None:
        with suppress(*BROKEN):
            name, found = answer(packet)
            await relay.tell(name)  # first, for whoever has the answer may be gone at once
            sock.sendto(found, peer)

    with suppress(OSError):
        packet, peer = sock.recvfrom(4096)
        task = asyncio.ensure_future(reply())
        relay.tasks.add(task)
        task.add_done_callback(relay.tasks.discard)


def answer(packet: bytes) -> tuple[str, bytes]:
    """Return the name that a DNS packet asks for, and the reply: this machine for A, nothing for the rest.

    Raises:
        LookupError, struct.error: it is not one question.
    """
    if packet[2] & 0x80 or packet[4:6] != b"\0\1":
        raise LookupError("not a question")
    labels, at = [], 12
    while packet[at]:
        if packet[at] > 63:
            raise LookupError("a compressed question")
        labels.append(packet[at + 1 : at + 1 + packet[at]])
        at += 1 + packet[at]
    kind = struct.unpack(">H", packet[at + 1 : at + 3])[0]
    found = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x7f\0\0\1" if kind == 1 else b""
    counts = struct.pack(">4H", 1, 1 if found else 0, 0, 0)
    reply = packet[:2] + b"\x81\x80" + counts + packet[12 : at + 5] + found
    return ".".join(label.decode("latin-1") for label in labels), reply


def destination(writer: Writer) -> tuple[str, int]:
    """Return the address and port that the client dialled, also when a firewall rule turned it here."""
    sock = writer.get_extra_info("socket")
    v6 = sock.family == socket.AF_INET6
    try:
        raw = sock.getsockopt(socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP, SO_ORIGINAL_DST, 28)
    except OSError:
        host, port = writer.get_extra_info("sockname")[:2]
    else:
        host, port = socket.inet_ntop(sock.family, raw[8:24] if v6 else raw[4:8]), struct.unpack(">H", raw[2:4])[0]
    return (f"[{host}]" if v6 else host), port


async def server_name(reader: Reader, read: bytes = b"") -> tuple[bytes, list[str]]:
    """Return what was `read` of a client's first message by the end, and the server's name in it.

    The list is empty when it is not TLS, and holds an empty string when it is and names nobody.
    """
    seen: list[str] = []

    def keep(_: object, name: str, __: object) -> int:
        seen.append(name or "")
        return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = keep
    incoming = ssl.MemoryBIO()
    handshake = context.wrap_bio(incoming, ssl.MemoryBIO(), server_side=True)
    fresh = read
    while True:
        incoming.write(fresh)
        try:
            handshake.do_handshake()
        except ssl.SSLWantReadError:
            fresh = await reader.read(CHUNK) if len(read) < CHUNK else b""
        except ssl.SSLError:
            fresh = b""
        if not fresh:
            return read, seen
        read += fresh


async def splice(reader: Reader, writer: Writer, door_reader: Reader, door_writer: Writer) -> None:
    with closing(door_writer):
        await asyncio.gather(pump(reader, door_writer), pump(door_reader, writer))


async def pump(reader: Reader, writer: Writer) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
