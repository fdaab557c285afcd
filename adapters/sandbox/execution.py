"""Run one program and stream what it says: no threads, bounded memory, and a clock that always ticks."""

import io
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from adapters.sandbox.lines import LineBuffer
from domain.errors import SandboxFailed
from domain.harness import Command
from domain.sandbox import Exit, Output, OutputLine, Tick

CHUNK = 1 << 16
TICK_SECONDS = 1.0
POLL_SECONDS = 0.2
DRAIN_SECONDS = 5.0  #: what a pipe may still hold after everything that could write to it was killed
NOT_FOUND, NOT_EXECUTABLE = 127, 126


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a command on this machine."""

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    pass_fds: tuple[int, ...] = ()


def run(launch: Launch, command: Command, reap: Callable[[int | None], object]) -> Iterator[Output]:
    """Yield the output of a command as the sandbox contract promises; `reap` kills all that belongs to a session."""
    try:
        process = _start(launch, command)
    except (FileNotFoundError, PermissionError) as error:
        yield OutputLine(stream="stderr", text=str(error))
        yield Exit(code=NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE, seconds=0)
        return
    except (OSError, ValueError) as error:
        raise SandboxFailed(f"cannot start {launch.argv[0]}: {error}") from error
    pump = _Pump(process, command, reap)
    try:
        yield from pump.outputs()
        yield pump.exit()
    finally:
        pump.close()


def _start(launch: Launch, command: Command) -> subprocess.Popen[bytes]:
    if not launch.cwd.is_dir():
        raise SandboxFailed(f"the sandbox is gone: {launch.cwd} does not exist")
    return subprocess.Popen(
        launch.argv,
        cwd=launch.cwd,
        env=dict(launch.environment),
        stdin=subprocess.DEVNULL if command.stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=launch.pass_fds,
        start_new_session=True,
        umask=0o022,
        bufsize=0,
    )


class _Pump:
    def __init__(
        self, process: subprocess.Popen[bytes], command: Command, reap: Callable[[int | None], object]
    ) -> None:
        self._process, self._reap = process, reap
        self._started = self._last_byte = self._last_yield = time.monotonic()
        self._deadline = self._started + command.timeout.total_seconds()
        self._ended: float | None = None
        self._timed_out = False
        self._stdin = memoryview((command.stdin or "").encode())
        self._buffers = {name: LineBuffer(name, command.output_limit) for name in ("stdout", "stderr")}
        self._selector = selectors.DefaultSelector()
        self._register()

    def _register(self) -> None:
        process = self._process
        for pipe, name in ((process.stdout, "stdout"), (process.stderr, "stderr"), (process.stdin, "stdin")):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                writes = name == "stdin"
                self._selector.register(pipe, selectors.EVENT_WRITE if writes else selectors.EVENT_READ, name)

    def outputs(self) -> Iterator[OutputLine | Tick]:
        while not self._finished():
            for output in self._poll():
                self._last_yield = time.monotonic()
                yield output
            now = time.monotonic()
            if now - self._last_yield >= TICK_SECONDS:
                self._last_yield = now
                yield Tick(idle_seconds=now - self._last_byte)
        for buffer in self._buffers.values():
            yield from buffer.rest()

    def _finished(self) -> bool:
        """Look at the clocks and the process; everything it left behind dies as soon as it ends."""
        now = time.monotonic()
        if self._ended is None:
            if self._process.poll() is None and now >= self._deadline:
                self._timed_out = True
                self._kill()
            if self._process.poll() is not None:
                self._ended = now
                self._reap(self._process.pid)
        if self._ended is None:
            return False
        reading = any(key.data != "stdin" for key in self._selector.get_map().values())
        return not reading or now - self._ended > DRAIN_SECONDS

    def _poll(self) -> Iterator[OutputLine]:
        if not self._selector.get_map():
            self._wait(POLL_SECONDS)
            return
        for key, _ in self._selector.select(POLL_SECONDS):
            pipe = key.fileobj
            assert isinstance(pipe, io.RawIOBase)  # noqa: S101  # only pipes were registered
            if key.data == "stdin":
                self._feed(pipe)
            else:
                yield from self._read(pipe, self._buffers[key.data])

    def _wait(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def _read(self, pipe: io.RawIOBase, buffer: LineBuffer) -> list[OutputLine]:
        try:
            chunk = os.read(pipe.fileno(), CHUNK)
        except BlockingIOError:
            return []
        if not chunk:
            self._selector.unregister(pipe)
            return []
        self._last_byte = time.monotonic()
        return buffer.feed(chunk)

    def _feed(self, pipe: io.RawIOBase) -> None:
        try:
            self._stdin = self._stdin[os.write(pipe.fileno(), self._stdin[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._stdin = self._stdin[:0]
        if not self._stdin:
            self._selector.unregister(pipe)
            _close(self._process.stdin)

    def exit(self) -> Exit:
        code = self._process.returncode
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
        if self._ended is None:
            self._kill()
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            _close(pipe)

    def _kill(self) -> None:
        self._process.kill()
        self._reap(self._process.pid)
        self._wait(DRAIN_SECONDS)


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None and not pipe.closed:
        pipe.close()
