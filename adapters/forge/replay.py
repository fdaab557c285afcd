"""A validated patch becomes a commit without any work tree: the same request always gives the same commit id."""

import tempfile
from datetime import UTC
from pathlib import Path
from typing import Final

from adapters._vendor.files import sha256
from adapters._vendor.git import Git, GitError
from domain.errors import ForgeRefused, PatchDoesNotApply, TreeMismatch
from domain.forge import ChangeRequest

BOT_NAME: Final = "Software Factory"
BOT_EMAIL: Final = "factory-bot@localhost"


def commit_change(git: Git, change: ChangeRequest) -> str:
    """Return the commit of the patch on its base; no reference is moved.

    Raises:
        PatchDoesNotApply, TreeMismatch: the patch is not what was validated.
    """
    tree = _replayed_tree(git, change)
    if tree != change.patch.tree_sha:
        raise TreeMismatch(f"the patch gives tree {tree[:12]}, the tree tested was {change.patch.tree_sha[:12]}")
    return _commit(git, change, tree)


def signature(role: str, name: str, email: str, seconds: int) -> dict[str, str]:
    return {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email, f"GIT_{role}_DATE": f"@{seconds} +0000"}


def _replayed_tree(git: Git, change: ChangeRequest) -> str:
    patch, base = Path(change.patch_path), change.patch.base_sha
    if sha256(patch) != change.patch.artifact.sha256:
        raise TreeMismatch(f"the bytes of {patch} are not those of patch artifact {change.patch.artifact.sha256[:12]}")
    if git.commit(base) is None:
        raise PatchDoesNotApply(f"base commit {base[:12]} is not in the forge")
    with tempfile.TemporaryDirectory(prefix="factory-index-") as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        git.run("read-tree", base, environment=index)
        try:
            git.run("apply", "--cached", "--binary", "--whitespace=nowarn", "-", stdin=patch, environment=index)
        except GitError as error:
            if not error.refused or "No space left" in error.words:
                raise
            raise PatchDoesNotApply(f"on {base[:12]}: {error.words[-500:]}") from error
        return git.text("write-tree", environment=index)


def _commit(git: Git, change: ChangeRequest, tree: str) -> str:
    if "\0" in change.message:
        raise ForgeRefused("the commit message has a NUL character")
    seconds = int(change.authored_at.astimezone(UTC).timestamp())
    bot = (BOT_NAME, BOT_EMAIL, seconds)
    return git.text(
        "commit-tree", tree, "-p", change.patch.base_sha, "-F", "-",
        stdin=change.message.encode(),
        environment=signature("AUTHOR", *bot) | signature("COMMITTER", *bot),
    )  # fmt: skip
