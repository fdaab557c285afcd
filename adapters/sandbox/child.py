"""A command as a child process of ours, in a session of its own."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from adapters.sandbox.execution import follow
from adapters.sandbox.programs import program
from domain.errors import SandboxFailed
from domain.harness import Command
from domain.sandbox import Exit, Mailbox, Output, OutputLine

KILL_SECONDS = 5.0
NOT_FOUND, NOT_EXECUTABLE = 127, 126
HEEDED = signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM  #: by what runs, though we may ignore them
Reap = Callable[[int | None], object]


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a command on this machine."""

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    pass_fds: tuple[int, ...] = ()


def run(launch: Launch, command: Command, reap: Reap, mail: Mailbox | None = None) -> Iterator[Output]:
    """Yield the output of a command as the sandbox contract promises; `reap` kills all that belongs to a session."""
    try:
        child = Child(start(launch, command), reap)
    except (FileNotFoundError, PermissionError) as error:
        yield OutputLine(stream="stderr", text=str(error))
        yield Exit(code=NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE, seconds=0)
        return
    yield from follow(child, command, mail)


def start(launch: Launch, command: Command) -> subprocess.Popen[bytes]:
    """Start a command.

    Raises:
        FileNotFoundError, PermissionError: there is no such program, or it is none. SandboxFailed: anything else.
    """
    try:
        return _started(launch, command)
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, ValueError) as error:
        raise SandboxFailed(f"cannot start {launch.argv[0]}: {error}") from error


def _started(launch: Launch, command: Command) -> subprocess.Popen[bytes]:
    if not launch.cwd.is_dir():
        raise SandboxFailed(f"the sandbox is gone: {launch.cwd} does not exist")
    return subprocess.Popen(
        (*_heeding(), *launch.argv),
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


def _heeding() -> tuple[str, ...]:
    """A factory in the background of a script ignores interrupts, and no shell can trap what was ignored before it."""
    if signal.SIG_IGN in map(signal.getsignal, HEEDED):
        return (program("env"), "--default-signal", "--")
    return ()


class Child:
    def __init__(self, process: subprocess.Popen[bytes], reap: Reap) -> None:
        self._process, self._reap = process, reap
        self._reaped = False

    def outlets(self) -> Mapping[str, int]:
        return {name: _unblocked(pipe) for name, pipe in self._outputs().items()}

    def split(self, outlet: str, chunk: bytes) -> Iterable[tuple[str, bytes]]:
        return ((outlet, chunk),) if chunk else ()

    def inlet(self) -> int | None:
        return None if self._process.stdin is None else _unblocked(self._process.stdin)

    def close_inlet(self) -> None:
        _close(self._process.stdin)

    def poll(self) -> int | None:
        code = self._process.poll()
        if code is not None and not self._reaped:
            self._reaped = True
            self._reap(self._process.pid)
        return code

    def kill(self) -> None:
        self._process.kill()
        self._reap(self._process.pid)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_SECONDS)

    def close(self) -> None:
        if not self._reaped:
            self.kill()
        for pipe in (self._process.stdin, *self._outputs().values()):
            _close(pipe)

    def _outputs(self) -> dict[str, IO[bytes]]:
        pipes = {"stdout": self._process.stdout, "stderr": self._process.stderr}
        return {name: pipe for name, pipe in pipes.items() if pipe is not None}


def _unblocked(pipe: IO[bytes]) -> int:
    os.set_blocking(pipe.fileno(), False)
    return pipe.fileno()


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None and not pipe.closed:
        pipe.close()
