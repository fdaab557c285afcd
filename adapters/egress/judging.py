"""Which of the addresses that a name leads to may be dialled."""

import socket
from collections.abc import Callable
from ipaddress import ip_address

from domain.egress import Door
from policy.egress import address_refusal

Judge = Callable[[str], str | None]  #: an address → why it may not be dialled


def judge_of(door: Door, host: str, port: int) -> Judge:
    """Return the judge of the addresses of a name that a door opens to."""

    def judge(address: str) -> str | None:
        exempt = f"{host}:{port}" in door.exempt
        return address_refusal(door, host, port, address) or ("own-address" if not exempt and is_own(address) else None)

    return judge


def anywhere(_: str) -> str | None:
    """Judge the address of a server that an operator named in the settings."""
    return None


def loopback_only(address: str) -> str | None:
    return None if ip_address(address).is_loopback else "plain-http"


def is_own(address: str) -> bool:
    """Tell whether an address is this machine's, which may be public too; nothing is sent to find out."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
        except OSError:
            return False
        return bool(probe.getsockname()[0] == address)
