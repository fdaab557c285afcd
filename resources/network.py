"""A restricted network as settings declare it: the company's proxy, and the certificates that are trusted in it."""

import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from adapters.egress.surroundings import DIRECT, PROXIES, TRUSTING
from domain.egress import Network
from domain.model import Name
from policy.network import beside_entry, proxy_at

MAX_BYTES = 5_000_000  #: of a bundle
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _proxy(address: str) -> str:
    proxy_at(address)
    return address


def _bundle(path: Path) -> Path:
    """Return the file of certificates.

    Raises:
        ValueError: nobody could trust by it, or nobody should see it.
    """
    found = path.expanduser()
    if not found.is_absolute():
        raise ValueError(f"{found} must be an absolute path")
    if not found.is_file():
        raise ValueError(f"{found} is no file")
    try:
        with found.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{found} cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise ValueError(f"{found} has more than {MAX_BYTES} bytes")
    if b"PRIVATE KEY" in content:
        raise ValueError(f"{found} holds a private key, and every sandbox would see it")
    if not _certificates(found):
        raise ValueError(f"{found} holds no certificate in PEM form")
    return found


def _certificates(path: Path) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=path)
    except OSError:  # an SSL error too
        return 0
    return context.cert_store_stats()["x509"]


Address = Annotated[str, AfterValidator(_proxy)]
Beside = Annotated[str, AfterValidator(beside_entry)]
Bundle = Annotated[Path, AfterValidator(_bundle)]


class NetworkSettings(BaseModel):
    """What a factory in a restricted network declares. Without it, the machine's own way out is taken."""

    model_config = ConfigDict(extra="forbid")

    proxy: Address | None = None  #: http://HOST:PORT, or https: what the egress broker goes out through
    credential: Name | None = None  #: name of the secret with its user:password: FACTORY_SECRET_<NAME>
    no_proxy: tuple[Beside, ...] = ()  #: hosts (with all below), addresses and networks that are reached without it
    ca_bundle: Bundle | None = None  #: PEM file of all who are trusted, by the egress broker and in sandboxes

    @model_validator(mode="after")
    def _declares_something(self) -> Self:
        if self.proxy is None and self.ca_bundle is None:
            raise ValueError("declare `proxy`, `ca_bundle` or both, or leave `network` out")
        if self.proxy is None and (self.credential or self.no_proxy):
            raise ValueError("`credential` and `no_proxy` are of a `proxy`, which is missing")
        return self


def declared(network: NetworkSettings | None) -> Network:
    """Return a network as the egress broker is told of it; an empty one declares nothing."""
    if network is None:
        return Network()
    bundle = str(network.ca_bundle) if network.ca_bundle else None
    if network.proxy is None:
        return Network(ca_bundle=bundle)
    told = {"credential": network.credential, "beside": network.no_proxy}
    return Network(proxy=proxy_at(network.proxy).model_copy(update=told), ca_bundle=bundle)


def own_environment(network: NetworkSettings | None) -> dict[str, str]:
    """Return what programs on this machine itself must be told, who have no door; nothing where nothing is declared.

    The proxy's password is not told: only the egress broker has it.
    """
    if network is None:
        return {}
    told: dict[str, str] = {}
    if network.proxy is not None:
        told |= dict.fromkeys(PROXIES, network.proxy)
        told |= dict.fromkeys(DIRECT, ",".join((*LOOPBACK, *network.no_proxy)))
    if network.ca_bundle is not None:
        told |= dict.fromkeys(TRUSTING, str(network.ca_bundle))
    return told
