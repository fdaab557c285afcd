"""Stored bytes named by their digest."""

from typing import Protocol

from domain.execution import ArtifactRef


class ArtifactStore(Protocol):
    def put(self, content: bytes, *, kind: str, name: str) -> ArtifactRef:
        """Store bytes once per digest, durably, all or nothing.

        Raises:
            StorageFull: no room; nothing half-written stays.
        """

    def get(self, ref: ArtifactRef) -> bytes:
        """Raises NotFound when it is missing or its content no longer fits its digest."""

    def path(self, ref: ArtifactRef) -> str:
        """Return where a local reader can open it."""
