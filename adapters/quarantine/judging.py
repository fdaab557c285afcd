"""Every entry of a result is judged before git makes a patch of it."""

from dataclasses import dataclass
from typing import Final

from adapters._vendor.git import Git
from adapters.quarantine.changes import read_changes, read_entries, read_paths
from adapters.quarantine.contract import Admitted
from domain.errors import PatchTooLarge, ResultRefused
from policy.results import ResultPolicy, refusals

NAMED: Final = 20  #: refused entries named in a message
DETAILED: Final = 200  #: and in its details
_PATCH: Final = (
    "diff-tree", "-r", "-p", "-M", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color",
    "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judge:
    """A quarantine's repository, the commit a result stands on, and what holds there."""

    git: Git
    base: str
    policy: ResultPolicy

    def describe(self, tree: str, patch_limit: int, unchecked: frozenset[str] = frozenset()) -> Admitted:
        """Return what a tree (or its commit) changes.

        Args:
            tree: A name git knows.
            patch_limit: Bytes.
            unchecked: `.gitmodules` blobs that were not checked, so that no entry may bring them.

        Raises:
            ResultRefused, PatchTooLarge.
        """
        self._refuse_entries(tree, unchecked)
        patch, more = self.git.head(*_PATCH, self.base, tree, limit=patch_limit)
        if more:
            raise PatchTooLarge(f"the patch has more than {patch_limit} bytes", limit=patch_limit)
        changes = read_changes(self.git, self.base, tree)
        return Admitted(
            base_sha=self.base,
            tree_sha=self.git.text("rev-parse", "--verify", f"{tree}^{{tree}}"),
            patch=patch,
            files=changes.files,
            lines_added=changes.added,
            lines_removed=changes.removed,
        )

    def _refuse_entries(self, tree: str, unchecked: frozenset[str]) -> None:
        paths = read_paths(self.git, self.base, tree, self.policy)
        entries = read_entries(self.git, self.base, tree, self.policy)
        reasons = list(refusals(entries, self.policy, paths))
        reasons += [
            f"{one.path}: submodule settings that git has not checked" for one in entries if one.blob in unchecked
        ]
        if reasons:
            more = f"; and {len(reasons) - NAMED} more" if len(reasons) > NAMED else ""
            raise ResultRefused("; ".join(reasons[:NAMED]) + more, entries=reasons[:DETAILED])
