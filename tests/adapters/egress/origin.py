"""The outside world of the egress tests: servers behind public-looking names, in a network of their own.

Run in new network and mount namespaces: `unshare --net --mount python -m tests.adapters.egress.origin FOLDER`. Prints
a line once everything listens, then serves until its standard input ends.
"""

import base64
import gzip
import json
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

PUBLIC = "93.184.216.34"  # reachable without being one of the machine's own, as a real server is
HOSTS = f"""127.0.0.1 localhost loop.test
{PUBLIC} files.test api.test other.test wrong-name.test sub.wide.test wide.test beside.test
10.1.2.3 private.test
169.254.169.254 metadata.test
{PUBLIC} mixed.test
10.1.2.3 mixed.test
93.184.217.1 own.test
"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        with (FOLDER / "origin.log").open("a") as file:
            file.write(f"{self.headers.get('host')} {self.requestline}\n")

    def body(self) -> bytes:
        if self.headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def reply(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        words = [word for word in url.path.split("/") if word != "v1"]
        name = words[1] if len(words) > 1 else ""
        getattr(self, f"say_{name}", self.say_echo)(parse_qs(url.query))

    do_POST = do_HEAD = do_PUT = do_OPTIONS = do_GET  # noqa: N815 - named so by http.server

    def say_echo(self, _: dict[str, list[str]]) -> None:
        told = {"method": self.command, "path": self.path, "bytes": len(self.body()), "headers": dict(self.headers)}
        self.reply(json.dumps(told).encode(), content_type="application/json")

    def say_reflect(self, query: dict[str, list[str]]) -> None:
        key = self.headers["authorization"].removeprefix("Bearer ")
        spelled = {
            "plain": key, "upper": key.upper(), "quoted": quote(key, safe=""), "hex": key.encode().hex(),
            "json": json.dumps({"k": key}), "base64": base64.b64encode(key.encode()).decode(),
            "base64-1": base64.b64encode(b"x" + key.encode()).decode(),
            "base64-2": base64.b64encode(b"xy" + key.encode()).decode(),
            "urlsafe": base64.urlsafe_b64encode(key.encode()).decode(),
            "percent": "".join(f"%{ord(letter):02x}" for letter in key), "colons": key.encode().hex(":"),
            "cut": key[:-1], "tail": key[1:], "middle": key[5:17], "few": key[:7],
        }[query["as"][0]]  # fmt: skip
        named = {f"x_{key}": "named"} if key.isalnum() else {}
        self.reply(f"<{spelled}>".encode(), x_reflected=spelled, **named)

    def say_ends(self, _: dict[str, list[str]]) -> None:
        """An answer that was cut in the middle of a key."""
        self.reply(b"<" + self.headers["authorization"].removeprefix("Bearer ")[:9].encode())

    def say_split(self, _: dict[str, list[str]]) -> None:
        """The key a byte a chunk."""
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for byte in f"<{self.headers['authorization']}>".encode():
            self.wfile.write(b"1\r\n" + bytes([byte]) + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def say_events(self, _: dict[str, list[str]]) -> None:
        """One event for each line that the test lets through."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for number in range(3):
            with (FOLDER / "events").open() as pipe:
                pipe.read()
            self.wfile.write(f"data: {number}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True

    def say_stay(self, _: dict[str, list[str]]) -> None:
        """Begin an answer and never end it."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"begun\n")
        self.wfile.flush()
        self.rfile.read()

    def say_silent(self, _: dict[str, list[str]]) -> None:
        self.rfile.read()

    def say_redirect(self, _: dict[str, list[str]]) -> None:
        self.reply(b"", 302, location="https://other.test/stolen")

    def say_gzip(self, _: dict[str, list[str]]) -> None:
        self.reply(gzip.compress(self.headers["authorization"].encode()), content_encoding="gzip")

    def say_big(self, _: dict[str, list[str]]) -> None:
        self.reply(b"x" * 5_000_000)

    def say_refuse(self, _: dict[str, list[str]]) -> None:
        """Answer before the body was read."""
        self.close_connection = True
        self.reply(b"too much", 413)
        self.body()

    def say_garbage(self, _: dict[str, list[str]]) -> None:
        self.close_connection = True
        self.wfile.write(b"this is not HTTP\r\n\r\n")


def listen(port: int, context: ssl.SSLContext | None = None, handler: type = Handler) -> None:
    server = ThreadingHTTPServer(("0.0.0.0", port), handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def run(*words: str) -> None:
    subprocess.run(words, check=True)


if __name__ == "__main__":
    FOLDER = Path(sys.argv[1])
    (FOLDER / "hosts").write_text(HOSTS)
    run("mount", "--bind", str(FOLDER / "hosts"), "/etc/hosts")
    run("ip", "link", "set", "lo", "up")
    run("ip", "addr", "add", "93.184.217.1/32", "dev", "lo")
    run("ip", "addr", "add", "10.9.9.9/32", "dev", "lo")  # a company's proxy
    run("ip", "route", "add", "local", "93.184.216.0/24", "dev", "lo", "src", "127.0.0.1")
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.load_cert_chain(FOLDER / "server.pem")
    unknown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    unknown.load_cert_chain(FOLDER / "unknown.pem")
    listen(80)
    listen(8080)
    listen(443, trusted)
    listen(8443, trusted)
    listen(9443, unknown)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
