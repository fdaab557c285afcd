"""The process sandbox: a private folder and environment, and nothing more. It isolates nothing."""

import shutil
from collections.abc import Iterator

from adapters.sandbox.execution import Launch, run
from adapters.sandbox.reaping import interrupt_group, marked
from adapters.sandbox.rooted import RootedSandbox
from adapters.sandbox.surroundings import environment_for
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Isolation, Output


class ProcessSandbox(RootedSandbox):
    """For trusted commands only: what runs here can read and write whatever the factory's own user can."""

    name = "process"
    isolation = Isolation.NONE

    def execute(self, ref: SandboxRef, command: Command) -> Iterator[Output]:
        workspace = self._workspace(ref)
        launch = Launch(
            argv=(*_dying_with_us(), *command.argv),
            cwd=workspace.work,
            environment=environment_for(workspace, workspace.spec(), command, self.mark(ref)),
        )
        return run(launch, command, lambda session: self.end(ref, session))

    def interrupt(self, ref: SandboxRef) -> None:
        for process in marked(self.mark(ref))[:1]:
            interrupt_group(process)

    def available(self) -> tuple[bool, str]:
        """Return whether it works here, and what to know."""
        return True, "isolates nothing: trusted commands only"


def _dying_with_us() -> tuple[str, ...]:
    """A killed worker must not leave its direct child; util-linux has it nearly everywhere, the mark finds the rest."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()
