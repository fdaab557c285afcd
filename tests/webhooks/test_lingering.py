"""A sender that is still sending hears the answer, over a real connection to the server that `factory up` runs."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from control_plane.front_guard import FrontGuard
from control_plane.webhooks.receiving import Receiver
from control_plane.webhooks.route import PATH, Webhooks
from domain.webhooks import LARGEST
from tests.support.services import free_port

PIECE = b"x" * 65_536
TOO_LARGE = 26 * 1024 * 1024


@contextmanager
def serving(sender: Any, **told: Any) -> Iterator[int]:
    """Serve the webhooks as the front door does; yield the port."""
    port = free_port()
    routes = [Route(PATH, Webhooks(Receiver(sender.factory.settings), **told).answer, methods=["POST"])]
    app = FrontGuard(Starlette(routes=routes), token="t" * 20, port=port)
    server = uvicorn.Server(
        uvicorn.Config(app, "127.0.0.1", port, log_level="warning", proxy_headers=False, server_header=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join(60)


def pieces(size: int) -> Iterator[bytes]:
    for start in range(0, size, len(PIECE)):
        yield PIECE[: size - start]


def posted(port: int, headers: dict[str, str], size: int, *, chunked: bool) -> tuple[int, bytes]:
    """Send everything, as most clients do, and only then read the answer."""
    told = {name: value for name, value in headers.items() if name != "host"}
    told |= {"transfer-encoding": "chunked"} if chunked else {"content-length": str(size)}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST", PATH, pieces(size), told, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("after", ["close", "keep-alive"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_gets_its_413(sender, chunked, after):
    headers = {**dict(sender.headers("push", b"")), "connection": after}
    with serving(sender) as port:
        status, body = posted(port, headers, TOO_LARGE, chunked=chunked)
    assert (status, str(LARGEST).encode() in body) == (413, True)
    assert sender.factory.inbox.newest() == []


@pytest.mark.parametrize(("changed", "status"), [({"x-hub-signature-256": ""}, 401), ({"x-github-event": "!"}, 400)])
def test_who_is_refused_before_the_body_is_read_hears_it_too(sender, changed, status):
    headers = {**dict(sender.headers("push", b"")), "connection": "close", **changed}
    with serving(sender) as port:
        assert posted(port, headers, TOO_LARGE, chunked=False)[0] == status


def test_who_is_put_off_hears_it_too(sender):
    headers = {**dict(sender.headers("push", b"")), "connection": "close"}
    with serving(sender, most_held=1_000) as port:
        assert posted(port, headers, TOO_LARGE, chunked=True)[0] == 503


def test_who_stops_sending_is_not_waited_for_without_end(sender):
    headers = {**dict(sender.headers("push", b"")), "content-length": str(TOO_LARGE)}
    with serving(sender, patience=0.2) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request("POST", PATH, headers=headers)
        assert connection.getresponse().read()
        assert connection.sock is None or connection.sock.recv(1) == b""
        connection.close()
