"""Ask a server outside from this very process, the way the settings say the network has."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import requests

from policy.network import goes_beside
from resources.network import NetworkSettings


def _nothing(_: str) -> None:
    return None


@dataclass(frozen=True)
class Outside:
    """The outside as a declared network has it; without one, as this machine's own variables say."""

    network: NetworkSettings | None = None
    secret: Callable[[str], str | None] = _nothing

    @property
    def ca_bundle(self) -> str | None:
        """The declared certificates; a request names them itself, or the machine's variables would win."""
        return str(self.network.ca_bundle) if self.network and self.network.ca_bundle else None

    def session(self, url: str) -> requests.Session:
        """Return a session for one URL. A declared proxy counts alone: not the machine's variables."""
        session = requests.Session()
        network = self.network
        if network is not None and network.proxy is not None:
            session.trust_env = False
            if not goes_beside(urlsplit(url).hostname or "", network.no_proxy):
                session.proxies = dict.fromkeys(("http", "https"), self._address(network.proxy))
        return session

    def _address(self, proxy: str) -> str:
        name = self.network.credential if self.network else None
        told = self.secret(name) if name else None
        if not told:
            return proxy
        user, _, password = told.strip().partition(":")
        scheme, _, place = proxy.partition("://")
        return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{place}"


MACHINE = Outside()  #: as this machine reaches it
