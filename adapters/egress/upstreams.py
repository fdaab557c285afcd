"""Upstreams: servers that are spoken to with a key of ours, on allowed paths alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import h11

from adapters.egress.forwarding import Asked, Headers, onward, spelled
from adapters.egress.refusing import Refused
from adapters.egress.scrubbing import NOTHING, SHORTEST, spellings
from domain.egress import Upstream
from domain.errors import InvalidInput

OWN_KEYS = {b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"proxy-authorization", b"cookie"}
PARTIAL = {b"range", b"if-range"}  # a key could come back in parts, each too short to be known
KEY_PARAMETERS = {"key", "api_key", "api-key", "apikey", "access_token"}


@dataclass(frozen=True)
class Server:
    """An upstream with its URL taken apart."""

    upstream: Upstream
    host: str
    port: int
    tls: bool
    base: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def servers_of(upstreams: Sequence[Upstream]) -> dict[str, Server]:
    """Return the upstreams by name.

    Raises:
        InvalidInput: a URL is none, or would carry a key in plain text over a network.
    """
    return {upstream.name: _server(upstream) for upstream in upstreams}


def _server(upstream: Upstream) -> Server:
    try:
        url = urlsplit(upstream.url)
        host, port = url.hostname or "", url.port
    except ValueError as error:
        raise InvalidInput(f"upstream {upstream.name}: {error}") from error
    tls = url.scheme == "https"
    if url.scheme not in ("http", "https") or not host or url.username or url.query or url.fragment:
        raise InvalidInput(f"upstream {upstream.name}: give https://host[:port][/path]")
    if not tls and not _is_loopback(host):
        raise InvalidInput(f"upstream {upstream.name}: plain http is for a server on this machine; use https")
    return Server(upstream, host, port or (443 if tls else 80), tls, url.path.rstrip("/"))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def asked_of(server: Server, request: h11.Request, path: str, query: str, key: str | None) -> Asked:
    """Return the request as the upstream gets it: no key of the client's, ours added, nothing coded.

    Raises:
        Refused: the key is none that may stand in a header.
    """
    own = server.upstream.header.lower().encode()
    dropped = OWN_KEYS | PARTIAL | {own, b"accept-encoding"}
    headers: Headers = [(b"host", server.authority.encode()), (b"accept-encoding", b"identity")]
    headers += [pair for pair in onward(request.headers) if spelled(pair[0]) not in dropped]
    if key is not None:
        if len(key) < SHORTEST or not key.isascii() or not key.isprintable():
            raise Refused("credential-missing", 503)
        headers.append((own, f"{server.upstream.prefix}{key}".encode()))
    target = server.base + path + _without_keys(query)
    return Asked(request.method, target, [*headers, (b"connection", b"close")], spellings(key) if key else NOTHING)


def _without_keys(query: str) -> str:
    """Return the query with its `?`, less the parameters in which a client could send a key of its own."""
    parts = [part for part in re.split("[&;]", query) if unquote(part.partition("=")[0]).lower() not in KEY_PARAMETERS]
    return f"?{'&'.join(parts)}" if query and parts else ""
