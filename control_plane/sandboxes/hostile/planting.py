"""What is planted outside before: secrets a sandbox must not find, listeners it must not reach."""

import ctypes
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from control_plane.sandboxes.hostile.listening import Listener

PREFIX = "hostile-canary-"
NAMESPACES = ("pid", "mnt", "net", "ipc", "uts", "user")
SHARED_PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/srv", "/opt")  # noqa: S108 - where secrets are often left
SEGMENT_BYTES = 4096
CREATE, EXCLUSIVE, REMOVE = 0o1000, 0o2000, 0
SLEEPER = "import time\nwhile True: time.sleep(60)"


@dataclass
class Plants:
    """Everything planted; `told` is what a hostile program may know of it, which is never a secret."""

    secret: str
    folder: Path  #: of ours, open to everybody as /tmp is
    files: tuple[Path, ...]
    process: psutil.Process
    tcp: tuple[Listener, ...]
    udp: tuple[Listener, ...]
    abstract: Listener
    unix: Listener
    upstream: Listener
    shm_key: int
    environment: Path
    fired: Path
    others: tuple[str, ...] = ()
    doors: tuple[Path, ...] = ()
    namespaces: Mapping[str, str] = field(default_factory=dict)

    @property
    def listeners(self) -> tuple[Listener, ...]:
        return (*self.tcp, *self.udp, self.abstract, self.unix)

    @property
    def allowed(self) -> str:
        """The one host and port that doors of the suite let through."""
        return f"localhost:{self.upstream.port}"

    def told(self) -> dict[str, Any]:
        device = Path("/").stat().st_dev
        return {
            "files": [str(path) for path in self.files],
            "pid": self.process.pid,
            "tcp": [one.port for one in self.tcp],
            "udp": [one.port for one in self.udp],
            "abstract": self.abstract.name,
            "unix": self.unix.name,
            "shm_key": self.shm_key,
            "addresses": _addresses(),
            "namespaces": dict(self.namespaces),
            "device": [os.major(device), os.minor(device)],
            "others": list(self.others),
            "doors": [str(path) for path in self.doors],
            "fired": str(self.fired),
            "allowed": self.allowed,
        }


@contextmanager
def planted(home: Path | None = None) -> Iterator[Plants]:
    """Plant everything, and take all of it away again."""
    secret = PREFIX + secrets.token_hex(16)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hostile-")))
        folder.chmod(0o755)
        files = tuple(stack.enter_context(_secret_file(place, secret)) for place in _places(folder, home))
        _in_our_environment(stack, secret)
        tcp, udp = _listeners(stack)
        yield Plants(
            secret=secret,
            folder=folder,
            files=files,
            process=stack.enter_context(_secret_process(secret)),
            tcp=tcp,
            udp=udp,
            abstract=stack.enter_context(Listener.unix("\0hostile-" + secrets.token_hex(6))),
            unix=stack.enter_context(Listener.unix(str(folder / "canary.sock"))),
            upstream=stack.enter_context(Listener.tcp("127.0.0.1")),
            shm_key=stack.enter_context(_secret_segment(secret)),
            environment=stack.enter_context(_environment((home or folder) / "environments")),
            fired=_open_folder(folder / "fired"),
            namespaces={kind: str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in NAMESPACES},
        )


def _places(folder: Path, home: Path | None) -> list[Path]:
    shared = [Path(place) for place in SHARED_PLACES if os.access(place, os.W_OK)]
    return [folder, Path.home(), *([home] if home else []), *shared]


@contextmanager
def _secret_file(place: Path, secret: str) -> Iterator[Path]:
    path = place / f"{PREFIX}{secrets.token_hex(4)}"
    path.write_text(secret)
    path.chmod(0o644)
    try:
        yield path
    finally:
        for found in place.glob(f"{path.name}*"):
            found.unlink(missing_ok=True)


def _in_our_environment(stack: ExitStack, secret: str) -> None:
    os.environ["HOSTILE_CANARY"] = secret
    stack.callback(os.environ.pop, "HOSTILE_CANARY", None)


def _listeners(stack: ExitStack) -> tuple[tuple[Listener, ...], tuple[Listener, ...]]:
    hosts = ["127.0.0.1", "0.0.0.0", *(["::"] if socket.has_ipv6 else [])]  # noqa: S104 - the ways hosts listen
    tcp = tuple(stack.enter_context(Listener.tcp(host)) for host in hosts)
    return tcp, tuple(stack.enter_context(Listener.udp(host)) for host in hosts)


@contextmanager
def _secret_process(secret: str) -> Iterator[psutil.Process]:
    """A process of ours that has the secret in its words and its environment."""
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER, secret], env={"HOSTILE_CANARY": secret}, start_new_session=True
    ) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()


@contextmanager
def _secret_segment(secret: str) -> Iterator[int]:
    """System V shared memory, readable by everybody, under a key."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    key = secrets.randbelow(1 << 30) + 1
    number = libc.shmget(key, SEGMENT_BYTES, CREATE | EXCLUSIVE | 0o666)
    if number < 0:
        raise OSError(ctypes.get_errno(), "shared memory")
    try:
        where = libc.shmat(number, None, 0)
        ctypes.memmove(where, secret.encode(), len(secret))
        libc.shmdt(ctypes.c_void_p(where))
        yield key
    finally:
        libc.shmctl(number, REMOVE, None)


@contextmanager
def _environment(parent: Path) -> Iterator[Path]:
    """Where a prepared environment is kept; whoever makes it, it is removed with all that was put beside it."""
    parent.mkdir(exist_ok=True)
    place = parent / f"hostile-{secrets.token_hex(4)}"
    try:
        yield place
    finally:
        for found in parent.glob(f"{place.name}*"):
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found, ignore_errors=True)
            else:
                found.unlink()
        with suppress(OSError):
            parent.rmdir()


def _open_folder(folder: Path) -> Path:
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def _addresses() -> Sequence[str]:
    found = [one.address for several in psutil.net_if_addrs().values() for one in several]
    return [one for one in found if one.count(".") == 3 and not one.startswith("127.")][:4]
