"""Artifacts as files: `root/<2 hex>/<sha256><ending by kind>`."""

import errno
import hashlib
from pathlib import Path

from adapters._vendor.files import write_atomically
from domain.errors import NotFound, StorageFull
from domain.execution import ArtifactRef

ENDINGS = {
    "patch": ".patch",
    "log": ".log",
    "json": ".json",
    "report": ".json",
    "facts": ".json",
    "events": ".jsonl",
    "webhook": ".webhook.json",
    "transcript": ".jsonl",
}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class LocalArtifactStore:
    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, content: bytes, *, kind: str, name: str) -> ArtifactRef:
        digest = hashlib.sha256(content).hexdigest()
        ref = ArtifactRef(sha256=digest, kind=kind, size=len(content), name=name)
        target = Path(self.path(ref))
        if not _holds(target, digest):
            try:
                write_atomically(target, content)
            except OSError as error:
                if error.errno in FULL:
                    raise StorageFull(f"no room for artifact {name} ({len(content)} bytes)") from error
                raise
        return ref

    def get(self, ref: ArtifactRef) -> bytes:
        try:
            content = Path(self.path(ref)).read_bytes()
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(f"artifact {ref.sha256} is missing") from error
        if hashlib.sha256(content).hexdigest() != ref.sha256:
            raise NotFound(f"artifact {ref.sha256} no longer fits its digest")
        return content

    def forget(self, kind: str, *, before: float) -> int:
        ending = ENDINGS.get(kind)
        if ending is None or list(ENDINGS.values()).count(ending) > 1:
            raise ValueError(f"artifacts of kind {kind} share their files with others")
        old = [path for path in self._root.glob(f"??/*{ending}") if _stored_before(path, before)]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def path(self, ref: ArtifactRef) -> str:
        ending = ENDINGS.get(ref.kind, ".bin")
        return str(self._root / ref.sha256[:2] / f"{ref.sha256}{ending}")


def _stored_before(path: Path, before: float) -> bool:
    try:
        return path.name.count(".") == 2 and path.stat().st_mtime < before
    except FileNotFoundError:
        return False


def _holds(target: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(target.read_bytes()).hexdigest() == digest
    except OSError:
        return False
