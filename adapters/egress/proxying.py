"""The way out through a network's proxy: it is told names, looks them up itself, and opens a tunnel to each."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable

import h11

from adapters.egress.dialing import Dialer, Plain, Streams
from adapters.egress.forwarding import MUST_SIGN_IN, Headers
from adapters.egress.judging import Judge, anywhere
from adapters.egress.refusing import Refused
from adapters.egress.wire import Wire
from domain.egress import Proxy
from policy.network import goes_beside

HEAD_BYTES = 32768  # of its answer
SignIn = Callable[[], Awaitable[Headers]]


class ProxyDialer:
    """Dials as a Dialer does what lies beside the proxy, and asks the proxy for the rest.

    An address is judged where this machine looks it up: beside the proxy. What the proxy is asked for was permitted
    by its name before.
    """

    def __init__(self, direct: Dialer, proxy: Proxy, sign_in: SignIn, tls: ssl.SSLContext) -> None:
        self._direct = direct
        self._proxy = proxy
        self._sign_in = sign_in
        self._tls = tls

    async def dial(self, host: str, port: int, judge: Judge, tls: ssl.SSLContext | None = None) -> Streams:
        """Return a connection to a server.

        Raises:
            Refused: as a Dialer does; the proxy does not answer, or does not open the way.
        """
        if goes_beside(host, self._proxy.beside):
            return await self._direct.dial(host, port, judge, tls)
        headers = await self._sign_in()
        streams = await self._connected()
        try:
            await self._tunnel(streams, authority(host, port), headers)
            if tls is not None:
                await self._secure(streams, host, tls)
        except BaseException:
            streams[1].transport.abort()
            raise
        return streams

    async def dial_plain(self, host: str, port: int, judge: Judge) -> Plain:
        """Return a connection for one plain request; the proxy is asked for the whole URL."""
        if goes_beside(host, self._proxy.beside):
            return await self._direct.dial_plain(host, port, judge)
        headers = await self._sign_in()
        place = authority(host, port).removesuffix(":80") if port == 80 else authority(host, port)
        return Plain(await self._connected(), before=f"http://{place}", headers=tuple(headers))

    async def _connected(self) -> Streams:
        try:
            return await self._direct.dial(
                self._proxy.host, self._proxy.port, anywhere, self._tls if self._proxy.tls else None
            )
        except Refused as refused:
            raise Refused("proxy-unreachable", 502) from refused

    async def _tunnel(self, streams: Streams, place: str, headers: Headers) -> None:
        server = Wire(h11.CLIENT, streams, _uncounted, HEAD_BYTES)
        request = h11.Request(method="CONNECT", target=place, headers=[(b"host", place.encode()), *headers])
        try:
            async with asyncio.timeout(self._direct.seconds):
                await server.send(request)
                while isinstance(answer := await server.receive(), h11.InformationalResponse):
                    continue
        except OSError as error:  # a time-out too
            raise Refused("proxy-unreachable", 502) from error
        refuse_unless_opened(answer)
        if server.early:
            raise Refused("proxy-refused", 502)  # whose words are these?

    async def _secure(self, streams: Streams, host: str, tls: ssl.SSLContext) -> None:
        try:
            async with asyncio.timeout(self._direct.seconds):
                await streams[1].start_tls(tls, server_hostname=host)
        except ssl.SSLError as error:
            raise Refused("tls-failed", 502) from error
        except OSError as error:
            raise Refused("unreachable", 502) from error


def refuse_unless_opened(answer: object) -> None:
    """Raises Refused unless a proxy said that the tunnel stands."""
    status = answer.status_code if isinstance(answer, h11.Response) else 0
    if status == MUST_SIGN_IN:
        raise Refused("proxy-sign-in", 502)
    if not 200 <= status < 300:
        raise Refused("proxy-refused", 502)


def proxied(direct: Dialer, proxy: Proxy, secret: Callable[[str], str | None], tls: ssl.SSLContext) -> ProxyDialer:
    """Return what dials through a proxy, whose credential is a secret."""
    return ProxyDialer(direct, proxy, sign_in_of(proxy, secret), tls)


def sign_in_of(proxy: Proxy, secret: Callable[[str], str | None]) -> SignIn:
    """Return what gets the headers that sign in to a proxy: the secret is asked for at each use."""

    async def headers() -> Headers:
        if proxy.credential is None:
            return []
        told = await asyncio.to_thread(secret, proxy.credential)
        words = (told or "").strip()
        if ":" not in words or not words.isprintable():
            raise Refused("credential-missing", 503)
        return [(b"proxy-authorization", b"Basic " + b64encode(words.encode()))]

    return headers


def authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def _uncounted(_: int) -> None:
    """What is said to the proxy is no traffic of a sandbox."""
