"""A source repository and validated changes on it, made as the sandbox would make them."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from domain.execution import ArtifactRef, PatchRef
from domain.forge import ChangeRequest, Link, PullRequestRequest
from domain.repositories import Repository, RepositorySettings

NOON = datetime(2026, 7, 1, 12, 0, 30, tzinfo=UTC)
_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    **{f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (
        ("NAME", "Ann"), ("EMAIL", "ann@example.org"), ("DATE", "@1700000000 +0000"))},
}  # fmt: skip


def git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=directory, env=_ENVIRONMENT, check=True, capture_output=True, text=True
    )
    return done.stdout.rstrip("\n")


def commit(directory: Path, files: dict[str, str | bytes], message: str = "more") -> str:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git(directory, "add", "-A")
    git(directory, "commit", "-q", "--allow-empty", "-m", message)
    return git(directory, "rev-parse", "HEAD")


def new_source(directory: Path) -> Path:
    directory.mkdir(parents=True)
    git(directory, "init", "-q", "-b", "main")
    commit(
        directory, {"README.md": "# demo\n", "src/app.py": "def answer():\n    return 41\n", "blob": bytes(range(256))}
    )
    return directory


class Workshop:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.source = new_source(directory / "source")
        self.base_sha = git(self.source, "rev-parse", "HEAD")

    @property
    def address(self) -> str:
        """Where a forge is told to fetch from."""
        return str(self.source)

    def repository(self, remote: str, name: str = "demo") -> Repository:
        return Repository(
            name=name, source=self.address, remote=remote, settings=RepositorySettings(base="main"),
            created_at=NOON, created_by="ann",
        )  # fmt: skip

    def artifact(self, content: bytes, name: str, kind: str = "patch") -> tuple[ArtifactRef, str]:
        digest = hashlib.sha256(content).hexdigest()
        path = self.directory / "artifacts" / digest
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return ArtifactRef(sha256=digest, kind=kind, size=len(content), name=name), str(path)

    def link(self, label: str, content: bytes = b"evidence\n", name: str = "tests.log", kind: str = "log") -> Link:
        artifact, path = self.artifact(content, name, kind)
        return Link(label=label, artifact=artifact, path=path)

    def edit(self, edit: Callable[[Path], None]) -> tuple[bytes, str]:
        """Return the patch of an edit on the base commit and the tree it gives."""
        work = self.directory / "work"
        shutil.rmtree(work, ignore_errors=True)
        git(self.directory, "clone", "-q", str(self.source), str(work))
        git(work, "checkout", "-q", self.base_sha)
        edit(work)
        git(work, "add", "-A", "--force")
        patch = subprocess.run(
            ["git", "diff", "--cached", "--binary", "--full-index", "--find-renames", "HEAD"],
            cwd=work, env=_ENVIRONMENT, check=True, capture_output=True,
        ).stdout  # fmt: skip
        return patch, git(work, "write-tree")

    def change(self, edit: Callable[[Path], None] | None = None, **told: object) -> ChangeRequest:
        patch, tree = self.edit(edit or answer)
        artifact, path = self.artifact(patch, "change.patch")
        asked = {
            "repository": "demo", "ticket_id": "T-1", "run_id": "run-1", "fence": 1,
            "branch": "factory/T-1", "base": "main", "patch_path": path,
            "patch": PatchRef(
                artifact=artifact, base_sha=self.base_sha, tree_sha=tree,
                files_changed=1, lines_added=1, lines_removed=1,
            ),
            "message": "Answer rightly\n\nBecause.\n\nFactory-Run: run-1\n",
            "authored_at": NOON,
        }  # fmt: skip
        return ChangeRequest.model_validate(asked | told)

    def request(self, head_sha: str, **told: object) -> PullRequestRequest:
        asked = {
            "repository": "demo", "ticket_id": "T-1", "run_id": "run-1", "fence": 1,
            "title": "Answer rightly", "body": "## Why\n\nIt was *wrong*.\n",
            "branch": "factory/T-1", "base": "main", "base_sha": self.base_sha, "head_sha": head_sha,
            "links": (self.link("Test log"),),
        }  # fmt: skip
        return PullRequestRequest.model_validate(asked | told)


def answer(work: Path) -> None:
    (work / "src/app.py").write_text("def answer():\n    return 42\n")


def question(work: Path) -> None:
    (work / "src/app.py").write_text("def answer():\n    return 'why?'\n")
