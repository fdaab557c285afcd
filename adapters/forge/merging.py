"""Merging in a bare repository, always by a merge commit in a person's name."""

import re
from datetime import datetime
from typing import Final

from adapters._vendor.git import Git, GitError
from adapters.forge.base_branch import is_ancestor
from adapters.forge.replay import signature
from domain.errors import ForgeRefused
from domain.forge import PullRequest

_FACTORY: Final = re.compile(r"^\W*(software[\W_]*)?factory(?![a-z0-9])", re.IGNORECASE)


def refuse_factory(actor: str) -> None:
    """Raises ForgeRefused unless the actor may be a person: nobody merges but people."""
    if not _identity(actor) or _FACTORY.match(actor):
        raise ForgeRefused(f"{actor!r} is not a person; only people merge")


def merge(git: Git, pull: PullRequest, actor: str, at: datetime) -> tuple[str, str]:
    """Merge the pull request's head into its base; return the merge commit and the name of who made it.

    What is already in the base, with all that people put on top of it in its branch, is left alone: repeating after a
    crash finds the first merge, and whoever merged with git by themselves has merged.

    Raises:
        ForgeRefused: conflicts, or the branch is not at the recorded head.
    """
    reference = f"refs/heads/{pull.base}"
    base, branch = git.commit(reference), git.commit(f"refs/heads/{pull.branch}")
    if base is None:
        raise ForgeRefused(f"base branch {pull.base!r} is gone")
    tip = branch or pull.head_sha
    if is_ancestor(git, pull.head_sha, base) and is_ancestor(git, tip, base):
        return _earlier_merge(git, pull.head_sha, base) or (tip, actor)
    if tip != pull.head_sha:
        raise ForgeRefused(
            f"branch {pull.branch!r} moved after the pull request was brought up to date; what is on it now was not "
            f"judged, and whoever wants it merged merges it into {pull.base!r} with git"
        )
    person = (_identity(actor), _email(actor), int(at.timestamp()))
    message = (
        f"Merge pull request #{pull.number} from {pull.branch}\n\n{pull.title}\n\nFactory-Ticket: {pull.ticket_id}\n"
    )
    merged = git.text(
        "commit-tree", _merged_tree(git, base, pull.head_sha), "-p", base, "-p", pull.head_sha, "-F", "-",
        stdin=message.replace("\0", "").encode(),
        environment=signature("AUTHOR", *person) | signature("COMMITTER", *person),
    )  # fmt: skip
    git.run("update-ref", "-m", f"merge #{pull.number}", reference, merged, base)
    return merged, actor


def _merged_tree(git: Git, base: str, head: str) -> str:
    try:
        return git.text("merge-tree", "--write-tree", "--no-messages", base, head)
    except GitError as error:
        if error.exit_code != 1:
            raise
    raise ForgeRefused(f"merging conflicts in {conflicting(git, base, head)}; bring the branch up to date first")


def conflicting(git: Git, base: str, head: str) -> str:
    """Return the files in which two commits conflict, in words."""
    try:
        git.run("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", base, head)
    except GitError as error:
        names = error.output.decode("utf-8", "replace").split("\0")[1:]
        return ", ".join(repr(name) for name in names[:10] if name)
    return "files that have since changed"


def _earlier_merge(git: Git, head: str, base: str) -> tuple[str, str] | None:
    """Return the merge commit by which the head came into the base, and its author; None when there is none."""
    above = set(git.text("rev-list", "--ancestry-path", f"{head}..{base}").split())
    trunk = git.text("rev-list", "--first-parent", f"{head}..{base}").split()
    first = next((one for one in reversed(trunk) if one in above), None)
    if first is None or is_ancestor(git, head, f"{first}^1"):
        return None  # the base was only wound forward
    return first, git.text("show", "--no-patch", "--format=%an", first)


def _identity(actor: str) -> str:
    return re.sub(r"[<>\s\0]+", " ", actor).strip(" .,;:'\"")


def _email(actor: str) -> str:
    if re.fullmatch(r"[^@<>\s]+@[^@<>\s]+", actor):
        return actor
    return (re.sub(r"[^a-z0-9]+", ".", actor.lower()).strip(".") or "person") + "@localhost"
