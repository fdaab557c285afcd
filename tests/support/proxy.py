"""A stand-in for a company's proxy that speaks the real protocol: CONNECT, whole URLs, and Basic sign-in.

`python -m tests.support.proxy SETTINGS` (a JSON file) serves until killed. It prints its port, and writes a line to
`log` for each thing it was asked: the request line, and who signed in.
"""

import asyncio
import base64
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Company:
    """`names` are what its own name server knows: `host:port` or host → [address, port]."""

    log: Path
    names: dict[str, list[Any]]
    users: str | None = None  #: the one `user:password` that may use it
    says: str | None = None  #: what it answers every CONNECT with instead

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self.answer(reader, writer)
        with suppress(ConnectionError):
            writer.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        request, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        user = base64.b64decode(headers.get("proxy-authorization", "Basic ").removeprefix("Basic ")).decode()
        with self.log.open("a") as log:
            log.write(json.dumps({"request": request, "user": user, "host": headers.get("host")}) + "\n")
        method, target, _ = request.split(" ")
        if self.users is not None and user != self.users:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        elif method == "CONNECT" and self.says is not None:
            writer.write(self.says.encode())
        elif method == "CONNECT":
            await self.tunnel(target, (reader, writer))
        else:
            await self.forward(head, target, (reader, writer))
        with suppress(ConnectionError):
            await writer.drain()

    def place(self, authority: str) -> tuple[str, int] | None:
        host, _, port = authority.rpartition(":")
        found = self.names.get(authority) or self.names.get(host)
        return (found[0], int(found[1] or port)) if found else None

    async def tunnel(self, authority: str, client: Streams) -> None:
        place = self.place(authority)
        if place is None:
            client[1].write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
            return
        server = await asyncio.open_connection(*place)
        client[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await both_ways(client, server)

    async def forward(self, head: str, target: str, client: Streams) -> None:
        url = urlsplit(target)
        place = self.place(f"{url.hostname}:{url.port or 80}")
        if url.scheme != "http" or place is None:
            client[1].write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
            return
        server = await asyncio.open_connection(*place)
        lines = [line for line in head.split("\r\n") if not line.lower().startswith("proxy-")]
        lines[0] = lines[0].replace(target, target.partition("//")[2].partition("/")[1] + url.path.lstrip("/"))
        server[1].write("\r\n".join(lines).encode())
        await both_ways(client, server)


async def both_ways(client: Streams, server: Streams) -> None:
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        if writer.can_write_eof():
            with suppress(OSError):
                writer.write_eof()
        else:
            writer.close()

    await asyncio.gather(pump(client[0], server[1]), pump(server[0], client[1]))
    server[1].close()


async def main(settings: dict[str, Any]) -> None:
    company = Company(Path(settings["log"]), settings["names"], settings.get("users"), settings.get("says"))
    secured = None
    if settings.get("certificate"):
        secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secured.load_cert_chain(settings["certificate"])
    server = await asyncio.start_server(
        company.serve, settings.get("address", "127.0.0.1"), settings.get("port", 0), ssl=secured
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@dataclass
class Running:
    port: int
    log: Path

    def asked(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def requests(self) -> list[str]:
        return [one["request"].rpartition(" ")[0] for one in self.asked()]


@contextmanager
def proxy(folder: Path, *, before: tuple[str, ...] = (), **settings: Any) -> Iterator[Running]:
    """Serve as a process of its own; `before` are the words that start it elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    log, told = folder / "proxy.jsonl", folder / "proxy.json"
    told.write_text(json.dumps({"log": str(log), "names": {}, **settings}))
    words = [*before, sys.executable, "-m", "tests.support.proxy", str(told)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield Running(int(process.stdout.readline()), log)
        finally:
            process.kill()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
