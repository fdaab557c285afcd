"""Fill a workspace: clone and patch with git, run inside the sandbox like everything else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from adapters.sandbox.workspace import Workspace
from domain.errors import PatchDoesNotApply, SandboxFailed, StorageFull
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Exit, Output, OutputLine, SandboxSpec

PATCH = "provision.patch"
FULL_DISK = ("No space left on device", "Disk quota exceeded")
GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Software Factory",
    "GIT_AUTHOR_EMAIL": "factory-bot@localhost",
    "GIT_COMMITTER_NAME": "Software Factory",
    "GIT_COMMITTER_EMAIL": "factory-bot@localhost",
}
#: $1 mirror, $2 commit. HOME is the sandbox's own, so what is written there is all git reads. A local clone copies the
#: objects as they are; a fetch would pack them anew, which takes twenty times as long.
CLONE = """set -e
git config --global safe.directory '*'
git config --global user.name 'Software Factory'
git config --global user.email factory-bot@localhost
git config --global init.defaultBranch work
git config --global advice.detachedHead false
git clone -q --local --no-hardlinks --no-checkout --no-tags "$1" .
git remote remove origin
git checkout -q --detach "$2"
git for-each-ref --format='delete %(refname)' | git update-ref --stdin
git checkout -q -b work
"""
APPLY = f'git apply --binary --index --whitespace=nowarn "$FACTORY_OUT/{PATCH}" && rm -f "$FACTORY_OUT/{PATCH}"'


class Executes(Protocol):
    def execute(self, ref: SandboxRef, command: Command) -> Iterator[Output]: ...
    def lend(self, workspace: Workspace, name: str, source: Path) -> None: ...


def fill(sandbox: Executes, ref: SandboxRef, workspace: Workspace, spec: SandboxSpec) -> None:
    """Clone the mirror at its commit and apply the patch, if any.

    Raises:
        SandboxFailed: git could not clone. PatchDoesNotApply: git's words are in the message.
    """
    mirror = workspace.mirror(spec)
    if mirror is None:
        return
    failed = _script(sandbox, ref, CLONE, str(mirror), spec.commit or "HEAD")
    if failed is not None and any(words in failed for words in FULL_DISK):
        raise StorageFull(f"no room for a clone of {spec.mirror}: {failed}")
    if failed is not None:
        raise SandboxFailed(f"cannot clone {spec.commit or 'HEAD'} from {spec.mirror}: {failed}")
    if spec.patch is None:
        return
    sandbox.lend(workspace, PATCH, Path(spec.patch))
    failed = _script(sandbox, ref, APPLY)
    if failed is not None:
        raise PatchDoesNotApply(f"the patch does not apply to {spec.commit}: {failed}")


def _script(sandbox: Executes, ref: SandboxRef, script: str, *arguments: str) -> str | None:
    """Run a script; return its last words when it failed."""
    command = Command(argv=("sh", "-c", script, "git", *arguments), environment=GIT, timeout=timedelta(minutes=10))
    words: list[str] = []
    end: Exit | None = None
    for output in sandbox.execute(ref, command):
        match output:
            case OutputLine(text=text):
                words = [*words[-9:], text[:500]]
            case Exit():
                end = output
    return None if end is not None and end.code == 0 else " | ".join(words) or "it ended without a word"
