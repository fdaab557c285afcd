"""The guard before the Dagster webserver, which itself lets anybody launch runs with a GET. Pure ASGI."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from domain.errors import SettingsInvalid

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS: Final = (
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
)
HOW_TO_GET_IN: Final = (
    b"<!doctype html><meta charset=utf-8><title>Software factory</title>"
    b"<h1>Sign in</h1><p>Open the address with <code>?token=</code> that <code>factory up</code> printed "
    b"(<code>factory up</code> prints it again), or send <code>Authorization: Bearer TOKEN</code>.</p>"
)


OPEN: Final = frozenset({"/health", "/ready"})  #: read by whoever watches, without a token; they tell no secret
SIGNED: Final = frozenset({"/v1/webhooks/github"})  #: posted to by a forge, whose signature is checked behind


CAPABLE: Final = re.compile(r"/v1/artifacts/[0-9a-f]{64}")  #: the link itself opens it, which is checked behind


@dataclass(frozen=True)
class Refusal:
    status: int
    text: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class FrontGuard:
    """Lets through only requests to our own host, from our own origin, by somebody who knows the token.

    `origins` are addresses people use besides loopback's, as browsers write them: `https://factory.example.org`.
    """

    def __init__(self, app: App, *, token: str, port: int, origins: Collection[str] = ()) -> None:
        self._app = app
        self._token = token
        ours = (f"http://127.0.0.1:{port}", f"http://localhost:{port}", *origins)
        self._origins = {_host_of(origin): origin.lower() for origin in ours}
        self._cookie = f"factory_{port}"
        self._pass = hmac.new(token.encode(), b"front door cookie", hashlib.sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer refused requests here; hand the others on, with the security headers added."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._judge(scope)
        if refusal is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before the handshake: a plain 403
        else:
            await _answer(refusal, send)

    def _judge(self, scope: Scope) -> Refusal | None:
        headers = _headers(scope)
        if headers.get("host", "").lower() not in self._origins:
            return Refusal(421, b"this address answers to its own names only (127.0.0.1 and localhost as shipped)")
        if _is_signed(scope):
            return None
        if not self._own_origin(scope, headers):
            return Refusal(403, b"requests from other origins are refused")
        if _is_open(scope):
            return None
        if scope["type"] == "http" and (signed := self._sign_in(scope, headers)) is not None:
            return signed
        if not (self._has_cookie(headers) or self._is_bearer(headers)):
            return Refusal(401, HOW_TO_GET_IN, ((b"www-authenticate", b"Bearer"),))
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and _is_graphql(scope["path"]):
            return Refusal(405, b"GraphQL is answered over POST only", ((b"allow", b"POST"),))
        return None

    def _own_origin(self, scope: Scope, headers: dict[str, str]) -> bool:
        """A browser names the origin of everything but plain reads; programs with a bearer token need not."""
        origin = headers.get("origin")
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            return True
        if origin is None:
            return self._is_bearer(headers)
        return origin.lower() == self._origins[headers["host"].lower()]

    def _sign_in(self, scope: Scope, headers: dict[str, str]) -> Refusal | None:
        """Turn `?token=` into a cookie, and the address into one without the token."""
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        given = next((value for key, value in query if key == "token"), None)
        if scope["method"] != "GET" or given is None:
            return None
        if not _same(given, self._token):
            return Refusal(401, HOW_TO_GET_IN)
        rest = urlencode([(key, value) for key, value in query if key != "token"])
        path = "/" + scope["path"].lstrip("/\\")
        target = (path + (f"?{rest}" if rest else "")).encode("ascii", "ignore").replace(b"\r", b"").replace(b"\n", b"")
        secure = "; Secure" if self._origins[headers["host"].lower()].startswith("https:") else ""
        cookie = f"{self._cookie}={self._pass}; Path=/; HttpOnly; SameSite=Strict{secure}".encode()
        return Refusal(303, b"", ((b"location", target), (b"set-cookie", cookie)))

    def _has_cookie(self, headers: dict[str, str]) -> bool:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        return found is not None and _same(found.value, self._pass)

    def _is_bearer(self, headers: dict[str, str]) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and _same(given.strip(), self._token)


def _host_of(origin: str) -> str:
    """Return the host of an origin.

    Raises:
        SettingsInvalid: it is not `http(s)://name` with an optional port.
    """
    told = urlsplit(origin.lower())
    if told.scheme not in ("http", "https") or not told.hostname or f"{told.scheme}://{told.netloc}" != origin.lower():
        raise SettingsInvalid(f"{origin!r} is not an origin; write it as https://name or http://name:port")
    return told.netloc


def _is_open(scope: Scope) -> bool:
    reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    return reads and (scope["path"] in OPEN or CAPABLE.fullmatch(scope["path"]) is not None)


def _is_signed(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in SIGNED


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _headers(scope: Scope) -> dict[str, str]:
    """Return headers by name; a repeated one is joined, so that it matches nothing."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        found[key] = f"{found[key]}; {text}" if key in found else text
    return found


def _is_graphql(path: str) -> bool:
    return path.lower().rstrip("/").endswith("/graphql")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
        await send(message)

    return sending


async def _answer(refusal: Refusal, send: Send) -> None:
    kind = b"text/html; charset=utf-8" if refusal.text.startswith(b"<") else b"text/plain; charset=utf-8"
    headers = [(b"content-type", kind), (b"cache-control", b"no-store"), *refusal.headers, *HEADERS]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.text})
