"""A restricted network as people write it: where its proxy is, and what is reached beside it."""

import re
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from domain.egress import Proxy
from policy.egress import canonical

_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*")


def proxy_at(address: str) -> Proxy:
    """Return the proxy at `http://HOST:PORT` or `https://HOST:PORT`.

    Raises:
        ValueError: it is another thing; says what to write. A password is never repeated.
    """
    if "@" in address:
        raise ValueError("a proxy's user and password do not belong here: put `user:password` into the secret that "
                         "`credential` names")  # fmt: skip
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValueError(f"{address[:100]!r} is no proxy: {error}") from error
    if not _is_plain(address) or parts.scheme not in ("http", "https") or not _is_host(host) or not port:
        raise ValueError(f"{address[:100]!r} is no proxy: write http://HOST:PORT or https://HOST:PORT")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{address[:100]!r} is no proxy: nothing stands behind its port")
    return Proxy(host=host, port=port, tls=parts.scheme == "https")


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _is_host(host: str) -> bool:
    return _is_address(host) or (len(host) <= 253 and _NAME.fullmatch(host) is not None)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def beside_entry(entry: str) -> str:
    """Return one entry of `no_proxy`: `host` or `.domain` (each with all below it), an address, or a network.

    Raises:
        ValueError: it is none; says what to write.
    """
    name = entry.removeprefix(".")
    if _NAME.fullmatch(name) and len(name) <= 253 and not _is_number(name):
        return entry
    try:
        ip_network(entry, strict=False)
    except ValueError as error:
        raise ValueError(
            f"{entry[:100]!r}: write a host or .domain in lower case, an address, or a network such as 10.0.0.0/8; "
            "ports and * are not known"
        ) from error
    return entry


def _is_number(name: str) -> bool:
    return name.rpartition(".")[2].isdigit()


def goes_beside(host: str, beside: Iterable[str]) -> bool:
    """Tell whether a host is reached without the proxy. This machine always is, whatever is written."""
    name = canonical(host).removeprefix("[").removesuffix("]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    if not _is_address(name):
        return any(name == one.removeprefix(".") or name.endswith(f".{one.removeprefix('.')}") for one in beside)
    address = ip_address(name)
    return address.is_loopback or any(address in ip_network(one, strict=False) for one in beside if _is_network(one))


def _is_network(entry: str) -> bool:
    try:
        ip_network(entry, strict=False)
    except ValueError:
        return False
    return True
