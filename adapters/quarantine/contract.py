"""Where what left a sandbox is opened first: outside of it, without a work tree, and judged before it is believed."""

from typing import Protocol

from domain.governance import FileChange
from domain.model import Name, Sha1, Value


class Ground(Value):
    """What a result stands on: a commit of the mirror, a bare repository here. `repository` chooses the policy."""

    repository: Name
    mirror: str
    commit: Sha1


class Admitted(Value):
    """A change that may be looked at. The patch is its only form from here on: applied to the base it gives the tree.

    An empty patch is a change of nothing.
    """

    base_sha: Sha1
    tree_sha: Sha1
    patch: bytes
    files: tuple[FileChange, ...]
    lines_added: int
    lines_removed: int


class Output(Value):
    """One extra file a run was asked for; `name` is its path in the workspace, printable and harmless."""

    name: str
    content: bytes


class Unpacked(Value):
    """What a parcel held; `refused` says why of each entry that was left in it."""

    outputs: tuple[Output, ...] = ()
    refused: tuple[str, ...] = ()


class Quarantine(Protocol):
    """Guarantees: bytes from a sandbox are only ever parsed in memory or by git in a fresh bare repository that is
    removed afterwards; nothing in them is executed, checked out, or written to the mirror; time, memory and disk are
    bounded whatever they hold.
    """

    def admit(self, ground: Ground, bundle: bytes, *, patch_limit: int) -> Admitted:
        """Return the change that a bundle of one commit on the ground makes; its patch has at most that many bytes.

        Raises:
            PatchUnreadable: it is not such a bundle, is damaged, or lacks objects.
            PatchTooLarge: it holds or gives more than is allowed.
            ResultRefused: it is not what was asked for, breaks git's own rules, or has entries that policy refuses.
        """

    def replay(self, ground: Ground, patch: bytes, *, patch_limit: int) -> Admitted:
        """Return the change that a stored patch makes on a ground, which need not be the one it was made on.

        Raises:
            PatchDoesNotApply: it does not fit. And as `admit`.
        """

    def unpack(self, parcel: bytes) -> Unpacked:
        """Return the regular files of a tar archive that are within bounds; whatever else it holds is refused."""
