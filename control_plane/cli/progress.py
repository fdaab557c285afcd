"""Progress on stderr: a spinner and lines on a terminal, plain lines elsewhere. stdout is left to the answer."""

import sys
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.status import Status
from rich.text import Text

from control_plane.cli.output import note
from control_plane.runs.wording import describe, harmless
from domain.execution import Event

QUIET = frozenset({"step_started", "run_changed", "lease_started"})


class Progress:
    """A context; show() gets events, tell() gets words, caption() what the last line of a terminal says meanwhile."""

    def __init__(self, title: str) -> None:
        self.stdout: TextIO = sys.stdout  #: while the spinner turns, sys.stdout leads to stderr's terminal
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = self._console.status(Text(title)) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    @property
    def draws(self) -> bool:
        """Whether there is a last line."""
        return self._status is not None

    def caption(self, words: str) -> None:
        if self._status:
            self._status.update(Text(harmless(words)))

    def show(self, event: Event) -> None:
        words = describe(event)
        if self._status:
            self._status.update(Text(f"{event.ticket_id} {words}"))
        if event.name not in QUIET:
            self.tell(f"{event.at.astimezone():%H:%M:%S}  {event.ticket_id}  {words}")

    def tell(self, words: str) -> None:
        if self._status:
            self._console.print(Text(harmless(words)))
        else:
            note(harmless(words))
