"""The restricted network that the settings declare: which, and does its proxy answer?"""

import socket

from control_plane.health.machine import Check
from domain.egress import Proxy
from resources.network import declared
from resources.settings import Settings

PATIENCE = 3.0  #: seconds
ELSEWHERE = "only the egress broker reaches it: `deploy/compose logs egress-broker`"


def network_checks(settings: Settings) -> list[Check]:
    """Report on the declared network; nothing where none is declared."""
    network = declared(settings.network)
    checks = []
    if network.ca_bundle is not None:
        checks.append(Check(name="network certificates", ok=True, detail=f"{network.ca_bundle}, and no others"))
    if network.proxy is not None:
        checks.append(_proxy(network.proxy, settings.environment == "production"))
    return checks


def _proxy(proxy: Proxy, apart: bool) -> Check:
    """`apart`: this process is in another network than the egress broker, so that its silence proves nothing."""
    name, place = "network", f"restricted through {proxy.host}:{proxy.port}"
    why = _silence(proxy)
    if why is None:
        return Check(name=name, ok=True, detail=f"{place}, which answers")
    if apart:
        return Check(name=name, ok=True, detail=f"{place}; not asked from here, {ELSEWHERE}")
    remedy = "Correct `network.proxy` in settings.yaml, or ask whoever runs it."
    return Check(name=name, ok=False, detail=f"{place}, which does not answer: {why}", remedy=remedy)


def _silence(proxy: Proxy) -> str | None:
    """Return why nobody answers at the proxy; None when somebody does."""
    try:
        socket.create_connection((proxy.host, proxy.port), timeout=PATIENCE).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    return None
