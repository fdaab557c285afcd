"""What people made of a proposal before they merged it, read from the trees that git keeps."""

from typing import Final

import structlog

from adapters._vendor.git import Git, GitError
from adapters.forge.base_branch import is_ancestor
from domain.forge import Edits

#: no `.gitattributes` of the change may declare its files binary (git before 2.41 reads none in a bare repository)
_NO_ATTRIBUTES: Final = {"GIT_ATTR_SOURCE": "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}
_DIFF: Final = ("diff-tree", "-r", "--numstat", "-z", "--find-renames", "--no-ext-diff", "--no-textconv")
log = structlog.get_logger()


def edits_of(git: Git, base: str, head: str, merged: str) -> Edits | None:
    """Compare what merging the proposal would have left with what its merge did leave.

    Args:
        git: Of a repository that has all three.
        base: The commit the proposal was made on.
        head: The proposal.
        merged: The commit on the base branch by which it came there, by whatever kind of merge.

    Returns:
        The lines; None, with a word in the log, when git cannot tell.
    """
    try:
        arrived = git.text("rev-parse", "--verify", "--end-of-options", f"{merged}^{{commit}}")
        before = _before(git, base, head, arrived)
        wanted = _merged_tree(git, before, head)
        return Edits(differing=_lines(git, wanted, arrived), merged=_lines(git, before, arrived))
    except GitError as error:
        log.warning("edits_unknown", head=head, merged=merged[:100], words=str(error)[-500:])
        return None


def count_lines(numstat: bytes) -> int:
    """Return the lines added and removed in all, of `--numstat -z`; a file that changed without any counts one."""
    fields, total = iter(numstat.split(b"\0")), 0
    for field in fields:
        if not field:
            continue
        added, removed, name = field.split(b"\t", 2)
        if not name:  # moved: the former and the new name follow
            next(fields), next(fields)
        total += sum(int(one) for one in (added, removed) if one != b"-") or 1
    return total


def _before(git: Git, base: str, head: str, merged: str) -> str:
    """Return what the base branch was; a branch that was only wound forward has the proposal itself below its tip."""
    parent = git.commit(f"{merged}^1")
    if parent is None or head == merged or is_ancestor(git, head, parent):
        return base
    return parent


def _merged_tree(git: Git, before: str, head: str) -> str:
    """Return the tree of the proposal on top; where it conflicts the marks stand, which people must have replaced."""
    try:
        return git.text("merge-tree", "--write-tree", "--no-messages", before, head)
    except GitError as error:
        if error.exit_code != 1:
            raise
        return error.output.split(b"\n", 1)[0].decode()


def _lines(git: Git, one: str, other: str) -> int:
    return count_lines(git.run(*_DIFF, one, other, environment=_NO_ATTRIBUTES))
