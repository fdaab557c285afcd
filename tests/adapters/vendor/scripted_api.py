"""A server that gives the answers it was told, one after another, and keeps what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DROP = object()  #: the connection is closed without an answer
CUT = object()  #: the answer is cut short


@dataclass
class Asked:
    verb: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class ScriptedApi:
    answers: list[Any] = field(default_factory=list)  #: (status, body[, headers]), DROP or CUT; the last repeats
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def say(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked.clear()


@contextmanager
def scripted_api() -> Iterator[ScriptedApi]:
    api = ScriptedApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            told = {key.lower(): value for key, value in self.headers.items()}
            api.asked.append(Asked(self.command, self.path, told, json.loads(body) if body else None))
            found = api.answers.pop(0) if len(api.answers) > 1 else api.answers[0]
            if found is DROP:
                self.close_connection = True
                return
            status, content, *more = (200, {"cut": "x" * 100}) if found is CUT else found
            sent = (
                b"" if status in {204, 304} else content if isinstance(content, bytes) else json.dumps(content).encode()
            )
            self.send_response(status)
            for key, value in {"Content-Length": str(len(sent)), **(more[0] if more else {})}.items():
                self.send_header(key, value)
            self.end_headers()
            if found is CUT:
                self.close_connection = True
                sent = sent[:20]
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, *words: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        api.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
