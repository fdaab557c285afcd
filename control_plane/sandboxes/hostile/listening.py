"""Sockets that nobody may reach, and that know when somebody did."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

HEARD_LIMIT = 1 << 16


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket; connections wait in its backlog until somebody looks."""

    socket: socket.socket
    words: str  #: for people

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    @property
    def name(self) -> str:
        """The path of a Unix socket, or its abstract name without the leading zero byte."""
        found = self.socket.getsockname()
        return (found.decode() if isinstance(found, bytes) else str(found)).lstrip("\0")

    @staticmethod
    @contextmanager
    def tcp(host: str) -> Iterator["Listener"]:
        with closing(_bound(host, socket.SOCK_STREAM)) as one:
            one.listen(128)
            yield Listener(one, f"a TCP listener on {host}")

    @staticmethod
    @contextmanager
    def udp(host: str) -> Iterator["Listener"]:
        with closing(_bound(host, socket.SOCK_DGRAM)) as one:
            yield Listener(one, f"a UDP listener on {host}")

    @staticmethod
    @contextmanager
    def unix(address: str) -> Iterator["Listener"]:
        """Open to every user of the machine."""
        with closing(socket.socket(socket.AF_UNIX)) as one:
            one.bind(address)
            one.listen(128)
            one.setblocking(False)
            yield Listener(one, "an abstract socket" if address.startswith("\0") else "a Unix socket")

    def reached(self) -> list[bytes]:
        """Return what each connection or datagram since the last look brought, and forget them."""
        found: list[bytes] = []
        while (heard := self._next()) is not None:
            found.append(heard)
        return found

    def _next(self) -> bytes | None:
        try:
            if self.socket.type == socket.SOCK_DGRAM:
                return self.socket.recv(HEARD_LIMIT)
            connection, _ = self.socket.accept()
        except BlockingIOError:
            return None
        with connection:
            connection.setblocking(False)
            try:
                return connection.recv(HEARD_LIMIT)
            except OSError:
                return b""


def _bound(host: str, kind: socket.SocketKind) -> socket.socket:
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    if ":" in host:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((host, 0))
    one.setblocking(False)
    return one
