"""HTTP as the stand-in speaks it: one handler a connection, in a thread of its own."""

import json
import re
import select
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol
from urllib.parse import parse_qsl

from domain.execution import Usage
from tests.support.model.anthropic import Anthropic
from tests.support.model.book import Book, Seen
from tests.support.model.chat import ChatCompletions
from tests.support.model.delivery import Cut, Hold, Piece, changed, refusal, steps
from tests.support.model.gemini import Gemini
from tests.support.model.listener import reset
from tests.support.model.openai import OpenAI
from tests.support.model.script import Fault, FaultKind, Script, Tokens, Turn
from tests.support.model.tools import answer
from tests.support.model.wire import Asked, Body, Provider, Refusal, Refused

OPENAI, CHAT, ANTHROPIC, GEMINI = OpenAI(), ChatCompletions(), Anthropic(), Gemini()
UPSTREAM = re.compile(r"^/s/([A-Za-z0-9_-]{1,64})(?=/|$)")
BODY_LIMIT = 64_000_000  #: bytes
MODELS = ("scripted-1", "gemini-2.5-pro")
GLANCE = 0.02  #: seconds between two looks whether the client is still there
AUTH = ("authorization", "x-api-key", "x-goog-api-key")


class StandIn(Protocol):
    """What all connections share."""

    book: Book

    def refuse(self) -> None:
        """Stop listening and reset every connection."""


