"""What sandboxes with their workspaces below one folder of this machine share."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from adapters.sandbox.cloning import fill
from adapters.sandbox.reaping import reap
from adapters.sandbox.workspace import Workspace, told_plainly
from domain.errors import SandboxFailed
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Output, SandboxSpec


class RootedSandbox(ABC):
    """Making, collecting from, removing and listing; how a command is run is each one's own."""

    name: str

    def __init__(self, root: Path) -> None:
        self._root = root.absolute() / self.name
        self._factory = hashlib.sha256(str(self._root).encode()).hexdigest()[:8]

    @abstractmethod
    def execute(self, ref: SandboxRef, command: Command) -> Iterator[Output]: ...

    def provision(self, spec: SandboxSpec) -> SandboxRef:
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
        workspace.create(spec, None)

    def collect(self, ref: SandboxRef, name: str, *, limit: int) -> bytes | None:
        return self._workspace(ref).collect(name, limit)

    def teardown(self, ref: SandboxRef) -> None:
        if not reap(self.mark(ref)):
            raise SandboxFailed(f"processes of the sandbox {ref.id} do not die")
        self._workspace(ref).remove()

    def leftovers(self) -> list[SandboxRef]:
        if not self._root.is_dir():
            return []
        return [SandboxRef(backend=self.name, id=found.name) for found in sorted(self._root.iterdir())]

    def mark(self, ref: SandboxRef) -> str:
        """Return what a sandbox's processes carry: other factories on this machine may use the same ids."""
        return f"{ref.id}.{self._factory}"

    def end(self, ref: SandboxRef, session: int | None) -> None:
        """Kill whatever carries the sandbox's mark or belongs to a session of it."""
        reap(self.mark(ref), session)

    def _workspace(self, ref: SandboxRef) -> Workspace:
        return Workspace(self._root / ref.id)
