"""The bubblewrap sandbox: own namespaces, bounded by control groups and a disk of its own, no network but its door."""

import os
import tempfile
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from adapters.sandbox import cgroups, syscalls
from adapters.sandbox.child import Child, Launch, run, start
from adapters.sandbox.disk import Bounds, make_disk, open_environment, remove_disk
from adapters.sandbox.execution import Running, signalled
from adapters.sandbox.programs import program
from adapters.sandbox.reaping import MARKER, interrupt_group, marked
from adapters.sandbox.rooted import RootedSandbox
from adapters.sandbox.staging import USER, Stage, stage
from adapters.sandbox.surroundings import SYSTEM_PATH, environment_for
from adapters.sandbox.view import RELAY, TOOLS, Seen, python, seen, system, write_etc
from adapters.sandbox.workspace import INSIDE, Workspace, image_of
from domain.errors import SandboxFailed
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Availability, Exit, Isolation, Mailbox, Output, OutputLine, SandboxSpec, Tick

WALLS = (
    "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
    "--cap-drop", "ALL", "--hostname", "sandbox",
)  # fmt: skip
FILES = 4096  #: open files
GRACE_SECONDS = 30  #: after a command's own limit, when it ends by itself though nobody watches
NEEDED = ("bwrap", "mkfs.ext4", "mount", "losetup", "setpriv", "unshare", "prlimit")
INSTALL = "apt-get install bubblewrap libseccomp2 e2fsprogs util-linux iproute2 iptables"
ROOT = "Run the factory as root, or start its production shape: deploy/up"
NAMESPACES = "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000"


class BubblewrapSandbox(RootedSandbox):
    """For agents too. Needs bwrap, libseccomp, and root, whose commands run as another user."""

    name = "bubblewrap"
    isolation = Isolation.NAMESPACES
    inside = INSIDE

    def _make(self, workspace: Workspace, spec: SandboxSpec) -> None:
        workspace.begin(spec)
        self._group(workspace).make(spec)
        make_disk(workspace.top, size=spec.disk_bytes, files=spec.disk_files, owner=USER)
        write_etc(workspace.etc, USER)
        if spec.environment is not None:
            bounds = Bounds(spec.disk_bytes, spec.disk_files, USER) if spec.environment_writable else None
            open_environment(workspace.top, image_of(spec.environment), bounds)

    def _unmake(self, workspace: Workspace) -> None:
        group = self._group(workspace)
        if not group.end():
            raise SandboxFailed(f"processes of the sandbox {workspace.top.name} do not die")
        group.remove()
        if workspace.top.exists():
            remove_disk(workspace.top)

    def execute(self, ref: SandboxRef, command: Command, mail: Mailbox | None = None) -> Iterator[Output]:
        with self._launched(ref, command) as (launch, status):
            group = self._group(self._workspace(ref))
            outputs = run(launch, command, lambda _session: group.end(), mail)
            yield from _told(outputs, status, group)

    def begin(self, ref: SandboxRef, command: Command) -> Running:
        group = self._group(self._workspace(ref))
        with self._launched(ref, command) as (launch, _):
            return Child(start(launch, command), lambda _session: group.end())

    @contextmanager
    def _launched(self, ref: SandboxRef, command: Command) -> Iterator[tuple[Launch, int]]:
        """Yield how to start a command, and the descriptor that tells whether it ran; both hold inside the block."""
        workspace = self._workspace(ref)
        spec = workspace.spec()
        told = environment_for(workspace, spec, command, self.mark(ref), TOOLS)
        door = command.network and spec.door is not None
        group = self._group(workspace)
        views = seen(workspace, spec, door=door)
        before, sources = stage(Stage([one.source for one in views], self._root, group.doors(), door))
        network = ["--share-net"] if door else []
        inside = [*network, *system(), *_binds(views, sources), "--remount-ro", "/", *_place(workspace), *_set(told)]
        with _memory() as options, _memory() as status, _memory() as calls:
            _write(options, "\0".join([*WALLS, *inside]).encode(errors="surrogateescape") + b"\0")
            _write(calls, syscalls.compiled())
            yield (
                Launch(
                    argv=(*before, *_bwrap(options, status, calls), *_entry(spec, command, door), *command.argv),
                    cwd=Path("/"),  # nothing inside can ask for the working directory of what started it
                    environment={"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", MARKER: self.mark(ref)},
                    pass_fds=(options, status, calls),
                ),
                status,
            )

    def interrupt(self, ref: SandboxRef) -> None:
        members = self._group(self._workspace(ref)).processes()
        for process in _inner(self.mark(ref), members):
            interrupt_group(process)

    def available(self) -> Availability:
        reason = cgroups.why_not()
        if reason is not None:
            return Availability(works=False, detail=f"nothing would bound what it runs: {reason}", remedy=ROOT)
        try:
            for name in NEEDED:
                program(name)
            with tempfile.TemporaryDirectory(prefix="factory-probe-") as folder:
                failed = BubblewrapSandbox(Path(folder)).tried_out()
        except SandboxFailed as error:
            return Availability(works=False, detail=error.message, remedy=INSTALL)
        if failed is not None:
            return Availability(works=False, detail=f"bwrap cannot make namespaces: {failed}", remedy=NAMESPACES)
        return Availability(works=True, detail="namespaces, system call filter, control groups, a disk of its own")

    def _group(self, workspace: Workspace) -> cgroups.Group:
        return cgroups.Group(f"{workspace.top.name}.{self._factory}")