class _Left(ConnectionError):
    """The client went away, or the server refuses everybody."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 0
    stand_in: StandIn
    seen: Seen

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        with self._noted() as (provider, path):
            if path in ("/", ""):
                self._reply(Refusal(200, {"status": "scripted"}))
            elif path.rpartition("/")[2] == "models":
                self._list_models(provider)
            else:
                self._reply(provider.wrong(f"Unknown request URL: {self.command} {path}", 404), "no such path")

    do_HEAD = do_GET  # noqa: N815 - named so by http.server

    def do_POST(self) -> None:
        with self._noted() as (provider, path):
            try:
                self._converse(provider, path, self._body())
            except Refused as refused:
                self._reply(provider.wrong(str(refused), refused.status), str(refused))

    def _converse(self, provider: Provider, path: str, body: Body) -> None:
        asked = provider.read(path, body, self.headers_seen)
        script, conversation = self.stand_in.book.choose(asked.prompts, self.upstream, self.seen.key)
        self._change(conversation=conversation, model=asked.model, stream=asked.stream, turn=asked.turn)
        self._authorize(script)
        if _counts(path):
            tokens = len(json.dumps(body)) // 4
            self._reply(Refusal(200, {"totalTokens": tokens} if provider is GEMINI else {"input_tokens": tokens}))
        else:
            self._answer(provider, asked, script)

    @contextmanager
    def _noted(self) -> Iterator[tuple[Provider, str]]:
        """Note the request from its arrival to its end."""
        told = self._begin()
        try:
            yield told
        finally:
            self._change(over=True)

    def _begin(self) -> tuple[Provider, str]:
        """Note the request; return whose API it is and its path without the upstream's name."""
        asked, _, query = self.path.partition("?")
        named = UPSTREAM.match(asked)
        self.upstream = named[1] if named else None
        path = UPSTREAM.sub("", asked)
        self.headers_seen = {name.lower(): value for name, value in self.headers.items()}
        provider = _provider(path, self.headers_seen)
        key = provider.key(self.headers_seen, dict(parse_qsl(query)))
        auth = next((name for name in AUTH if name in self.headers_seen), None)
        self.seen = self.stand_in.book.arrive(Seen(provider.name, self.command, path, auth, key))
        return provider, path

    def _change(self, **values: object) -> None:
        self.stand_in.book.change(self.seen, **values)

    def _authorize(self, script: Script) -> None:
        if self.seen.key is None or script.key not in (None, self.seen.key):
            raise Refused("Incorrect API key provided.", 401)

    def _body(self) -> Body:
        """Read what was sent, whole, so that the connection can go on. Raises: Refused."""
        if self.headers_seen.get("transfer-encoding", "").lower() == "chunked":
            content = self._chunks()
        else:
            content = self.rfile.read(self._length())
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            raise Refused("We could not parse the JSON body of your request.") from None
        if not isinstance(body, dict):
            raise Refused("The body of the request is no JSON object.")
        return body

    def _length(self) -> int:
        given = self.headers_seen.get("content-length", "0")
        if re.fullmatch("[0-9]{1,12}", given) and int(given) <= BODY_LIMIT:
            return int(given)
        self.close_connection = True
        raise Refused(f"content-length: {given[:40]}", 413 if given.isdecimal() else 400)

    def _chunks(self) -> bytes:
        found = b""
        while size := self._chunk_size():
            found += self.rfile.read(size)
            self.rfile.readline(3)
            if len(found) > BODY_LIMIT:
                self.close_connection = True
                raise Refused("The request is too large.", 413)
        self.rfile.readline(3)
        return found

    def _chunk_size(self) -> int:
        line = self.rfile.readline(20).strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", line):
            self.close_connection = True
            raise Refused("The body is not chunked as it says.")
        return min(int(line, 16), BODY_LIMIT + 1)

    def _list_models(self, provider: Provider) -> None:
        """Answer the cheapest question that needs a key; a refusal that the script begins with for good comes here too."""
        try:
            script, conversation = self.stand_in.book.choose("", self.upstream, self.seen.key)
            self._change(conversation=conversation)
            self._authorize(script)
        except Refused as refused:
            self._reply(provider.wrong(str(refused), refused.status), str(refused))
            return
        fault = script.turns[0].fault
        first = refusal(provider, fault, MODELS[0], stream=False) if fault and fault.times is None else None
        listed = {
            "object": "list",
            "data": [{"id": name, "object": "model", "type": "model", "display_name": name} for name in MODELS],
            "models": [{"name": f"models/{name}"} for name in MODELS],
        }
        self._reply(first or Refusal(200, listed))

    def _answer(self, provider: Provider, asked: Asked, script: Script) -> None:
        # Gemini CLI wants JSON from what it offers no tools; words would have it ask again for minutes.
        if script.aside is not None and not asked.tools and provider is not GEMINI:
            self._say(provider, asked, script.aside)
            return
        if asked.turn >= len(script.turns):
            raise Refused(f"script {script.name} has {len(script.turns)} turns; this would be one more")
        turn = script.turns[asked.turn]
        made = answer(asked, turn)
        fault = self.stand_in.book.due(str(self.seen.conversation), asked.turn, turn.fault)
        self._change(fault=fault.kind.value if fault else None)
        self._hold(turn.latency)
        if fault is not None and self._vanishes(fault):
            return
        refused = refusal(provider, fault, asked.model, stream=asked.stream)
        if refused is not None:
            self._reply(refused)
            return
        self._head(200, {"content-type": "text/event-stream" if asked.stream else "application/json"})
        self._deliver(steps(provider, replace(made, turn=changed(turn, fault)), fault))

    def _say(self, provider: Provider, asked: Asked, text: str) -> None:
        turn = Turn(say=text, usage=Tokens(input=0, output=0))
        self._head(200, {"content-type": "text/event-stream" if asked.stream else "application/json"})
        self._deliver(steps(provider, answer(asked, turn), None))

    def _vanishes(self, fault: Fault) -> bool:
        """Do what a fault does to a connection that gets no answer."""
        if fault.kind is FaultKind.REFUSED:
            self.stand_in.refuse()
        elif fault.kind is FaultKind.STALL:
            self._hold(fault.seconds)
            reset(self.connection)
        else:
            return False
        self.close_connection = True
        return True

    def _deliver(self, plan: Iterable[Piece | Hold | Cut]) -> None:
        for step in plan:
            match step:
                case Hold(seconds=seconds):
                    self._hold(seconds)
                case Cut():
                    self.close_connection = True
                    return
                case Piece(data=data, tells=tells):
                    self._write(data, tells)
        self.wfile.write(b"0\r\n\r\n")

    def _write(self, data: bytes, tells: Usage | None) -> None:
        """Write a piece. What it tells is known before it can be read, and forgotten if it cannot be written."""
        before = self.seen.sent
        if tells is not None:
            self._change(sent=tells)
        try:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        except OSError:
            self._change(sent=before)
            raise

    def _hold(self, seconds: float | None) -> None:
        """Wait. Raises: _Left: there is nobody left to wait for."""
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or (left := until - time.monotonic()) > 0:
            time.sleep(GLANCE if until is None else min(GLANCE, left))
            if self._gone():
                raise _Left

    def _gone(self) -> bool:
        looking = select.poll()  # select() knows no descriptor above 1023
        looking.register(self.connection, select.POLLIN)
        return bool(looking.poll(0)) and not self.connection.recv(1, socket.MSG_PEEK)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self._change(status=status)
        self.send_response(status)
        for name, value in {**headers, "transfer-encoding": "chunked", "cache-control": "no-cache"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _reply(self, refusal: Refusal, problem: str | None = None) -> None:
        page = isinstance(refusal.body, str)
        content = refusal.body.encode() if isinstance(refusal.body, str) else json.dumps(refusal.body).encode()
        self._change(status=refusal.status, problem=problem)
        self.send_response(refusal.status)
        kind = {"content-type": "text/html" if page else "application/json", "content-length": str(len(content))}
        for name, value in {**kind, **refusal.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _counts(path: str) -> bool:
    return path.endswith(("/count_tokens", ":countTokens"))


def _provider(path: str, headers: dict[str, Any]) -> Provider:
    if path.startswith("/v1beta/"):
        return GEMINI
    ours = path.startswith("/v1/messages") or "anthropic-version" in headers or "x-api-key" in headers
    if ours:
        return ANTHROPIC
    return CHAT if path.endswith("/chat/completions") else OPENAI
