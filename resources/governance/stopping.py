"""Whoever waits for other threads stops what they run in sandboxes: a command that runs says something each second."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

from domain.sandbox import Output


class Stopped(BaseException):
    """Raised where a command is watched, once nobody waits for it; no failure of it, so nothing takes it for one."""


class Stop:
    """One for all threads that gather of one subject."""

    def __init__(self) -> None:
        self._asked = Event()

    @contextmanager
    def on_leaving_early(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Stop them when the block is left by an error or an interrupt."""
        try:
            yield
        except BaseException as error:
            if not isinstance(error, Exception):
                tell("stopping …")
            self._asked.set()
            raise

    def observe(self, _output: Output) -> None:
        """Watch a command.

        Raises:
            Stopped: it is to end.
        """
        if self._asked.is_set():
            raise Stopped
