"""Stream what a running command says: no threads, bounded memory, and a clock that always ticks."""

import os
import selectors
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from adapters.sandbox.lines import LineBuffer
from domain.harness import Command
from domain.sandbox import Exit, Mailbox, Output, OutputLine, Tick

CHUNK = 1 << 16
TICK_SECONDS = 1.0
POLL_SECONDS = 0.2
ENDING_SECONDS = 0.001, 0.02  #: between two looks at a command whose outputs have ended: first, and doubled up to
DRAIN_SECONDS = 5.0  #: what a pipe may still hold after everything that could write to it was killed
SHELL_SIGNAL = 128  #: what shells, bwrap and containers add to a signal's number
UNTOLD = {signal.SIGHUP}  #: git ends with 129 for wrong usage


class Running(Protocol):
    """A command that was started, whatever it runs in."""

    def outlets(self) -> Mapping[str, int]:
        """Return non-blocking descriptors to read, by name."""

    def split(self, outlet: str, chunk: bytes) -> Iterable[tuple[str, bytes]]:
        """Return what a chunk holds as (stdout or stderr, bytes); an empty chunk is the outlet's end."""

    def inlet(self) -> int | None:
        """Return the non-blocking descriptor of its standard input, if it has one."""

    def close_inlet(self) -> None:
        """Let the command see the end of its input; harmless when repeated."""

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal, once it ended and nothing it started is left; else None.

        Raises:
            SandboxFailed: nobody knows what became of it.
        """

    def kill(self) -> None:
        """Order the end of it and of all it started; what it wrote can still be read."""

    def close(self) -> None:
        """Give everything back, killing what still runs; harmless when repeated."""


def follow(running: Running, command: Command, mail: Mailbox | None = None) -> Iterator[Output]:
    """Yield the output of a command as the sandbox contract promises, and end it when the iterator is closed."""
    pump = _Pump(running, command, mail)
    try:
        yield from pump.outputs()
        yield pump.exit()
    finally:
        pump.close()


def signalled(code: int) -> int:
    """Return the exit code of a program that tells a signal as 128+n as the negative of that signal."""
    number = code - SHELL_SIGNAL
    return -number if number in set(signal.Signals) - UNTOLD else code


class _Pump:
    def __init__(self, running: Running, command: Command, mail: Mailbox | None) -> None:
        self._running, self._mail = running, mail
        self._started = self._last_byte = self._last_tick = time.monotonic()
        self._deadline = self._started + command.timeout.total_seconds()
        self._ended: float | None = None
        self._pause, self._longest_pause = ENDING_SECONDS
        self._code: int | None = None
        self._timed_out = False
        self._stdin = memoryview((command.stdin or "").encode())
        self._buffers = {name: LineBuffer(name, command.output_limit) for name in ("stdout", "stderr")}
        self._selector = selectors.DefaultSelector()
        self._reading = dict(running.outlets())
        for name, descriptor in self._reading.items():
            self._selector.register(descriptor, selectors.EVENT_READ, name)
        self._writing = running.inlet()
        self._watch_input()

    def _take_mail(self) -> None:
        text = self._mail.take() if self._mail is not None and self._writing is not None else ""
        if text:
            self._stdin = memoryview(bytes(self._stdin) + text.encode())
        if not self._stdin or text:
            self._watch_input()

    def _watch_input(self) -> None:
        """Write while there is something to write, and end the input once nothing more can come.

        One descriptor may be both outlet and inlet, which a selector takes once.
        """
        if self._writing is None:
            return
        if not self._stdin and (self._mail is None or self._mail.is_closed):
            self._end_input()
            return
        name = self._name_of_inlet()
        events = (selectors.EVENT_READ if name is not None else 0) | (selectors.EVENT_WRITE if self._stdin else 0)
        known = self._writing in self._selector.get_map()
        if known and events:
            self._selector.modify(self._writing, events, name)
        elif known:
            self._selector.unregister(self._writing)
        elif events:
            self._selector.register(self._writing, events, name)

    def _name_of_inlet(self) -> str | None:
        return next((name for name, descriptor in self._reading.items() if descriptor == self._writing), None)

    def _end_input(self) -> None:
        if self._writing is None:
            return
        name = self._name_of_inlet()
        if name is not None:
            self._selector.modify(self._writing, selectors.EVENT_READ, name)
        elif self._writing in self._selector.get_map():
            self._selector.unregister(self._writing)
        self._writing = None
        self._running.close_inlet()

    def outputs(self) -> Iterator[OutputLine | Tick]:
        while not self._finished():
            yield from self._poll()
            now = time.monotonic()
            if now - self._last_tick >= TICK_SECONDS:
                self._last_tick = now
                yield Tick(idle_seconds=now - self._last_byte)
        for buffer in self._buffers.values():
            yield from buffer.rest()

    def _finished(self) -> bool:
        """Look at the clocks and the command; it has ended only when nothing it left behind is alive."""
        now = time.monotonic()
        if self._ended is None:
            if not self._timed_out and now >= self._deadline:
                self._timed_out = True
                self._running.kill()
            self._code = self._running.poll()
            if self._code is not None:
                self._ended = now
        if self._ended is None:
            return False
        return not self._reading or now - self._ended > DRAIN_SECONDS

    def _poll(self) -> Iterator[OutputLine]:
        self._take_mail()
        if not self._selector.get_map():
            time.sleep(self._pause)
            self._pause = min(2 * self._pause, self._longest_pause)
            return
        for key, events in self._selector.select(POLL_SECONDS):
            if events & selectors.EVENT_WRITE:
                self._feed()
            if events & selectors.EVENT_READ:
                yield from self._read(key.data)

    def _read(self, outlet: str) -> Iterator[OutputLine]:
        try:
            chunk = os.read(self._reading[outlet], CHUNK)
        except BlockingIOError:
            return
        except ConnectionError:
            chunk = b""
        if chunk:
            self._last_byte = time.monotonic()
        else:
            self._forget(outlet)
        for stream, content in self._running.split(outlet, chunk):
            yield from self._buffers[stream].feed(content)

    def _forget(self, outlet: str) -> None:
        descriptor = self._reading.pop(outlet)
        self._selector.unregister(descriptor)
        if descriptor == self._writing:
            self._writing = None

    def _feed(self) -> None:
        if self._writing is None:
            return
        try:
            self._stdin = self._stdin[os.write(self._writing, self._stdin[:CHUNK]) :]
        except BlockingIOError:
            return
        except (BrokenPipeError, ConnectionError):
            self._stdin, self._mail = self._stdin[:0], None
        if not self._stdin:
            self._watch_input()

    def exit(self) -> Exit:
        code = self._code or 0
        dropped = sum(buffer.dropped for buffer in self._buffers.values())
        return Exit(
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            seconds=time.monotonic() - self._started,
            timed_out=self._timed_out,
            truncated=dropped > 0,
            dropped_bytes=dropped,
        )

    def close(self) -> None:
        self._selector.close()
        self._running.close()
