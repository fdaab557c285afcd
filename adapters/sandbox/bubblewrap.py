"""The bubblewrap sandbox: own namespaces, no network, nothing of this machine but what a command needs."""

import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from adapters.sandbox.execution import Launch, run
from adapters.sandbox.programs import program
from adapters.sandbox.reaping import MARKER, interrupt_group, marked
from adapters.sandbox.rooted import RootedSandbox
from adapters.sandbox.staging import USER, hand_over, stage, user
from adapters.sandbox.surroundings import SYSTEM_PATH, environment_for
from adapters.sandbox.view import Seen, seen, system, write_etc
from adapters.sandbox.workspace import Workspace
from domain.errors import SandboxFailed
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Exit, Isolation, Output, OutputLine, SandboxSpec

WALLS = (
    "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
    "--cap-drop", "ALL", "--hostname", "sandbox",
)  # fmt: skip
FILES, FILE_BYTES = 4096, 4 * 1024**3  #: open files, bytes of one file
SHELL_SIGNAL = 128  #: bwrap tells a signal as shells do
UNTOLD = {signal.SIGHUP}  #: git ends with 129 for wrong usage


class BubblewrapSandbox(RootedSandbox):
    """For agents too. Needs bwrap and user namespaces; as root, commands run as another user."""

    name = "bubblewrap"
    isolation = Isolation.NAMESPACES

    def _make(self, workspace: Workspace, spec: SandboxSpec) -> None:
        workspace.create(spec, USER if os.geteuid() == 0 else None)
        write_etc(workspace.etc, user())
        if spec.environment is not None and spec.environment_writable:
            hand_over(Path(spec.environment))

    def execute(self, ref: SandboxRef, command: Command) -> Iterator[Output]:
        workspace = self._workspace(ref)
        return self._run(ref, workspace, workspace.spec(), command)

    def _run(self, ref: SandboxRef, workspace: Workspace, spec: SandboxSpec, command: Command) -> Iterator[Output]:
        told = environment_for(workspace, spec, command, self.mark(ref))
        before, binds = _binds(seen(workspace, spec, command, told))
        network = ["--share-net"] if command.network else []
        inside = [*network, *system(), *binds, "--remount-ro", "/", "--chdir", str(workspace.work), *_set(told)]
        with _memory() as options, _memory() as status:
            os.write(options, "\0".join([*WALLS, *inside]).encode(errors="surrogateescape") + b"\0")
            os.lseek(options, 0, os.SEEK_SET)
            launch = Launch(
                argv=(*before, *_bwrap(options, status), *_limits(spec), *command.argv),
                cwd=workspace.work,
                environment={"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", MARKER: self.mark(ref)},
                pass_fds=(options, status),
            )
            yield from _told(run(launch, command, lambda session: self.end(ref, session)), status)

    def interrupt(self, ref: SandboxRef) -> None:
        for process in _inner(self.mark(ref)):
            interrupt_group(process)

    def available(self) -> tuple[bool, str]:
        """Return whether it works here, found out by really running something, and why not."""
        try:
            program("bwrap")
            with tempfile.TemporaryDirectory(prefix="factory-probe-") as folder:
                return _probe(BubblewrapSandbox(Path(folder)))
        except SandboxFailed as error:
            missing = error.message.startswith("bwrap is not installed")
            return False, error.message if missing else f"bwrap cannot make namespaces here: {error.message}"


def _probe(sandbox: BubblewrapSandbox) -> tuple[bool, str]:
    name = f"probe-{os.getpid()}-{os.urandom(4).hex()}"
    ref = sandbox.provision(SandboxSpec(id=name, run_id=name, mirror=None, commit=None))
    try:
        outputs = list(sandbox.execute(ref, Command(argv=("true",))))
    finally:
        sandbox.teardown(ref)
    if isinstance(outputs[-1], Exit) and outputs[-1].code == 0:
        return True, "namespaces without network; other user than root"
    return False, f"bwrap cannot make namespaces here: {_words(outputs)}"


def _words(outputs: list[Output]) -> str:
    return " | ".join(one.text for one in outputs if isinstance(one, OutputLine)) or "it ended without a word"


@contextmanager
def _memory() -> Iterator[int]:
    """Options and status pass through memory: no command line shows them and no file is left."""
    descriptor = os.memfd_create("sandbox", 0)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _binds(views: list[Seen]) -> tuple[tuple[str, ...], list[str]]:
    before, sources = stage([one.source for one in views])
    options: list[str] = []
    for one, source in zip(views, sources, strict=True):
        options += ["--bind" if one.writable else "--ro-bind", str(source), str(one.target)]
    return before, options


def _set(told: Mapping[str, str]) -> list[str]:
    options = ["--clearenv"]
    for name, value in told.items():
        options += ["--setenv", name, value]
    return options


def _bwrap(options: int, status: int) -> tuple[str, ...]:
    return (program("bwrap"), "--args", str(options), "--json-status-fd", str(status), "--")


def _limits(spec: SandboxSpec) -> tuple[str, ...]:
    """Set inside, where the processes counted are the sandbox's own; a missing program is told as 127."""
    return (
        program("prlimit"), f"--nproc={spec.processes}", f"--nofile={FILES}", "--core=0", f"--fsize={FILE_BYTES}",
        f"--data={spec.memory_bytes}", "--",
    )  # fmt: skip


def _told(outputs: Iterator[Output], status: int) -> Iterator[Output]:
    """Pass outputs on; a sandbox that never began is an error, not an exit code of the command."""
    first: list[str] = []
    for output in outputs:
        match output:
            case OutputLine(stream="stderr", text=text) if len(first) < 5:
                first.append(text[:500])
            case Exit(code=int(), timed_out=False) if not _began(status):
                raise SandboxFailed(f"bwrap could not begin: {' | '.join(first)}")
            case _:
                pass
        yield _signalled(output) if isinstance(output, Exit) else output


def _began(status: int) -> bool:
    """Tell whether the command ran: only then does bwrap report its exit code."""
    return b'"exit-code"' in os.pread(status, 10_000, 0)


def _signalled(end: Exit) -> Exit:
    """Tell 128+n as signal n, which is how bwrap hands it out."""
    number = (end.code or 0) - SHELL_SIGNAL
    if number not in set(signal.Signals) - UNTOLD:
        return end
    return end.model_copy(update={"code": None, "signal": int(number)})


def _inner(marker: str) -> list[psutil.Process]:
    """Return the command itself: bwrap's child is the namespace's first process, and the command is that one's."""
    for outer in marked(marker)[:1]:
        try:
            return [command for first in outer.children() for command in first.children()][:1]
        except psutil.Error:
            return []
    return []
