"""Sandboxes that belong to no run (shells, set-ups, probes): nobody's once no process that makes such lives."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from resources.settings import Settings

LOCK = ".unowned.lock"

_held: dict[str, ExitStack] = {}  #: by sandbox, for as long as it exists


@contextmanager
def making(settings: Settings) -> Iterator[None]:
    """Keep sandboxes without a run from being swept until the end of the block, or of this process."""
    with _opened(settings, fcntl.LOCK_SH):
        yield


@contextmanager
def nobody_makes(settings: Settings) -> Iterator[bool]:
    """Yield whether no process has such sandboxes; none can begin to until the end of the block."""
    try:
        with _opened(settings, fcntl.LOCK_EX | fcntl.LOCK_NB):
            yield True
    except BlockingIOError:
        yield False


def hold(settings: Settings, sandbox: str) -> None:
    """Keep one sandbox from being swept until it is let go, or this process ends."""
    let_go(sandbox)
    with ExitStack() as stack:
        stack.enter_context(making(settings))
        _held[sandbox] = stack.pop_all()


def let_go(sandbox: str) -> None:
    held = _held.pop(sandbox, None)
    if held is not None:
        held.close()


@contextmanager
def _opened(settings: Settings, kind: int) -> Iterator[None]:
    """The lock goes with its process, however that ends, and holds between containers too."""
    path: Path = settings.sandboxes_dir / LOCK
    with path.open("a") as handle:
        fcntl.flock(handle, kind)
        yield
