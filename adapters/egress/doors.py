"""Doors as files under a folder that the broker watches: nothing is lost when either side is killed."""

import fcntl
import hashlib
import os
import shutil
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from adapters.egress import relay
from adapters.egress.certificates import bundle
from adapters.egress.journal import read
from adapters.egress.layout import SOCKET, Layout
from adapters.egress.surroundings import CERTIFICATES, DECLARED, RELAY
from domain.egress import Attempt, Door
from domain.errors import EgressUnavailable

PERIOD = 0.02  # seconds between two questions to the broker
ASK = b"DOOR * HTTP/1.1\r\nhost: broker\r\n\r\n"


class DoorFolder:
    def __init__(self, root: Path, ca_bundle: Path | None = None) -> None:
        """`ca_bundle` is what a declared network trusts; without one it is what this machine does."""
        self._layout = Layout(root)
        self._bundle = ca_bundle

    def prepare(self, door_id: str) -> str:
        folder = self._layout.sockets(door_id)
        self._layout.make()
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)  # seen by another user inside the sandbox
        _place(Path(relay.__file__).read_bytes(), folder / RELAY)
        _place(bundle(self._bundle).read_bytes(), folder / (DECLARED if self._bundle else CERTIFICATES))
        return str(folder)

    def open(self, door: Door, patience: float = 10.0) -> None:
        self.prepare(door.id)
        content = door.model_dump_json().encode()
        _place(content, self._layout.door(door.id), mode=0o600)
        digest = hashlib.sha256(content).hexdigest().encode()
        deadline = time.monotonic() + patience
        while not _serves(self._layout.sockets(door.id), digest):
            if time.monotonic() > deadline:
                self.close(door.id)
                raise EgressUnavailable(self._why(door.id, patience))
            time.sleep(PERIOD)

    def close(self, door_id: str) -> None:
        self._layout.door(door_id).unlink(missing_ok=True)

    def remove(self, door_id: str) -> None:
        self.close(door_id)
        shutil.rmtree(self._layout.sockets(door_id), ignore_errors=True)

    def attempts(self, door_id: str) -> list[Attempt]:
        return list(read(self._layout.log(door_id)))

    def logs(self) -> dict[str, datetime]:
        if not self._layout.logs.is_dir():
            return {}
        found = sorted(self._layout.logs.glob("*.jsonl"))
        return {path.stem: datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in found}

    def alive(self) -> bool:
        try:
            descriptor = os.open(self._layout.lock, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _why(self, door_id: str, patience: float) -> str:
        if not self.alive():
            return f"no egress broker serves {self._layout.root}"
        return f"the egress broker did not open door {door_id} within {patience:g} seconds"


def _place(content: bytes, path: Path, mode: int = 0o644) -> None:
    """Put a file in its place, all or nothing, unless it lies there already."""
    with suppress(FileNotFoundError):
        if path.read_bytes() == content:
            return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.chmod(mode)
    temporary.rename(path)


def _serves(folder: Path, digest: bytes) -> bool:
    """Ask over the socket which door file the broker goes by."""
    try:
        descriptor = os.open(folder, os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(1)
            sock.connect(f"/proc/self/fd/{descriptor}/{SOCKET}")
            sock.sendall(ASK)
            return sock.makefile("rb").read(4096).endswith(digest)
    except OSError:
        return False
    finally:
        os.close(descriptor)