@contextmanager
def _memory() -> Iterator[int]:
    """Options, filter and status pass through memory: no command line shows them and no file is left."""
    descriptor = os.memfd_create("sandbox", 0)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: bytes) -> None:
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)


def _binds(views: list[Seen], sources: list[Path]) -> list[str]:
    options: list[str] = []
    for one, source in zip(views, sources, strict=True):
        options += ["--bind" if one.writable else "--ro-bind", str(source), str(one.target)]
    return options


def _place(workspace: Workspace) -> list[str]:
    return ["--chdir", str(workspace.seen("work"))]


def _set(told: Mapping[str, str]) -> list[str]:
    options = ["--clearenv"]
    for name, value in told.items():
        options += ["--setenv", name, value]
    return options


def _bwrap(options: int, status: int, calls: int) -> tuple[str, ...]:
    walls = ("--args", str(options), "--json-status-fd", str(status), "--seccomp", str(calls))
    return (program("bwrap"), *walls, "--")


def _entry(spec: SandboxSpec, command: Command, door: bool) -> tuple[str, ...]:
    """Run the relay beside the command when there is a door; bound each process; tell a missing program as 127."""
    limits = (f"--nproc={spec.processes}", f"--nofile={FILES}", "--core=0", f"--fsize={spec.disk_bytes}", "--")
    deadline = int(command.timeout.total_seconds()) + GRACE_SECONDS
    # a group of its own: what ends it in time hands signals on, and would do so with those that its group gets too
    own_end = (program("timeout"), "--foreground", "--signal=KILL", str(deadline), program("setsid"))
    return (*((python(), "-I", *RELAY) if door else ()), program("prlimit"), *limits, *own_end)


def _told(outputs: Iterator[Output], status: int, group: cgroups.Group) -> Iterator[Output]:
    """Pass outputs on with what the group knows; a sandbox that never began is an error, not an exit code."""
    first: list[str] = []
    for output in outputs:
        match output:
            case OutputLine(stream="stderr", text=text) if len(first) < 5:
                first.append(text[:500])
            case Tick():
                output = output.model_copy(update={"cpu_seconds": group.cpu_seconds()})  # noqa: PLW2901
            case Exit(code=int(), timed_out=False) if not _began(status):
                raise SandboxFailed(f"bwrap could not begin: {' | '.join(first)}")
            case _:
                pass
        yield _accounted(_signalled(output), group) if isinstance(output, Exit) else output


def _began(status: int) -> bool:
    """Tell whether the command ran: only then does bwrap report its exit code."""
    return b'"exit-code"' in os.pread(status, 10_000, 0)


def _signalled(end: Exit) -> Exit:
    """Tell 128+n as signal n, which is how bwrap hands it out."""
    code = signalled(end.code or 0)
    return end.model_copy(update={"code": None, "signal": -code}) if code < 0 else end


def _accounted(end: Exit, group: cgroups.Group) -> Exit:
    return end.model_copy(update={"out_of_memory": group.out_of_memory(), "cpu_seconds": group.cpu_seconds()})


def _inner(marker: str, members: Container[int]) -> list[psutil.Process]:
    """Return the command itself: below the staging script come bwrap, its namespace's first process, what ends the
    command in time, and the command.

    A command elsewhere may carry any marker; it is no member of the group.
    """
    for script in [process for process in marked(marker) if process.pid in members][:1]:
        try:
            return [
                command
                for bwrap in script.children()
                for first in bwrap.children()
                for timer in first.children()
                for command in timer.children()
            ][:1]
        except psutil.Error:
            return []
    return []
