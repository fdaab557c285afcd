"""Artifacts as files: `root/<2 hex>/<sha256><ending by kind>`."""

import errno
import hashlib
import os
import tempfile
from pathlib import Path

from domain.errors import NotFound, StorageFull
from domain.execution import ArtifactRef

ENDINGS = {
    "patch": ".patch",
    "log": ".log",
    "json": ".json",
    "report": ".json",
    "facts": ".json",
    "events": ".jsonl",
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
                _write(target, content)
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

    def path(self, ref: ArtifactRef) -> str:
        ending = ENDINGS.get(ref.kind, ".bin")
        return str(self._root / ref.sha256[:2] / f"{ref.sha256}{ending}")


def _holds(target: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(target.read_bytes()).hexdigest() == digest
    except OSError:
        return False


def _write(target: Path, content: bytes) -> None:
    """All or nothing: a reader sees the whole file under its name or none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).rename(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
