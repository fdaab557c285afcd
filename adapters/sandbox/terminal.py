"""A person's terminal on a command in a sandbox: bytes as they come, both ways."""

import os
import selectors
import shutil
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from adapters.sandbox.execution import CHUNK, POLL_SECONDS, Running

STDOUT = 1


def on_a_terminal(argv: Sequence[str]) -> tuple[str, ...]:
    """Return the command that runs `argv` on a terminal made inside, as large as ours: none of ours goes in."""
    columns, rows = shutil.get_terminal_size()
    script = f'stty rows {rows} cols {columns} 2>/dev/null; exec "$@"'
    inner = " ".join(_quoted(word) for word in ("sh", "-c", script, "terminal", *argv))
    return ("script", "--quiet", "--return", "--command", inner, "/dev/null")


def interact(running: Running, terminal: int) -> int:
    """Join a terminal and a command until the command ends; return its exit code, negative for a signal."""
    try:
        with _raw(terminal), selectors.DefaultSelector() as selector:
            inlet = running.inlet()
            for name, descriptor in running.outlets().items():
                selector.register(descriptor, selectors.EVENT_READ, name)
            if inlet is not None:
                os.set_blocking(inlet, True)
                _listen(running, selector, terminal, inlet)
            while (code := running.poll()) is None:
                for key, _ in selector.select(POLL_SECONDS):
                    _pass_on(running, selector, key, inlet)
            _drain(running, selector)
            return code
    finally:
        running.close()


def _listen(running: Running, selector: selectors.BaseSelector, terminal: int, inlet: int) -> None:
    """A file, or nothing at all, in the terminal's place is never waited for: it is given whole."""
    try:
        selector.register(terminal, selectors.EVENT_READ, None)
    except PermissionError:
        while chunk := os.read(terminal, CHUNK):
            os.write(inlet, chunk)
        running.close_inlet()


def _pass_on(running: Running, selector: selectors.BaseSelector, key: selectors.SelectorKey, inlet: int | None) -> None:
    chunk = _read(key.fd)
    if not chunk:
        selector.unregister(key.fd)
    if key.data is None and inlet is not None:
        if chunk:
            with suppress(BrokenPipeError, ConnectionError):
                os.write(inlet, chunk)
        else:
            running.close_inlet()
        return
    for _, content in running.split(key.data, chunk):
        os.write(STDOUT, content)


def _drain(running: Running, selector: selectors.BaseSelector) -> None:
    for key in list(selector.get_map().values()):
        while key.data is not None and (chunk := _read(key.fd)):
            for _, content in running.split(key.data, chunk):
                os.write(STDOUT, content)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, CHUNK)
    except (BlockingIOError, ConnectionError):
        return b""


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
