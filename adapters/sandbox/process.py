"""The process sandbox: a private folder and environment, and nothing more. It isolates nothing."""

from collections.abc import Iterator
from pathlib import Path

from adapters.sandbox.cloning import fill
from adapters.sandbox.execution import Launch, run
from adapters.sandbox.reaping import interrupt_group, marked, reap
from adapters.sandbox.surroundings import environment_for
from adapters.sandbox.workspace import Workspace, told_plainly
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Isolation, Output, SandboxSpec


class ProcessSandbox:
    """For trusted commands only: what runs here can read and write whatever the factory's own user can."""

    name = "process"
    isolation = Isolation.NONE

    def __init__(self, root: Path) -> None:
        self._root = root / self.name

    def provision(self, spec: SandboxSpec) -> SandboxRef:
        ref = SandboxRef(backend=self.name, id=spec.id)
        self.teardown(ref)
        workspace = self._workspace(ref)
        try:
            with told_plainly():
                workspace.create(spec, None)
                fill(self, ref, workspace, spec)
        except BaseException:
            self.teardown(ref)
            raise
        return ref

    def execute(self, ref: SandboxRef, command: Command) -> Iterator[Output]:
        workspace = self._workspace(ref)
        launch = Launch(
            argv=command.argv,
            cwd=workspace.work,
            environment=environment_for(workspace, workspace.spec(), command),
        )
        return run(launch, command, lambda session: _end(ref, session))

    def interrupt(self, ref: SandboxRef) -> None:
        for process in marked(ref.id)[:1]:
            interrupt_group(process)

    def collect(self, ref: SandboxRef, name: str, *, limit: int) -> bytes | None:
        return self._workspace(ref).collect(name, limit)

    def teardown(self, ref: SandboxRef) -> None:
        reap(ref.id)
        self._workspace(ref).remove()

    def leftovers(self) -> list[SandboxRef]:
        if not self._root.is_dir():
            return []
        return [SandboxRef(backend=self.name, id=found.name) for found in sorted(self._root.iterdir())]

    def available(self) -> tuple[bool, str]:
        """Return whether it works here, and what to know."""
        return True, "isolates nothing: trusted commands only"

    def _workspace(self, ref: SandboxRef) -> Workspace:
        return Workspace(self._root / ref.id)


def _end(ref: SandboxRef, session: int | None) -> None:
    reap(ref.id, session)
