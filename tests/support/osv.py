"""A stand-in for an OSV server, on loopback, in the real wire format; its records are those it is given."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from adapters.advisory.record import NAMES, RecordUnreadable, affects, normalised

PAGE = 2  #: vulnerabilities a batch tells at once, so that pages are really asked for


def record(identity: str, ecosystem: str, name: str, **told: Any) -> dict[str, Any]:
    """Return a record in the OSV format that affects every version below `fixed`."""
    fixed = told.pop("fixed", "99")
    kind = "SEMVER" if ecosystem == "npm" else "ECOSYSTEM"
    ranges = [{"type": kind, "events": [{"introduced": "0"}, {"fixed": fixed}]}]
    return {
        "schema_version": "1.6.0",
        "id": identity,
        "modified": "2026-01-02T03:04:05Z",
        "published": "2025-12-31T00:00:00Z",
        "summary": f"A hole in {name}",
        "affected": [{"package": {"ecosystem": ecosystem, "name": name}, "ranges": ranges}],
        "references": [{"type": "ADVISORY", "url": f"https://advisories.example.test/{identity}"}],
        **told,
    }


#: what the client asks to see whether a source knows anything
CANARIES = (
    record("PYSEC-2019-217", "PyPI", "jinja2", fixed="2.10.1", database_specific={"severity": "HIGH"}),
    record("GHSA-35jh-r3h4-6jhm", "npm", "lodash", fixed="4.17.21", database_specific={"severity": "HIGH"}),
)


class OsvStandIn(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, records: Sequence[dict[str, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.records = {one["id"]: one for one in records}
        self.asked: list[str] = []
        self.broken: dict[str, tuple[int, bytes]] = {}  #: path → what it answers instead

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def affecting(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        package = query["package"]
        ecosystem = next(key for key, name in NAMES.items() if name == package["ecosystem"])
        name = normalised(ecosystem, package["name"])
        return [one for _, one in sorted(self.records.items()) if _is_hit(one, ecosystem, name, query["version"])]


def _is_hit(one: dict[str, Any], ecosystem: Any, name: str, version: str) -> bool:
    try:
        return affects(one, ecosystem, name, version)
    except RecordUnreadable:
        return False


class _Handler(BaseHTTPRequestHandler):
    server: OsvStandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if not self._is_broken():
            found = self.server.records.get(self.path.rpartition("/")[2])
            self._answer(200 if found else 404, found or {"code": 5, "message": "Bug not found."})

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._is_broken():
            return
        if self.path == "/v1/query":
            hits = self.server.affecting(content)
            self._answer(200, {"vulns": hits} if hits else {})
        elif self.path == "/v1/querybatch":
            self._answer(200, {"results": [self._page(one) for one in content["queries"]]})
        else:
            self._answer(404, {"code": 5, "message": "Not Found"})

    def _page(self, query: dict[str, Any]) -> dict[str, Any]:
        start = int(query.get("page_token") or 0)
        hits = self.server.affecting(query)
        told = [{"id": one["id"], "modified": one["modified"]} for one in hits[start : start + PAGE]]
        more = {"next_page_token": str(start + PAGE)} if len(hits) > start + PAGE else {}
        return ({"vulns": told} if told else {}) | more

    def _is_broken(self) -> bool:
        self.server.asked.append(self.path)
        told = self.server.broken.get(self.path)
        if told:
            self._send(*told)
        return bool(told)

    def _answer(self, status: int, content: Any) -> None:
        self._send(status, json.dumps(content).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def osv_stand_in(records: Sequence[dict[str, Any]] = CANARIES) -> Iterator[OsvStandIn]:
    with OsvStandIn(records) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
