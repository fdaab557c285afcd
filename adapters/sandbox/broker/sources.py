"""What lies at a bind's source: asked of the disk, right before the engine opens it."""

import os
from collections.abc import Iterable, Iterator

from adapters.sandbox.broker.binds import Bind, Kind
from adapters.sandbox.disk import is_disk


def unsound(binds: Iterable[Bind]) -> tuple[str, ...]:
    """Return words on each source that is missing, reached through a link, or unlimited."""
    return tuple(_unsound(binds))


def _unsound(binds: Iterable[Bind]) -> Iterator[str]:
    for bind in binds:
        if not bind.source.exists():
            yield f"{bind.source} does not exist"
        elif os.path.realpath(bind.source) != str(bind.source):
            yield f"{bind.source} is reached through a link"
        elif not (bind.source.is_dir() or bind.source.is_file()):
            yield f"{bind.source} is neither a folder nor a file"
        elif bind.kind in (Kind.DISK, Kind.ENVIRONMENT) and not is_disk(bind.source):
            yield f"{bind.source} is not a disk of limited size"
