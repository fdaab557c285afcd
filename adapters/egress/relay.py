"""The sandbox's side of its door: `python3 relay.py SOCKET -- COMMAND...` makes the door look like a network.

Runs inside the sandbox with Python 3.9's standard library alone. It listens, leaves a process behind that carries
what comes in to SOCKET, and becomes COMMAND: process id, exit code, signals and output are the command's own. What
listens: an HTTP proxy on 127.0.0.1:3128, which must be; and where ports below 1024 may be bound, TLS on 443 and HTTP
on 80 for programs that know no proxy, every DNS name on 53 answered with this machine, and 3129 for what a firewall
rule turned here. It decides nothing: whoever keeps the other end of SOCKET does, and believes none of it.
"""

import asyncio
import errno
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from ipaddress import ip_address
from urllib.parse import quote

PROXY, CAUGHT, DNS, HTTP, TLS = 3128, 3129, 53, 80, 443
CHUNK = 65536
PATIENCE = 15  # seconds for a first message
UNUSABLE = 125  # exit code: no relay, so the command was not started
SO_ORIGINAL_DST, IP_PKTINFO = 80, 8
V4, V6 = socket.IPPROTO_IP, socket.IPPROTO_IPV6
REQUEST = b"%b %b HTTP/1.1\r\nhost: relay\r\n\r\n"
UNAVAILABLE = b"HTTP/1.1 503 No broker\r\nx-egress-refused: broker-unavailable\r\ncontent-length: 0\r\n\r\n"
BROKEN = (OSError, EOFError, ValueError, LookupError, asyncio.TimeoutError)  # what a peer may cause
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
        wanted += [(family, everywhere, port) for port in (TLS, HTTP, DNS, CAUGHT, -DNS, -CAUGHT)]
    for one in wanted:
        with suppress(OSError):
            found.append(bound(*one))
    return found


def bound(family: int, address: str, port: int) -> socket.socket:
    """Return a listening socket; a negative port stands for UDP."""
    if port > 0:
        return socket.create_server((address, port), family=family, backlog=128)
    sock = socket.socket(family, socket.SOCK_DGRAM)
    own = [(V6, socket.IPV6_V6ONLY), (V6, socket.IPV6_RECVPKTINFO)] if family == socket.AF_INET6 else [(V4, IP_PKTINFO)]
    for option in own:  # so that each packet comes with where it was sent to
        sock.setsockopt(*option, 1)
    sock.bind((address, -port))
    return sock


def leave_behind(path: str, listening: list[socket.socket]) -> None:
    """Start the relay as nobody's child, in a session of its own, holding none of the command's files."""
    folder, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 - a path may be too long to connect() to
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
            return dict(pair.split(b"=", 1) for pair in file.read().split(b"\0") if b"=" in pair)
    except OSError:
        return os.environb


async def serve(name: str, listening: list[socket.socket]) -> None:
    async def survive(way: Way, reader: Reader, writer: Writer) -> None:
        with suppress(*BROKEN), closing(writer):  # one connection's failure ends that connection
            await way(relay, reader, writer)

    relay = Relay(name)
    ways = {PROXY: carry, HTTP: carry, TLS: tunnel, CAUGHT: caught, DNS: questions}
    for sock in listening:
        sock.setblocking(False)
        if sock.type == socket.SOCK_DGRAM:
            asyncio.get_running_loop().add_reader(sock, arrived, relay, sock)
        else:
            await asyncio.start_server(partial(survive, ways[sock.getsockname()[1]]), sock=sock, limit=CHUNK)
    await asyncio.Event().wait()


