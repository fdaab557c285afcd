"""The process sandbox: a private folder and environment, and nothing more. It isolates nothing."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import uv

from adapters.sandbox.child import Child, Launch, run, start
from adapters.sandbox.execution import Running
from adapters.sandbox.reaping import interrupt_group, marked, reap
from adapters.sandbox.rooted import RootedSandbox
from adapters.sandbox.surroundings import environment_for
from adapters.sandbox.workspace import Workspace
from domain.errors import SandboxFailed
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Availability, Isolation, Mailbox, Output

#: where packages come from, as this machine's tools are set; only for commands that may use the network
INSTALLING = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_")
NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


class ProcessSandbox(RootedSandbox):
    """For trusted commands only: what runs here can read and write whatever the factory's own user can."""

    name = "process"
    isolation = Isolation.NONE

    def _unmake(self, workspace: Workspace) -> None:
        if not reap(self.mark(SandboxRef(backend=self.name, id=workspace.top.name))):
            raise SandboxFailed(f"processes of the sandbox {workspace.top.name} do not die")

    def _end(self, ref: SandboxRef, session: int | None) -> None:
        """Kill whatever carries the sandbox's mark or belongs to a session of it."""
        reap(self.mark(ref), session)

    def execute(self, ref: SandboxRef, command: Command, mail: Mailbox | None = None) -> Iterator[Output]:
        return run(self._launch(ref, command), command, lambda session: self._end(ref, session), mail)

    def begin(self, ref: SandboxRef, command: Command) -> Running:
        return Child(start(self._launch(ref, command), command), lambda session: self._end(ref, session))

    def _launch(self, ref: SandboxRef, command: Command) -> Launch:
        workspace = self._workspace(ref)
        tools = str(Path(uv.find_uv_bin()).parent)
        told = _passed_on(os.environ) if command.network else {}
        return Launch(
            argv=(*_dying_with_us(), *command.argv),
            cwd=workspace.seen("work"),
            environment=told | environment_for(workspace, workspace.spec(), command, self.mark(ref), tools),
        )

    def interrupt(self, ref: SandboxRef) -> None:
        for process in marked(self.mark(ref))[:1]:
            interrupt_group(process)

    def available(self) -> Availability:
        return Availability(works=True, detail="isolates nothing: trusted commands only")


def _dying_with_us() -> tuple[str, ...]:
    """A killed worker must not leave its direct child; util-linux has it nearly everywhere, the mark finds the rest."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


def _passed_on(ours: Mapping[str, str]) -> dict[str, str]:
    """Where packages come from; what publishing needs stays outside."""
    return {
        name: value
        for name, value in ours.items()
        if (name.startswith(INSTALLING) or name.upper() in NETWORK) and not name.upper().startswith("UV_PUBLISH")
    }
