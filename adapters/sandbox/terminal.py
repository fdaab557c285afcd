"""A person's terminal on a command in a sandbox: bytes as they come, both ways."""

import os
import select
import shutil
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from adapters.sandbox.execution import CHUNK, POLL_SECONDS, Running

STDOUT = 1
ROOM = 1 << 20  #: bytes that may wait for the command to read them


def on_a_terminal(argv: Sequence[str]) -> tuple[str, ...]:
    """Return the command that runs `argv` on a terminal made inside, as large as ours: none of ours goes in."""
    columns, rows = shutil.get_terminal_size()
    script = f'stty rows {rows} cols {columns} 2>/dev/null; exec "$@"'
    inner = " ".join(_quoted(word) for word in ("sh", "-c", script, "terminal", *argv))
    return ("script", "--quiet", "--return", "--command", inner, "/dev/null")


def interact(running: Running, terminal: int) -> int:
    """Join a terminal and a command until the command ends; return its exit code, negative for a signal."""
    try:
        with _raw(terminal):
            return _Joined(running, terminal).until_the_end()
    finally:
        running.close()


class _Joined:
    """What a person types waits here while the command does not read, so that neither waits for the other."""

    def __init__(self, running: Running, terminal: int) -> None:
        self._running, self._terminal = running, terminal
        self._outlets = dict(running.outlets())
        self._inlet = running.inlet()
        self._typed = bytearray()
        self._typing = self._inlet is not None

    def until_the_end(self) -> int:
        while (code := self._running.poll()) is None:
            self._turn()
        for name in list(self._outlets):
            while self._show(name):
                pass
        return code

    def _turn(self) -> None:
        wants = [self._terminal] if self._typing and len(self._typed) < ROOM else []
        takes = [self._inlet] if self._typed and self._inlet is not None else []
        readable, writable, _ = select.select([*wants, *self._outlets.values()], takes, [], POLL_SECONDS)
        if writable:
            self._hand_in()
        for name, descriptor in list(self._outlets.items()):
            if descriptor in readable and not self._show(name):
                self._outlets.pop(name, None)
        if self._terminal in readable:
            self._take()
        if not self._typing and not self._typed and self._inlet is not None:
            self._inlet = None
            self._running.close_inlet()

    def _take(self) -> None:
        chunk = os.read(self._terminal, CHUNK)
        self._typed += chunk
        self._typing = bool(chunk)

    def _hand_in(self) -> None:
        assert self._inlet is not None  # noqa: S101 - it was writable
        try:
            del self._typed[: os.write(self._inlet, self._typed[:CHUNK])]
        except BlockingIOError:
            return
        except (BrokenPipeError, ConnectionError):
            self._typing = False
            self._typed.clear()

    def _show(self, name: str) -> bool:
        """Pass on what an outlet has; False when there is nothing more."""
        try:
            chunk = os.read(self._outlets[name], CHUNK)
        except BlockingIOError:
            return False
        except ConnectionError:
            chunk = b""
        for _, content in self._running.split(name, chunk):
            os.write(STDOUT, content)
        return bool(chunk)


@contextmanager
def _raw(terminal: int) -> Iterator[None]:
    """Every key goes in, Ctrl-C too; what the terminal was comes back whatever happens."""
    if not os.isatty(terminal):
        yield
        return
    before = termios.tcgetattr(terminal)
    try:
        tty.setraw(terminal)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"
