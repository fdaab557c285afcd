"""Artifacts of what a repository's own programs print: a secret of a known shape is in none of them."""

from adapters.artifacts.contract import ArtifactStore
from adapters.scanner.leaks import secrets_of
from adapters.scanner.quoting import masked
from domain.execution import ArtifactRef


class MaskedArtifacts:
    """Stores texts without secrets in the store it is given."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    def put(self, content: bytes, *, kind: str, name: str) -> ArtifactRef:
        text = content.decode("utf-8", "surrogateescape")
        values = {one.value for one in secrets_of(text)}
        kept = masked(text, values).encode("utf-8", "surrogateescape") if values else content
        return self._store.put(kept, kind=kind, name=name)

    def get(self, ref: ArtifactRef) -> bytes:
        return self._store.get(ref)

    def forget(self, kind: str, *, before: float) -> int:
        return self._store.forget(kind, before=before)

    def path(self, ref: ArtifactRef) -> str:
        return self._store.path(ref)
