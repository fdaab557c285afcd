"""A listener on loopback that can refuse for a while and come back at the same port."""

import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"
AT_ONCE = struct.pack("ii", 1, 0)  #: closing resets the connection instead of waiting for what is unsent


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__((HOST, port), handler)
        self.open: set[socket.socket] = set()
        self.crashes: list[BaseException] = []
        self.guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.guard:
            self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.guard:
            self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what is a mistake of ours; a client that leaves is none."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.crashes.append(error)


class Listener:
    """Listens from the start. `crashes` are the exceptions that handlers did not expect."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        self._handler = handler
        self._guard = threading.Lock()
        self._held: socket.socket | None = None
        self.crashes: list[BaseException] = []
        self._server: _Server | None = self._start(port)
        self.port = self._server.server_address[1] if self._server else port

    def listen(self) -> None:
        """Take connections again; nothing changes when it does."""
        with self._guard:
            if self._server is None:
                if self._held is not None:
                    self._held.close()
                self._server = self._start(self.port)

    def refuse(self, *, hold: bool = True) -> None:
        """Reset what is connected and take no more; `hold` keeps the port from others."""
        with self._guard:
            server, self._server = self._server, None
            if server is None:
                return
            server.shutdown()
            server.server_close()
            if hold:
                self._held = socket.socket()
                self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._held.bind((HOST, self.port))
            with server.guard:
                for connection in server.open:
                    reset(connection)

    def close(self) -> None:
        self.refuse(hold=False)
        if self._held is not None:
            self._held.close()

    def _start(self, port: int) -> _Server:
        server = _Server(port, self._handler)
        server.crashes = self.crashes
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server


def reset(connection: socket.socket) -> None:
    """End a connection at once, from whatever thread; whoever reads or writes it gets an error."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has gone by itself
