"""Git's own data about a subject, asked of its mirror: never of a working copy or its configuration."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from adapters._vendor.git import Git, GitError
from adapters.quarantine.changes import Changes, read_changes
from domain.changes import CommitFact, WorkflowChange
from domain.errors import RepositoryInvalid
from domain.governance import FileChange
from policy.governance.commits import LOG_FORMAT, parse_log
from policy.governance.workflow_files import is_workflow
from resources.governance.subject import Subject
from resources.governance.trees import Tree, tree_of
from resources.governance_texts import workflow_change
from resources.settings import Settings

WORKFLOW_BYTES: Final = 1_000_000  #: of one that is read; a larger one is unreadable


def mirror_of(settings: Settings, remote: str) -> Git:
    """Return git on a bare mirror, with a home of governance's own."""
    return Git(settings.governance_dir / ".git-home", Path(remote))


@dataclass(frozen=True)
class Source:
    """A subject's two commits, each read once."""

    git: Git
    subject: Subject

    @cached_property
    def base(self) -> Tree:
        return tree_of(self.git, self.subject.base_sha)

    @cached_property
    def head(self) -> Tree:
        return tree_of(self.git, self.subject.head_sha)

    @cached_property
    def changes(self) -> Changes:
        return read_changes(self.git, self.subject.base_sha, self.subject.head_sha)

    @property
    def files(self) -> tuple[FileChange, ...]:
        return self.changes.files

    @property
    def before(self) -> Tree:
        """The base, as far as it was changed."""
        return Tree(self.git, self.changes.before)

    @property
    def after(self) -> Tree:
        """The head, as far as it was changed."""
        return Tree(self.git, self.changes.after)

    def commits(self) -> tuple[CommitFact, ...]:
        """Return the commits of the change, the newest first; none when they cannot be read."""
        span = f"{self.subject.base_sha}..{self.subject.head_sha}"
        try:
            told = self.git.run("log", "-z", "--no-color", "--no-mailmap", f"--format={LOG_FORMAT}", span, "--")
            return parse_log(told.decode("utf-8", "replace"))
        except (GitError, ValueError):
            return ()

    def committed_at(self) -> datetime:
        """Return when the head was committed."""
        told = self.git.text("log", "-1", "--format=%ct", self.subject.head_sha, "--")
        return datetime.fromtimestamp(int(told), UTC)

    def workflows(self) -> tuple[WorkflowChange, ...]:
        """Return what the change makes of workflows; one it removes is none."""
        touched = [one for one in self.files if one.status != "D" and is_workflow(one.path)]
        return tuple(self._workflow(one) for one in touched)

    def _workflow(self, file: FileChange) -> WorkflowChange:
        old = file.old_path or file.path
        try:
            head = _text(self.after, file.path)
            base = _text(self.before, old) if old in self.before.files else None
        except (KeyError, ValueError):
            return WorkflowChange(path=file.path, unreadable=True)
        return workflow_change(file.path, base, head)


def read_policy_text(source: Source, path: str, limit: int) -> str | None:
    """Return a text of the merge base; None when it is not there.

    Raises:
        RepositoryInvalid: it is too large, or no text.
    """
    found = tree_of(source.git, source.subject.base_sha, path)
    if path not in found.files:
        return None
    try:
        return found.read([path], each=limit, total=limit)[path].decode()
    except (KeyError, UnicodeDecodeError) as error:
        raise RepositoryInvalid(
            f"{path} at {source.subject.base_sha[:12]} is no text of at most {limit} bytes"
        ) from error


def _text(tree: Tree, path: str) -> str:
    return tree.read([path], each=WORKFLOW_BYTES, total=WORKFLOW_BYTES)[path].decode()
