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

    def forget(self, kind: str, *, before: float) -> int:
        """Remove what was stored of this kind before a time (Unix seconds); return how many.

        Raises:
            ValueError: other kinds are stored in the same files.
        """

    def path(self, ref: ArtifactRef) -> str:
        """Return where a local reader can open it."""
