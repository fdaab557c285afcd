"""Bounded requests to one server: what it answers is used whole or not at all."""

import re
import threading
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import structlog

log = structlog.get_logger()

MAX_BYTES: Final = 64_000_000  #: of one answer
TIMEOUT: Final = (5.0, 15.0)  #: seconds to connect, and between two pieces of the answer
_PIECE: Final = 1 << 16
_CREDENTIALS: Final = re.compile(r"//[^/\s@]*@")


class Offline(Exception):
    """The server did not answer, or not as it should; the message holds no credential and nothing that was asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    kind: str = ""  #: its content type
    etag: str = ""


class Fetcher:
    """One server's pages. `seconds` bounds each answer as a whole; certificates are those of `verify`."""

    def __init__(self, address: str, *, verify: str | bool = True, seconds: float = 30.0) -> None:
        self.address = address.rstrip("/")
        self._verify = verify
        self._seconds = seconds
        self._threads = threading.local()

    @property
    def shown(self) -> str:
        """The address without credentials."""
        return _CREDENTIALS.sub("//", self.address)

    def at(self, address: str) -> "Fetcher":
        """Return one for another address that the same trust goes for."""
        return Fetcher(address, verify=self._verify, seconds=self._seconds)

    def get(self, path: str, accept: str = "application/json", etag: str = "") -> Answer:
        """Return the answer to one request; 200, 304 and 404 are answers.

        Raises:
            Offline: anything else came, or nothing.
        """
        return self._ask("GET", path, {"Accept": accept} | ({"If-None-Match": etag} if etag else {}), None)

    def post(self, path: str, content: Any) -> Answer:
        """Send JSON and return the answer, under the same terms as `get`."""
        return self._ask("POST", path, {"Accept": "application/json"}, content)

    def _ask(self, method: str, path: str, headers: dict[str, str], content: Any) -> Answer:
        try:
            with self._session().request(
                method, self.address + path, headers=headers, json=content, timeout=TIMEOUT, stream=True,
                verify=self._verify,
            ) as answer:  # fmt: skip
                if answer.status_code not in (200, 304, 404):
                    raise Offline(f"it answered {answer.status_code}")
                body = self._body(answer) if answer.status_code == 200 else b""
                kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                return Answer(answer.status_code, body, kind, answer.headers.get("ETag", "")[:200])
        except (requests.RequestException, OSError, ValueError) as error:
            log.warning("server_offline", host=_host(self.address), reason=type(error).__name__)
            raise Offline(f"it did not answer ({type(error).__name__})") from error

    def _session(self) -> requests.Session:
        found: requests.Session | None = getattr(self._threads, "session", None)
        if found is None:
            found = self._threads.session = requests.Session()
            found.headers["User-Agent"] = "software-factory"
        return found

    def _body(self, answer: requests.Response) -> bytes:
        found, until = bytearray(), time.monotonic() + self._seconds
        for piece in answer.iter_content(_PIECE):
            found += piece
            if len(found) > MAX_BYTES:
                raise Offline(f"its answer is longer than {MAX_BYTES} bytes")
            if time.monotonic() > until:
                raise Offline(f"its answer took more than {self._seconds:g} s")
        told = answer.headers.get("Content-Length", "")
        if told.isdigit() and "Content-Encoding" not in answer.headers and int(told) != len(found):
            raise Offline("its answer was cut short")
        return bytes(found)


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
