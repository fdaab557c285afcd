"""What the sandbox suites share: a mirror with awkward files, and ways to run a command to its end."""

import os
import subprocess
import uuid
from datetime import timedelta
from pathlib import Path

from adapters.sandbox.contract import Sandbox
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Exit, Output, OutputLine, SandboxSpec

GIT_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@localhost",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@localhost",
}


def git(folder: Path, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=folder, env=GIT_ENVIRONMENT, check=True, capture_output=True).stdout


class Upstream:
    """A repository and the bare mirror of it that sandboxes clone."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder / "upstream"
        self.tree.mkdir(parents=True)
        git(self.tree, "init", "-q", "-b", "main")
        (self.tree / "kept.txt").write_text("kept\n")
        (self.tree / "gone.txt").write_text("gone\n")
        (self.tree / "old name.txt").write_text("".join(f"line {number}\n" for number in range(50)))
        (self.tree / "run.sh").write_text("#!/bin/sh\necho ran\n")
        (self.tree / "-rf; $(x) 'ü\n.txt").write_text("odd\n")
        git(self.tree, "add", "-A")
        git(self.tree, "commit", "-qm", "one")
        self.commit = git(self.tree, "rev-parse", "HEAD").decode().strip()
        self.mirror = folder / "mirror.git"
        git(folder, "clone", "-q", "--mirror", str(self.tree), str(self.mirror))

    def change(self, folder: Path) -> tuple[str, str]:
        """Change a binary, a name, a mode and a presence; return the patch file and the tree it leads to."""
        (self.tree / "gone.txt").unlink()
        (self.tree / "old name.txt").rename(self.tree / "new name.txt")
        (self.tree / "run.sh").chmod(0o755)
        (self.tree / "data.bin").write_bytes(bytes(range(256)) * 20)
        git(self.tree, "add", "-A")
        patch = folder / "change.patch"
        patch.write_bytes(git(self.tree, "diff", "--cached", "--binary", "-M"))
        tree = git(self.tree, "write-tree").decode().strip()
        git(self.tree, "reset", "-q", "--hard")
        return str(patch), tree


def fresh(**told: object) -> SandboxSpec:
    """A spec under a name no other run on this machine has."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    return SandboxSpec.model_validate({"id": name, "run_id": name, "mirror": None, "commit": None} | told)


def shell(script: str, seconds: float = 20, **told: object) -> Command:
    settings = {"argv": ("sh", "-c", script), "timeout": timedelta(seconds=seconds)}
    return Command.model_validate(settings | told)


def run(sandbox: Sandbox, ref: SandboxRef, command: Command | str) -> tuple[list[Output], Exit]:
    outputs = list(sandbox.execute(ref, shell(command) if isinstance(command, str) else command))
    ended = outputs[-1]
    assert isinstance(ended, Exit)
    assert not any(isinstance(output, Exit) for output in outputs[:-1])
    return outputs, ended


def texts(outputs: list[Output], stream: str = "stdout") -> list[str]:
    return [output.text for output in outputs if isinstance(output, OutputLine) and output.stream == stream]


def said(sandbox: Sandbox, ref: SandboxRef, script: str) -> str:
    return "\n".join(texts(run(sandbox, ref, script)[0]))
