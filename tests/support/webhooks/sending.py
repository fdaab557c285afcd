"""Webhooks as GitHub sends them: signed, with its headers, to our own endpoint behind the front door's guard."""

import asyncio
import hashlib
import hmac
import itertools
import json
import uuid
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from control_plane.front_guard import FrontGuard
from control_plane.webhooks.route import PATH, webhooks_route
from domain.repositories import Repository, RepositorySettings
from resources.settings import load_settings
from resources.wiring import Factory, open_factory

HOST = "127.0.0.1:3999"
SECRET = "It's a Secret to Everybody"
JSON = "application/json"
Headers = Sequence[tuple[str, str]]


def signature_of(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class Sender:
    """A factory with its web address, and a forge that sends to it."""

    factory: Factory
    app: Any

    def send(self, event: str, body: bytes | dict[str, Any], *, secret: str = SECRET, **changed: str | None) -> Answer:
        """Send as GitHub does; `changed` headers replace, or with None leave out, what it would say."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.post(content, tuple(self.headers(event, content, secret=secret, **changed)))

    def headers(self, event: str, body: bytes, *, secret: str = SECRET, **changed: str | None) -> Headers:
        told: dict[str, str | None] = {
            "host": HOST,
            "user-agent": "GitHub-Hookshot/044aadd",
            "content-type": JSON,
            "x-github-event": event,
            "x-github-delivery": str(uuid.uuid4()),
            "x-hub-signature-256": signature_of(body, secret),
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        return [(name, value) for name, value in told.items() if value is not None]

    def post(self, body: bytes | Iterable[bytes], headers: Headers) -> Answer:
        return asyncio.run(self.posting(body, headers))

    def posting(self, body: bytes | Iterable[bytes], headers: Headers) -> Awaitable[Answer]:
        return asked(self.app, "POST", PATH, body, headers)


async def asked(app: Any, method: str, path: str, body: bytes | Iterable[bytes], headers: Headers) -> Answer:
    """Ask an ASGI application; an exception in place of a chunk is a sender that went away."""
    chunks = itertools.chain([body] if isinstance(body, bytes) else body)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        chunk = next(chunks, None)
        if isinstance(chunk, Exception):
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": pairs,
    }
    await app(scope, receive, send)
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:]), told)


def make_sender(home: Path) -> Sender:
    settings = load_settings(home)
    factory = open_factory(settings, migrate=True)
    app = FrontGuard(Starlette(routes=[webhooks_route(settings)]), token="the-token", port=3999)
    return Sender(factory, app)


def enrol(factory: Factory, name: str, source: str, *, forge: str = "github", **more: Any) -> Repository:
    repository = Repository(
        name=name,
        source=source,
        forge=forge,
        remote="nowhere",
        settings=RepositorySettings(),
        created_at=datetime.now(UTC),
        created_by="ann",
    ).model_copy(update=more)
    factory.operators.save_repository(repository, actor="ann", now=datetime.now(UTC))
    return repository
