"""May work be given to this stack? Each thing it stands on is asked, with a limit, and told by name."""

import fcntl
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from control_plane.desk import Desk, open_desk
from control_plane.services.beat import is_alive
from domain.errors import FactoryError
from resources.settings import Settings

PATIENCE = 3.0  #: seconds all dependencies together may take to answer


class Unready(Exception):
    """A dependency does not work; the words are shown to anybody."""


@dataclass(frozen=True)
class Report:
    ready: bool
    dependencies: dict[str, dict[str, Any]]

    def document(self) -> dict[str, Any]:
        return {"ready": self.ready, "dependencies": self.dependencies}


class Readiness:
    """Asks every dependency at once; one that neither returns nor raises in time is not ready.

    A check returns when its dependency works and raises when not. Only words meant for anybody are told: an Unready's
    own, the remedy of our other errors, the class of a stranger's.
    """

    def __init__(self, checks: Mapping[str, Callable[[], object]], patience: float = PATIENCE) -> None:
        self._checks = dict(checks)
        self._patience = patience
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(self._checks)), thread_name_prefix="ready")
        self._asked: dict[str, Future[object]] = {}

    def report(self) -> Report:
        """Ask anew, but never twice at once: a check that still hangs from before is waited for instead."""
        for name, check in self._checks.items():
            if name not in self._asked or self._asked[name].done():
                self._asked[name] = self._pool.submit(check)
        asked = dict(self._asked)
        wait(asked.values(), timeout=self._patience)
        answers = {name: _answer(future) for name, future in asked.items()}
        return Report(all(answer["ready"] for answer in answers.values()), answers)


def _answer(future: Future[object]) -> dict[str, Any]:
    if not future.done():
        return {"ready": False, "detail": "does not answer in time"}
    error = future.exception()
    if error is None:
        return {"ready": True, "detail": "answers"}
    if isinstance(error, Unready):
        return {"ready": False, "detail": str(error)}
    if isinstance(error, FactoryError):
        return {"ready": False, "detail": f"[{error.code}] {error.remedy}"}
    return {"ready": False, "detail": f"fails with {type(error).__name__}"}


class LedgerChecks:
    """The checks that ask the ledger, through one pool of connections that is opened when it first can be."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._desk: Desk | None = None

    def ledger(self) -> None:
        """Raises LedgerUnavailable or LedgerOutdated."""
        self._open().oversight.pauses()

    def daemon(self) -> None:
        """Raises Unready when no daemon dispatched lately, and as ledger() does."""
        if not is_alive(self._open()):
            raise Unready("no daemon dispatched lately")

    def _open(self) -> Desk:
        if self._desk is None:
            self._desk = open_desk(self._settings)
        return self._desk


def egress_check(home: Path) -> Callable[[], None]:
    """Return a check that raises Unready unless an egress broker holds its lock."""

    def check() -> None:
        try:
            with (home / "egress" / "broker.lock").open("rb") as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        except OSError as error:
            raise Unready("the egress broker has not served this home") from error
        raise Unready("the egress broker does not run")

    return check
