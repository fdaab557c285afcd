"""Stand-ins for registries on loopback: what they answer, byte for byte, is written down before."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    body: bytes = b""
    kind: str = "application/json"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""


class RegistryStandIn(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, pages: dict[str, Page]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages = pages
        self.asked: list[str] = []
        self.accepted: list[str] = []
        self.held = threading.Event()  #: set: answers come; a test may hold them back
        self.held.set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: RegistryStandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.accepted.append(self.headers.get("Accept", ""))
        self.server.held.wait(60)
        page = self.server.pages.get(self.path, Page(b"404 page not found", "text/plain", 404))
        if page.etag and self.headers.get("If-None-Match") == page.etag:
            page = Page(status=304, etag=page.etag)
        told = {"Content-Type": page.kind, "Content-Length": str(len(page.body))} | page.headers
        self.send_response(page.status)
        for name, value in (told | ({"ETag": page.etag} if page.etag else {})).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(page.body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None: ...


@contextmanager
def registry_stand_in(pages: dict[str, Page]) -> Iterator[RegistryStandIn]:
    with RegistryStandIn(pages) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.held.set()
        server.shutdown()
