"""What a sandbox may reach through its door: settings → allow-list, and each thing reached for → refused or not.

A refusal is one word (`name-not-allowed`); None lets it pass. Whatever is not clearly a permitted name is refused.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated
from unicodedata import category, normalize
from urllib.parse import unquote_to_bytes

from pydantic import AfterValidator

from domain.egress import Door, Purpose, Upstream
from domain.model import Value

DEFAULT_PORTS = (443, 80)  # of an entry that names none

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ENTRY = re.compile(rf"(?:\*\.)?{_NAME.pattern}(?::[0-9]{{1,5}})?")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_CODED = re.compile(r"%(?:2e|2f|5c|25|[01][0-9a-f]|7f|(?![0-9a-f]{2}))", re.I)  # . / \ %, control, or no code at all
_NOT_PUBLIC = (  # though Python calls them global: protocol assignments, relays, clouds' own services
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("168.63.129.16/32"),
)
_NAT64 = IPv6Network("64:ff9b::/96")


def _permitted(entry: str) -> str:
    """Return the entry of an allow-list.

    Raises:
        ValueError: it would open more than one name or one domain, or is no name; says what to write instead.
    """
    if not entry.isascii():
        raise ValueError(f"{entry!r}: write an international name in its xn-- form")
    if entry != entry.lower():
        raise ValueError(f"{entry!r}: write hosts in lower case")
    pattern, _, port = entry.partition(":")
    name = pattern.removeprefix("*.")
    if entry.count(":") > 1 or is_address(name):
        raise ValueError(f"{entry!r} is an address: allow a name; who answers at an address cannot be told")
    if not _ENTRY.fullmatch(entry) or (port and not 0 < int(port) < 65536):
        raise ValueError(f"{entry!r} is no host: write `name`, `name:port` or `*.domain`")
    if pattern.startswith("*.") and "." not in name:
        raise ValueError(f"{entry!r} opens a whole top-level domain: name the domain")
    return entry


AllowedHost = Annotated[str, AfterValidator(_permitted)]


class EgressPolicy(Value):
    """`policy/rules/egress.yaml`: whom the door opens to; an empty policy opens to nobody."""

    everywhere: tuple[AllowedHost, ...] = ()  #: to every agent at work
    repositories: dict[str, tuple[AllowedHost, ...]] = {}  #: to an agent at work on that repository
    harnesses: dict[str, tuple[AllowedHost, ...]] = {}  #: to that agent program
    setup: tuple[AllowedHost, ...] = ()  #: to a repository's `setup`, besides the package registries
    verify: dict[str, tuple[AllowedHost, ...]] = {}  #: to a repository's checks; without a line there is no door


def allowed_hosts(
    policy: EgressPolicy, *, purpose: Purpose, repository: str | None, harness: str | None, registries: Sequence[str]
) -> tuple[str, ...]:
    """Return the allow-list of a door. Registries (`host` or `host:port`) are opened to setup alone."""
    if purpose is Purpose.SETUP:
        return _unique((*registries, *policy.setup))
    if purpose is Purpose.AUDIT:
        return ()
    if purpose is Purpose.VERIFY:
        return _unique(policy.verify.get(repository or "", ()))
    at_work = policy.repositories.get(repository or "", ()), policy.harnesses.get(harness or "", ())
    return _unique((*policy.everywhere, *at_work[0], *at_work[1]))


def _unique(hosts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(hosts))


def canonical(host: str) -> str:
    """Return a host as it is compared and dialled: lower case, without the root's dot."""
    return host.lower().removesuffix(".") if host.isascii() else host


def is_address(host: str) -> bool:
    """Tell whether any program could take the host for an address: IPv6, or IPv4 in any spelling
    (decimal, hexadecimal, octal, fewer than four parts), which is whatever ends in a number.
    """
    name = canonical(host)
    return ":" in name or name.startswith("[") or bool(_NUMBER.fullmatch(name.rpartition(".")[2]))


def refusal(door: Door, host: str, port: int) -> str | None:
    """Return why the door does not open to this host and port, before any name is looked up."""
    name = canonical(host)
    if is_address(host) and f"{name}:{port}" not in door.exempt:
        return "address"
    reason = name_refusal(door, host)
    if reason is not None:
        return reason
    return None if any(_opens(entry, name, port) for entry in door.allow) else "port-not-allowed"


def name_refusal(door: Door, host: str) -> str | None:
    """Return why the door does not open to this name on any port."""
    name = canonical(host)
    if len(name) > 253 or not _NAME.fullmatch(name):
        return "malformed-name"
    return None if any(_opens(entry, name, None) for entry in door.allow) else "name-not-allowed"


def _opens(entry: str, name: str, port: int | None) -> bool:
    pattern, own_port = _split(entry)
    below = pattern.startswith("*.") and name.endswith(pattern[1:]) and len(name) > len(pattern) - 1
    ports = DEFAULT_PORTS if own_port is None else (own_port,)
    return (below or name == pattern) and (port is None or port in ports)


def _split(entry: str) -> tuple[str, int | None]:
    pattern, _, port = entry.partition(":")
    return pattern, int(port) if port else None


def address_refusal(door: Door, host: str, port: int, ip: str) -> str | None:
    """Return why the address that an allowed name was found at may not be dialled.

    Only public unicast addresses may be, unless an operator exempted this very host and port.
    """
    if f"{canonical(host)}:{port}" in door.exempt:
        return None
    return None if is_public(ip) else "private-address"


def is_public(ip: str) -> bool:
    """Tell whether an address is global unicast, and so is the IPv4 address it may carry inside."""
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        carried = _carried(address)
        if carried is not None:
            return is_public(str(carried))
        if address.is_site_local or address.sixtofour or address.teredo:  # tunnels that nobody runs any more
            return False
    unicast = address.is_global and not address.is_multicast and not address.is_reserved
    return unicast and not any(address in network for network in _NOT_PUBLIC)


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped


def path_refusal(upstream: Upstream, path: str) -> str | None:
    """Return why a path (without its query) may not be asked of an upstream.

    A path that two readers could take for different ones is refused: dots, empty parts, coded slashes, backslashes,
    as it stands and as it reads decoded once and twice, with or without `;parameters`.
    """
    if not path.startswith("/") or _CODED.search(path) or "#" in path or any(map(_twisted, _readings(path))):
        return "path-malformed"
    return None if any(_below(path, prefix) for prefix in upstream.paths) else "path-not-allowed"


def _readings(path: str) -> Iterator[str]:
    """Yield a path as it is and decoded, each also with the letters that some take for plainer ones; "" for no text."""
    raw = path.encode()
    for _ in range(3):
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = ""  # overlong, or in another code
        yield text
        yield normalize("NFKC", text)
        raw = unquote_to_bytes(raw)


def _twisted(text: str) -> bool:
    parts = [part.partition(";")[0].strip() for part in text.split("/")[1:]]
    dots = any(part == "." or part.startswith("..") for part in parts)
    return not parts or dots or "" in parts[:-1] or "\\" in text or any(category(letter) == "Cc" for letter in text)


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")
