"""A sandbox as far as its door goes: a network of its own with nothing in it, and the door's folder at /run/egress."""

import os
import shlex
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from adapters.egress.doors import DoorFolder
from adapters.egress.surroundings import SEEN_AT, proxy_environment
from domain.egress import Attempt, Door
from tests.adapters.egress.outside import HUNG, soon

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PYTHON = "/usr/bin/python3"


@dataclass
class Inside:
    door: Door
    doors: DoorFolder
    root: Path
    checked: int = field(default=0)

    @property
    def folder(self) -> Path:
        return self.root / "sockets" / self.door.id

    def run(
        self, script: str, *, proxy: bool = True, before: str = "", python: str = PYTHON, seen: str = SEEN_AT
    ) -> "subprocess.CompletedProcess[str]":
        """Run a shell script there, through the relay; `before` runs as root before there is one."""
        mounted = (
            f"mount -t tmpfs none /run && mkdir {SEEN_AT} && mount --bind {shlex.quote(str(self.folder))} {SEEN_AT}"
        )
        named = "echo 'nameserver 127.0.0.1' > /run/resolv && mount --bind /run/resolv /etc/resolv.conf"
        relay = f"{python} {SEEN_AT}/relay.py {SEEN_AT}/egress.sock -- sh -c {shlex.quote(script)}"
        words = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-ec"]
        variables = {"PATH": PATH, "HOME": "/nonexistent", **(proxy_environment() if proxy else {})}
        if not proxy:
            variables |= {name: value for name, value in proxy_environment().items() if "PROXY" not in name.upper()}
        return subprocess.run(
            [*words, f"{mounted}\n{named}\nip link set lo up\n{before}\n{relay} || exit $?"],
            capture_output=True,
            text=True,
            env=variables,
            timeout=HUNG,
            check=False,
        )

    def curl(self, *words: str, proxy: bool = True, before: str = "") -> str:
        """Return the status of a request, with what curl says when there is none."""
        asked = shlex.join(["curl", "-sS", "-o", "/dev/null", "-m", "20", "-w", "%{http_code}", *words])
        done = self.run(asked, proxy=proxy, before=before)
        return done.stdout + done.stderr

    def connect(self) -> socket.socket:
        """Return a connection straight to the door's socket, as a hostile program would make one."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = os.open(self.folder, os.O_DIRECTORY)
        try:
            sock.connect(f"/proc/self/fd/{folder}/egress.sock")
        finally:
            os.close(folder)
        sock.settimeout(HUNG)  # not before: connect() would not stand in line
        return sock

    def say(self, *parts: bytes) -> bytes:
        """Say something to the socket and return all that comes back."""
        with self.connect() as sock:
            for part in parts:
                sock.sendall(part)
            sock.shutdown(socket.SHUT_WR)
            return heard(sock)

    def attempts(self) -> list[Attempt]:
        return self.doors.attempts(self.door.id)

    def attempt(self, **wanted: object) -> Attempt:
        """Return the attempt with these values, waiting for it: it is recorded when it has ended."""

        def found() -> Attempt | None:
            fits = (
                one for one in self.attempts() if all(getattr(one, name) == value for name, value in wanted.items())
            )
            return next(fits, None)

        try:
            one = soon(found, f"an attempt with {wanted}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.attempts()}") from error
        assert isinstance(one, Attempt)
        assert one.run_id == self.door.run_id
        return one


def heard(sock: socket.socket) -> bytes:
    """Return all that comes until the other side ends, however it ends."""
    said = b""
    try:
        while data := sock.recv(65536):
            said += data
    except ConnectionResetError:
        pass
    return said


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
