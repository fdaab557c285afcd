"""The one door of a sandbox to the network: who may reach what through it, and what was tried."""

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from domain.model import Instant, Name, Value

#: what the broker says, first of all, when it and not the server refuses a request
REFUSED: Final = re.compile(r"refused by the factory's egress broker \(([a-z-]{1,40})\)")
Host = Annotated[str, Field(pattern=r"^(\*\.)?[a-z0-9_]([a-z0-9_.-]{0,252})(:[0-9]{1,5})?$")]


def refused_words(reason: str) -> str:
    """Return what REFUSED finds: `reason` is one word of a door's log."""
    return f"refused by the factory's egress broker ({reason})"


class Purpose(StrEnum):
    """What a sandbox's command is for: each has its own allow-list."""

    HARNESS = "harness"
    SETUP = "setup"
    VERIFY = "verify"
    SHELL = "shell"
    AUDIT = "audit"  #: asks the server of advisories, and nobody else
    SERVICE = "service"  #: no sandbox's: the factory's own services, to what its settings name


class Door(Value):
    """One opening of one sandbox. Its socket is the identity: nothing a client says changes who it is.

    `allow` holds names, `*.domain` for everything below one, each with an optional port (443 and 80 without);
    `exempt` holds `host:port` pairs an operator named, which may resolve to a private address.
    """

    id: Name  #: of the sandbox
    run_id: Name
    purpose: Purpose
    repository: str | None = None
    harness: str | None = None
    allow: tuple[Host, ...] = ()
    exempt: tuple[str, ...] = ()
    upstreams: tuple[Name, ...] = ()  #: credentialed upstreams of the settings that this door may use
    upload_limit: int = 256 * 1024**2  #: bytes that may leave through it


class Reach(StrEnum):
    """How something was reached for."""

    CONNECT = "connect"  #: a tunnel, explicit or found by its TLS server name
    HTTP = "http"
    UPSTREAM = "upstream"  #: a credentialed upstream; the broker added the key
    NAME = "name"  #: a DNS question
    ADDRESS = "address"  #: a connection to a bare address, caught inside


class Attempt(Value):
    """One line of a door's log."""

    at: Instant
    run_id: Name
    door: Name
    purpose: Purpose
    reach: Reach
    host: str
    port: int | None = None
    allowed: bool
    reason: str  #: why refused; `allowed` otherwise
    method: str | None = None
    path: str | None = None  #: without the query
    bytes_up: int = 0
    bytes_down: int = 0
    seconds: float = 0.0


class Upstream(Value):
    """A server the broker speaks to with a key of ours: `http://127.0.0.1:3128/NAME/...` inside the sandbox."""

    name: Name
    url: str  #: https, or http on loopback only
    credential: Name | None = None  #: name of a secret
    header: str = "authorization"
    prefix: str = "Bearer "  #: before the key in the header
    paths: tuple[str, ...] = ("/",)  #: path prefixes that may be asked for


class Proxy(Value):
    """What the outside is reached through, in a network that has no other way out."""

    host: str
    port: int
    tls: bool = False  #: it is spoken to over TLS
    credential: Name | None = None  #: name of the secret with its `user:password`
    beside: tuple[str, ...] = ()  #: hosts, `.domains`, addresses and networks that are reached without it


class Network(Value):
    """The way out that a factory declares; what is not declared is the machine's own."""

    proxy: Proxy | None = None
    ca_bundle: str | None = None  #: file of the certificates that are trusted
