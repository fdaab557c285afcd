"""What a webhook costs until it is answered: signature, body as an artifact, row in the ledger, on a real socket.

One sender, one delivery at a time, each new; payloads of a usual, a large and the largest size; first with one enrolled
repository, then with many, each with a secret of its own, all of which are tried.

Floor: a bare ASGI application that reads the same body and answers, on the same server.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from control_plane.front_guard import FrontGuard
from control_plane.webhooks.route import PATH, webhooks_route
from resources.settings import load_settings
from resources.wiring import open_factory
from tests.support.webhooks.sending import enrol, signature_of

SECRET = "a secret of the benchmark"
REPOSITORY = {"full_name": "octo/r0", "html_url": "https://github.com/octo/r0"}


async def echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b"{}"})


def serve(home: str, port: int, bare: bool) -> None:
    routes = [webhooks_route(load_settings(Path(home)))]
    app = echo if bare else FrontGuard(Starlette(routes=routes), token="t", port=port)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answered(home: Path, size: int, times: int, *, bare: bool) -> list[float]:
    """Return the milliseconds each delivery took to its answer."""
    port = free_port()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(str(home), port, bare))
    server.start()
    try:
        wait_for(port)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        took = [deliver(connection, size) for _ in range(times + 5)]
        return took[5:]
    finally:
        server.terminate()
        server.join()


def wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def deliver(connection: http.client.HTTPConnection, size: int) -> float:
    name = str(uuid.uuid4())
    body = json.dumps({"action": "opened", "delivery": name, "repository": REPOSITORY, "pad": ""}).encode()
    body = body.replace(b'"pad": ""', b'"pad": "' + b"x" * max(0, size - len(body)) + b'"')
    headers = {
        "content-type": "application/json",
        "x-github-event": "pull_request",
        "x-github-delivery": name,
        "x-hub-signature-256": signature_of(body, SECRET),
    }
    began = time.perf_counter()
    connection.request("POST", PATH, body, headers)
    answer = connection.getresponse()
    answer.read()
    took = (time.perf_counter() - began) * 1000
    if answer.status != 202:
        raise SystemExit(f"a delivery was answered with {answer.status}")
    return took


def told(took: list[float]) -> str:
    ordered = sorted(took)
    return f"median {statistics.median(ordered):6.1f} ms, p99 {ordered[int(len(ordered) * 0.99) - 1]:6.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--repositories", type=int, default=200)
    asked = parser.parse_args()
    os.environ.pop("FACTORY_DATABASE_URL", None)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        factory = open_factory(load_settings(home), migrate=True)
        for count in (1, asked.repositories):
            for number in range(count):
                os.environ[f"FACTORY_SECRET_WEBHOOK_R{number}"] = SECRET if number == 0 else f"{SECRET} {number}"
                enrol(factory, f"r{number}", f"https://github.com/octo/r{number}")
            print(f"{count} enrolled:")
            for size, times in ((20_000, asked.times), (1_000_000, asked.times // 4), (25_000_000, 8)):
                floor = answered(home, size, times, bare=True)
                stored = answered(home, size, times, bare=False)
                ratio = statistics.median(stored) - statistics.median(floor)
                print(f"  {size:>10} bytes: {told(stored)}; floor {told(floor)}; {ratio:.1f} ms more")
        print(f"  stored: {len(factory.inbox.newest(limit=100_000))} deliveries")


if __name__ == "__main__":
    main()
