"""Conversations with github.com that PyGithub's own tests have recorded (2011 to 2025), and a server that says them again.

They are LGPL: fetched from PyPI by digest when a test wants them, kept in pytest's cache, never part of this repository.
"""

import ast
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.e2e.released import Project, Sdist, fetch

PYGITHUB = Sdist("2.10.0", "90ff24ef1cd1bd57124c2a3869cafee9d7b066909129ecdaba2c2d1903bc118d")
GITHUB = "https://api.github.com"
KEPT = ("etag", "link", "location", "retry-after", "content-type")  #: headers that mean something to a client
_LINKS = re.compile(re.escape(GITHUB))


@dataclass(frozen=True)
class Exchange:
    file: str
    verb: str
    url: str  #: path and query
    status: int
    headers: dict[str, str]  #: names in lower case
    text: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path.removeprefix("/api/v3")

    @property
    def page(self) -> str:
        return parse_qs(urlsplit(self.url).query).get("page", ["1"])[0]

    @cached_property
    def body(self) -> Any:
        return json.loads(self.text) if self.text else None

    @property
    def name(self) -> str:
        return f"{self.file}: {self.verb} {self.url} {self.status}"


@dataclass(frozen=True)
class Recordings:
    exchanges: tuple[Exchange, ...]

    def of(self, verb: str, path: str, status: int = 200) -> list[Exchange]:
        """Return those that asked this, `{}` standing for one segment of a path, `{N}` for a number; different answers only."""
        wanted = re.compile(re.escape(path).replace(r"\{\}", "[^/]+").replace(r"\{N\}", r"\d+"))
        found = [
            one
            for one in self.exchanges
            if (one.verb, one.status) == (verb, status) and wanted.fullmatch(one.path) and one.page == "1"
        ]
        return list({one.text: one for one in found}.values())

    def beside(self, exchange: Exchange) -> list[Exchange]:
        """Return everything of the same conversation."""
        return [one for one in self.exchanges if one.file == exchange.file]


def recordings(cache: Path) -> Recordings:
    """Return them all; fetched by pip when they are not in the cache. A wrong digest fails."""
    one_release = Project(name="pygithub", before=PYGITHUB, after=PYGITHUB, source="github", fixed=frozenset())
    fetch(one_release, cache)
    folder = cache / f"pygithub-{PYGITHUB.version}/tests/ReplayData"
    return Recordings(tuple(one for path in sorted(folder.glob("*.txt")) for one in parsed(path)))


def parsed(path: Path) -> Iterator[Exchange]:
    """Yield the exchanges of one file; what is no JSON conversation (a download) is passed over."""
    lines = path.read_text(encoding="utf-8").split("\n")
    starts = [at for at, line in enumerate(lines) if line in {"https", "http"} and len(lines) > at + 9]
    for at in starts:
        verb, _, _, url, _, _, status, told, text = lines[at + 1 : at + 10]
        if verb.isupper() and status.isdecimal() and told.startswith("["):
            headers = {name.lower(): value for name, value in ast.literal_eval(told)}
            yield Exchange(path.stem, verb, url, int(status), headers, "" if text == "None" else text)


@dataclass
class Replaying:
    """What the server says: an answer for each (verb, path, page), and what it was asked."""

    address: str
    answers: dict[tuple[str, str, str], Exchange] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)  #: what was answered

    def say(self, *exchanges: Exchange, at: str | None = None) -> None:
        """Answer with these and nothing else from now on; `at` is the path to answer the first one at."""
        self.answers, self.asked, self.statuses = {}, [], []
        for number, one in enumerate(exchanges):
            self.also(one, at if number == 0 else None)

    def also(self, exchange: Exchange, at: str | None = None) -> None:
        self.answers.setdefault((exchange.verb, at or exchange.path, exchange.page), exchange)

    def answer(self, verb: str, url: str, tag: str | None) -> tuple[int, dict[str, str], str]:
        """Return status, headers and body; addresses lead back here, and to no page that was not recorded."""
        path, page = urlsplit(url).path, parse_qs(urlsplit(url).query).get("page", ["1"])[0]
        self.asked.append((verb, path))
        one = self.answers.get((verb, path, page))
        if one is None:
            return 404, {"content-type": "application/json"}, json.dumps({"message": f"Not recorded: {verb} {url}"})
        if tag is not None and tag == one.headers.get("etag"):
            return 304, {"etag": tag}, ""
        headers = {name: _LINKS.sub(self.address, one.headers[name]) for name in KEPT if name in one.headers}
        headers |= {name: value for name, value in one.headers.items() if name.startswith("x-ratelimit-")}
        return one.status, self._without_unrecorded_pages(verb, headers), _LINKS.sub(self.address, one.text)

    def _without_unrecorded_pages(self, verb: str, headers: dict[str, str]) -> dict[str, str]:
        links = [link for link in headers.pop("link", "").split(", ") if link and self._is_recorded(verb, link)]
        return {**headers, "link": ", ".join(links)} if links else headers

    def _is_recorded(self, verb: str, link: str) -> bool:
        place = urlsplit(link[1 : link.index(">")])
        return (verb, place.path, parse_qs(place.query).get("page", ["1"])[0]) in self.answers


@contextmanager
def replaying() -> Iterator[Replaying]:
    """Serve recorded answers on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, headers, text = said.answer(self.command, self.path, self.headers.get("if-none-match"))
            said.statuses.append(status)
            content = text.encode()
            self.send_response_only(status)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    said = Replaying(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield said
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
