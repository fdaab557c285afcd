"""Many look-ups at once, within one span of time: what has no answer by then is offline."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from adapters.registry.contract import Registry
from domain.changes import Dependency, Ecosystem, Known, Package

WORKERS: Final = 8
SECONDS: Final = 120.0  #: for all look-ups of one change


class Question(NamedTuple):
    ecosystem: Ecosystem
    name: str
    version: str | None
    specifier: str


def questions(dependencies: Sequence[Dependency]) -> tuple[Question, ...]:
    """Return what to ask of a change, each thing once; what comes from no registry is not asked of one."""
    asked = (
        Question(one.ecosystem, one.name, one.version, "" if one.version else one.specifier)
        for one in dependencies
        if one.origin == "registry"
    )
    return tuple(dict.fromkeys(asked))


def look_up_all(
    registries: Mapping[Ecosystem, Registry], asked: Sequence[Question], seconds: float = SECONDS
) -> tuple[Package, ...]:
    """Answer every question in order; an ecosystem without a registry is offline."""
    until = time.monotonic() + seconds
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="registry")
    try:
        running = [
            pool.submit(registries[one.ecosystem].look_up, one.name, one.version, one.specifier)
            if one.ecosystem in registries
            else None
            for one in asked
        ]
        return tuple(_result(one, future, until) for one, future in zip(asked, running, strict=True))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _result(asked: Question, future: Future[Package] | None, until: float) -> Package:
    if future is not None:
        try:
            return future.result(max(0.0, until - time.monotonic()))
        except TimeoutError:
            future.cancel()
    return Package(ecosystem=asked.ecosystem, name=asked.name, version=asked.version, known=Known.OFFLINE)