class Relay:
    """The way to the broker, and what it was told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reporting = asyncio.Semaphore(16)
        self.told: dict[str, float] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def door(self) -> tuple[Reader, Writer]:
        """Stand in line at the door, which lets in a few at a time."""
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        while True:
            try:
                sock.connect(self.name)
                return await asyncio.open_unix_connection(sock=sock, limit=CHUNK)
            except BlockingIOError:
                await asyncio.sleep(0.05)

    async def tell(self, method: bytes, what: str, seconds: float) -> None:
        """Report something once in so many seconds, however often it comes: each name is asked for A and AAAA."""
        now = asyncio.get_running_loop().time()
        if now < self.told.get(what, now):
            return
        if len(self.told) > 10_000:
            self.told.clear()
        self.told[what] = now + seconds
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
    else:
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
    await relay.tell(b"ADDRESS", "{}:{}".format(*destination(writer)), 0)


async def questions(relay: Relay, reader: Reader, writer: Writer) -> None:
    while True:
        size = int.from_bytes(await asyncio.wait_for(reader.readexactly(2), PATIENCE), "big")
        name, reply = answer(await asyncio.wait_for(reader.readexactly(size), PATIENCE))
        await relay.tell(b"NAME", name, 60)
        writer.write(len(reply).to_bytes(2, "big") + reply)
        await writer.drain()


def arrived(relay: Relay, sock: socket.socket) -> None:
    """Answer a question from where it was sent to; of another packet tell where that was, as far as it shows."""

    async def reply() -> None:
        where = meant(met, sock.getsockname()[1])
        try:
            name, found = answer(packet)
        except BROKEN:
            await relay.tell(b"ADDRESS", where, 5)
        else:
            await relay.tell(b"NAME", name, 60)  # first, for whoever has the answer may be gone at once
            sock.sendmsg([found], met, 0, peer)

    with suppress(OSError):
        packet, met, _, peer = sock.recvmsg(4096, 256)
        if len(relay.tasks) < 1000:  # of a flood the rest is dropped
            task = asyncio.ensure_future(reply())
            relay.tasks.add(task)
            task.add_done_callback(relay.tasks.discard)


def meant(met: list[tuple[int, int, bytes]], port: int) -> str:
    """Return where a packet went; a rule that turned it here leaves nothing of that but an address of this machine."""
    for _, _, found in met:
        host = ip_address(found[:16] if len(found) == 20 else found[8:12])
        if not host.is_loopback:
            return f"{host}:{port}" if host.version == 4 else f"[{host}]:{port}"
    return "udp"


def answer(packet: bytes) -> tuple[str, bytes]:
    """Return the coded name that a DNS packet asks for, and the reply: this machine for A, nothing for the rest."""
    if packet[2] & 0x80 or packet[4:6] != b"\0\1":
        raise LookupError("not one question")
    labels, at = [], 12
    while packet[at]:
        if packet[at] > 63:
            raise LookupError("a compressed question")
        labels.append(packet[at + 1 : at + 1 + packet[at]])
        at += 1 + packet[at]
    found = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x7f\0\0\1" if packet[at + 2 : at + 5] == b"\1\0\1" else b""
    reply = packet[:2] + b"\x81\x80\0\1\0" + bytes([bool(found), 0, 0, 0, 0]) + packet[12 : at + 5] + found
    return quote(b".".join(labels), safe="") or ".", reply


def destination(writer: Writer) -> tuple[str, int]:
    """Return the address and port that the client dialled, also when a firewall rule turned it here."""
    sock = writer.get_extra_info("socket")
    v6 = sock.family == socket.AF_INET6
    try:
        raw = sock.getsockopt(V6 if v6 else V4, SO_ORIGINAL_DST, 28)
        host, port = ip_address(raw[8:24] if v6 else raw[4:8]), int.from_bytes(raw[2:4], "big")
    except OSError:
        host, port = writer.get_extra_info("sockname")[:2]
    return f"[{host}]" if v6 else str(host), port


async def server_name(reader: Reader, read: bytes = b"") -> tuple[bytes, list[str]]:
    """Return a client's first message, begun by `read`, and the server it names: [] if it is not TLS, [""] if none."""
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
        except ssl.SSLError as error:
            unfinished = isinstance(error, ssl.SSLWantReadError) and len(read) < CHUNK
            fresh = await reader.read(CHUNK) if unfinished else b""
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
