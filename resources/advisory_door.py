"""The way from a sandbox to the configured server of advisories, and to nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from adapters.egress.surroundings import PROXY, proxy_environment
from domain.egress import Door, Purpose, Upstream
from domain.execution import SandboxRef
from domain.sandbox import Isolation
from resources.settings import Settings
from resources.wiring import Factory

NAME: Final = "factory-advisories"  #: of the upstream
ASKED: Final = ("/v1/query",)


class Way(NamedTuple):
    address: str  #: of the server before `/v1`, as the sandbox reaches it
    environment: dict[str, str]


def advisory_server(settings: Settings) -> str | None:
    """Return the address of the server before `/v1`; None where there is none to ask: a folder is none."""
    told = settings.advisories or ""
    return told.rstrip("/").removesuffix("/v1") if told.startswith(("http://", "https://")) else None


def advisory_upstreams(settings: Settings) -> tuple[Upstream, ...]:
    """Return the server as the broker speaks to it; none where it is plain http beyond this machine, which is tunnelled
    to by host and port."""
    server = advisory_server(settings)
    return (Upstream(name=NAME, url=server, paths=ASKED),) if server and _is_spoken_to(server) else ()


@contextmanager
def way_to_advisories(factory: Factory, ref: SandboxRef) -> Iterator[Way]:
    """Keep the way open as long as the block lasts; a sandbox that isolates nothing is on this machine's network.

    Raises:
        EgressUnavailable: the broker does not answer.
    """
    server = advisory_server(factory.settings) or ""
    if factory.sandboxes[ref.backend].isolation is Isolation.NONE:
        yield Way(server, {})
        return
    place = _place(server)
    direct = _is_spoken_to(server)
    reach = {"upstreams": (NAME,)} if direct else {"allow": (place,), "exempt": (place,)}
    limit = factory.settings.upload_limit
    factory.doors.open(Door(id=ref.id, run_id=ref.id, purpose=Purpose.AUDIT, upload_limit=limit, **reach))
    try:
        yield Way(f"{PROXY}/{NAME}" if direct else server, proxy_environment())
    finally:
        factory.doors.close(ref.id)


def _is_spoken_to(server: str) -> bool:
    return server.startswith("https://") or _is_loopback(urlsplit(server).hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _place(server: str) -> str:
    parts = urlsplit(server)
    return f"{(parts.hostname or '').lower()}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
