"""What sandboxes with their workspaces below one folder of this machine share."""

import hashlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from adapters.sandbox.cloning import fill
from adapters.sandbox.contract import Imaged
from adapters.sandbox.execution import Running
from adapters.sandbox.terminal import interact, on_a_terminal
from adapters.sandbox.workspace import Workspace, told_plainly
from domain.errors import ImageUnavailable
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Exit, Mailbox, Output, OutputLine, SandboxSpec


class RootedSandbox(ABC):
    """Making, collecting from, removing and listing; how a command is run is each one's own."""

    name: str
    inside: Path | None = None  #: where commands find their folders, when not in their own place

    def __init__(self, root: Path) -> None:
        self._root = root.absolute() / self.name
        self._factory = hashlib.sha256(str(self._root).encode()).hexdigest()[:8]

    @abstractmethod
    def execute(self, ref: SandboxRef, command: Command, mail: Mailbox | None = None) -> Iterator[Output]: ...

    @abstractmethod
    def begin(self, ref: SandboxRef, command: Command) -> Running:
        """Start a command whose streams the caller takes care of."""

    def interact(self, ref: SandboxRef, command: Command, terminal: int) -> int:
        told = {"argv": on_a_terminal(command.argv), "stdin": ""}
        return interact(self.begin(ref, command.model_copy(update=told)), terminal)

    def provision(self, spec: SandboxSpec) -> SandboxRef:
        if spec.image is not None and not isinstance(self, Imaged):
            raise ImageUnavailable(f"the {self.name} sandbox is not made of images, so not of {spec.image}")
        ref = SandboxRef(backend=self.name, id=spec.id)
        self.teardown(ref)
        workspace = self._workspace(ref)
        try:
            with told_plainly():
                self._make(workspace, spec)
                fill(self, ref, workspace, spec)
        except BaseException:
            self.teardown(ref)
            raise
        return ref

    def _make(self, workspace: Workspace, spec: SandboxSpec) -> None:
        workspace.begin(spec)
        workspace.make_folders(None)
        if spec.environment is not None and spec.environment_writable:
            shutil.rmtree(spec.environment, ignore_errors=True)
            Path(spec.environment).mkdir(parents=True)

    @abstractmethod
    def _unmake(self, workspace: Workspace) -> None:
        """Kill what still runs, and undo what removing the folder does not; harmless when repeated."""

    def lend(self, workspace: Workspace, name: str, source: Path) -> None:
        """Put a copy of a host file into `out`, before any command has run there."""
        workspace.lend(name, source)

    def collect(self, ref: SandboxRef, name: str, *, limit: int) -> bytes | None:
        return self._workspace(ref).collect(name, limit)

    def teardown(self, ref: SandboxRef) -> None:
        workspace = self._workspace(ref)
        self._unmake(workspace)
        workspace.remove()

    def leftovers(self) -> list[SandboxRef]:
        if not self._root.is_dir():
            return []
        return [SandboxRef(backend=self.name, id=found.name) for found in sorted(self._root.iterdir())]

    def tried_out(self) -> str | None:
        """Run something in a sandbox of its own; return what went wrong, None when nothing did.

        Raises:
            SandboxFailed: it cannot be made.
        """
        name = f"probe-{os.getpid()}-{os.urandom(4).hex()}"
        spec = SandboxSpec(id=name, run_id=name, mirror=None, commit=None, disk_bytes=16 * 1024**2, disk_files=1000)
        ref = self.provision(spec)
        try:
            *said, end = self.execute(ref, Command(argv=("true",)))
        finally:
            self.teardown(ref)
        if isinstance(end, Exit) and end.code == 0:
            return None
        return " | ".join(one.text for one in said if isinstance(one, OutputLine)) or str(end)

    def mark(self, ref: SandboxRef) -> str:
        """Return what a sandbox's processes carry: other factories on this machine may use the same ids."""
        return f"{ref.id}.{self._factory}"

    def _workspace(self, ref: SandboxRef) -> Workspace:
        return Workspace(self._root / ref.id, self.inside)
