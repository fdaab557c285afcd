"""What one connection of a door asks for, decided and done. Everything a client says is hostile."""

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import h11

from adapters.egress.dialing import Dialer, Streams, hanging_up
from adapters.egress.forwarding import Asked, forward, onward
from adapters.egress.judging import anywhere, judge_of, loopback_only
from adapters.egress.limits import Limits
from adapters.egress.passage import Passage
from adapters.egress.places import Places
from adapters.egress.proxying import ProxyDialer
from adapters.egress.refusing import Refused
from adapters.egress.tunnelling import tunnel
from adapters.egress.upstreams import Server, asked_of
from adapters.egress.wire import Wire
from domain.egress import Reach
from policy.egress import canonical, name_refusal, path_refusal, refusal

REFLECTING = {b"TRACE", b"TRACK"}  # would send our headers back
OWN = {"127.0.0.1:3128", "localhost:3128", "[::1]:3128"}  # how a client inside calls this proxy
_ABSOLUTE = re.compile(r"http://([^/?#@\\]+)(/[^#]*|\?[^#]*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]:]*)(?::([0-9]{1,5}))?")


@dataclass(frozen=True)
class Shared:
    """What all doors share."""

    servers: Mapping[str, Server]
    secret: Callable[[str], str | None]
    dialer: Dialer | ProxyDialer
    tls: ssl.SSLContext
    limits: Limits
    places: Places

    async def key(self, server: Server) -> str | None:
        """Return the key of an upstream; None for one that needs none.

        Raises:
            Refused: nobody gave it.
        """
        name = server.upstream.credential
        if name is None:
            return None
        key = await asyncio.to_thread(self.secret, name)
        if not key:
            raise Refused("credential-missing", 503)
        return key.strip()


async def exchange(shared: Shared, passage: Passage, client: Wire, request: h11.Request) -> None:
    """Do what was asked, to its end.

    Raises:
        Refused: it may not be done, or could not.
    """
    target = request.target.decode()
    method = request.method.decode()
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in request.headers}:
        raise Refused("malformed", 400)
    if method == "NAME":
        await _name(passage, client, target)
    elif method == "ADDRESS":
        _address(passage, target)
    elif method == "CONNECT":
        passage.host, passage.port = _authority(target, 0)
        await _connect(shared, passage, client, passage.port)
    else:
        passage.reach, passage.method = Reach.HTTP, method
        await _http(shared, passage, client, request)


async def _name(passage: Passage, client: Wire, target: str) -> None:
    name = unquote(target)
    passage.reach = Reach.NAME
    passage.host = canonical(name) if name == target else target  # coded: what is no name is recorded as it came
    reason = name_refusal(passage.door, name)
    if reason is not None:
        raise Refused(reason)
    passage.opened = True
    await client.answer(204, {})


def _address(passage: Passage, target: str) -> None:
    """Record where something went that no name was asked for; `udp` stands for packets sent to who knows where."""
    passage.reach = Reach.ADDRESS
    passage.host, passage.port = (target, None) if target == "udp" else _authority(target, 0)
    raise Refused("address")


async def _connect(shared: Shared, passage: Passage, client: Wire, port: int) -> None:
    _permit(passage, port)
    if not isinstance(await client.receive(), h11.EndOfMessage):
        raise Refused("malformed", 400)
    streams = await shared.dialer.dial(passage.host, port, judge_of(passage.door, passage.host, port))
    with hanging_up(streams):
        await tunnel(passage, client, streams, shared.limits.head_seconds)


async def _http(shared: Shared, passage: Passage, client: Wire, request: h11.Request) -> None:
    """Tell a request to an upstream from one to any host: an upstream is asked of this proxy itself."""
    target = request.target.decode()
    host = next((value.decode() for name, value in request.headers if name == b"host"), "")
    absolute = _ABSOLUTE.fullmatch(target)
    authority = absolute[1] if absolute else host
    passage.host, passage.port = _authority(authority, 80)
    path, mark, query = ((absolute[2] or "/") if absolute else target).partition("?")
    path = path or "/"
    passage.path = path
    if request.method in REFLECTING or not path.startswith("/"):
        raise Refused("malformed", 400)
    if _authority(host, 80) != (passage.host, passage.port):
        raise Refused("host-mismatch")
    if authority.lower() in OWN:
        await _upstream(shared, passage, client, request, (path, query))
    else:
        await _plain(shared, passage, client, request, path + mark + query)


async def _plain(shared: Shared, passage: Passage, client: Wire, request: h11.Request, target: str) -> None:
    host, port = passage.host, passage.port or 80
    _permit(passage, port)
    named = (b"host", (host if port == 80 else f"{host}:{port}").encode())
    way = await shared.dialer.dial_plain(host, port, judge_of(passage.door, host, port))
    headers = [named, *onward(request.headers), *way.headers, (b"connection", b"close")]
    asked = Asked(request.method, way.before + target, headers, proxied=bool(way.before))
    await _forward(shared, passage, client, way.streams, asked)


async def _upstream(
    shared: Shared, passage: Passage, client: Wire, request: h11.Request, asked_for: tuple[str, str]
) -> None:
    path, query = asked_for
    name = path.split("/")[1]
    passage.reach, passage.host, passage.port = Reach.UPSTREAM, name, None
    server = shared.servers.get(name)
    if server is None or name not in passage.door.upstreams:
        raise Refused("unknown-upstream")
    passage.host, passage.port, passage.path = server.host, server.port, path[len(name) + 1 :] or "/"
    reason = path_refusal(server.upstream, passage.path)
    if reason is not None:
        raise Refused(reason)
    asked = asked_of(server, request, passage.path, query, await shared.key(server))
    judge, tls = (anywhere, shared.tls) if server.tls else (loopback_only, None)
    streams = await shared.dialer.dial(server.host, server.port, judge, tls)
    await _forward(shared, passage, client, streams, asked)


async def _forward(shared: Shared, passage: Passage, client: Wire, streams: Streams, asked: Asked) -> None:
    with hanging_up(streams):
        server = Wire(h11.CLIENT, streams, passage.upward, shared.limits.head_bytes)
        await forward(passage, client, server, asked)


def _permit(passage: Passage, port: int) -> None:
    reason = refusal(passage.door, passage.host, port)
    if reason is not None:
        raise Refused(reason)


def _authority(text: str, default: int) -> tuple[str, int]:
    """Return host and port; no default (0) demands a port.

    Raises:
        Refused: it is neither.
    """
    found = _AUTHORITY.fullmatch(text)
    port = int(found[2] or default) if found else 0
    if found is None or not 0 < port < 65536:
        raise Refused("malformed", 400)
    return canonical(found[1]), port
