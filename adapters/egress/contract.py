"""The doors of sandboxes, as the control plane sees them."""

from datetime import datetime
from typing import Protocol

from domain.egress import Attempt, Door


class Doors(Protocol):
    """A door opens to what its allow-list names and to nothing else; every attempt, refused or not, is recorded."""

    def prepare(self, door_id: str) -> str:
        """Make the folder a sandbox sees at /run/egress: the relay, the certificates to trust, later the socket.

        Raises:
            EgressUnavailable: the id is no name, or this machine has no certificates.
        """

    def open(self, door: Door, patience: float = 10.0) -> None:
        """Open a door, or give an open one new rules; when it returns, they hold for every new connection.

        Raises:
            EgressUnavailable: no broker answers for it within `patience` seconds; the door is closed again.
        """

    def close(self, door_id: str) -> None:
        """Close a door; the broker cuts what goes through it at once. Harmless when it is closed."""

    def remove(self, door_id: str) -> None:
        """Close a door and remove its folder. Its log stays."""

    def attempts(self, door_id: str) -> list[Attempt]:
        """Return what was reached for through a door, in order of its end; nothing for a door without a log."""

    def logs(self) -> dict[str, datetime]:
        """Return the doors that have a log, each with when it was last written."""

    def alive(self) -> bool:
        """Tell whether a broker serves these doors."""
