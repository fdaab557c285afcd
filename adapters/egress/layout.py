"""Where things lie under the broker's root. The control plane writes doors; the broker writes sockets and logs."""

import re
from dataclasses import dataclass
from pathlib import Path

from domain.errors import EgressUnavailable

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SOCKET = "egress.sock"


@dataclass(frozen=True)
class Layout:
    root: Path

    @property
    def doors(self) -> Path:
        return self.root / "doors"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def lock(self) -> Path:
        return self.root / "broker.lock"

    def door(self, door_id: str) -> Path:
        return self.doors / f"{checked(door_id)}.json"

    def sockets(self, door_id: str) -> Path:
        """Return the folder that is mounted into the sandbox; nothing of another door lies in it."""
        return self.root / "sockets" / checked(door_id)

    def log(self, door_id: str) -> Path:
        return self.logs / f"{checked(door_id)}.jsonl"

    def make(self) -> None:
        for folder in (self.root, self.doors, self.logs, self.root / "sockets"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def checked(door_id: str) -> str:
    """Return a door's id, which is a plain file name.

    Raises:
        EgressUnavailable: it is not one.
    """
    if not _ID.fullmatch(door_id):
        raise EgressUnavailable(f"{door_id[:100]!r} is no name of a door")
    return door_id
