"""The manifests of a subject's two commits, and those they include."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from domain.changes import Dependency
from policy.governance.manifests.introduced import everything, included, introduced
from policy.governance.manifests.kinds import is_manifest
from policy.governance.manifests.shape import MAX_BYTES
from resources.governance.source import Source
from resources.governance.trees import Tree

TOTAL_BYTES: Final = 128_000_000  #: of all manifests of one commit
MANIFESTS: Final = 2000  #: of one commit that are read
DEPTH: Final = 5  #: of manifests that include others


class Asked(NamedTuple):
    """What a change has installed; None: nobody knows."""

    introduced: tuple[Dependency, ...] | None = None
    unreadable: tuple[str, ...] = ()  #: `path: reason`
    everything: tuple[Dependency, ...] | None = None  #: of the head, for an inventory


def asked_for(source: Source) -> Asked:
    """Compare the manifests of base and head."""
    base, head = read_manifests(source.base), read_manifests(source.head)
    if base is None or head is None:
        return Asked()
    found, whole = introduced(base, head), everything(head)
    unreadable = (*found.unreadable, *_unread(source, head))
    return Asked(found.dependencies, unreadable, None if whole.unreadable else whole.dependencies)


def read_manifests(tree: Tree) -> Mapping[str, bytes] | None:
    """Return every manifest of a commit that git has as a regular file; None when they are too many."""
    names = sorted(path for path in tree.files if is_manifest(path))
    found: dict[str, bytes] = {}
    for _ in range(DEPTH):
        if len(names) + len(found) > MANIFESTS:
            return None
        content = tree.read(names, each=MAX_BYTES, total=TOTAL_BYTES)
        found |= content
        more = {path for name, text in content.items() for path in included(name, text)}
        names = sorted(path for path in more if path in tree.files and path not in found)
        if not names:
            break
    return found


def _unread(source: Source, head: Mapping[str, bytes]) -> list[str]:
    """Return changed manifests that were not read: links, names alike, too large ones."""
    changed = [one.path for one in source.files if one.status != "D" and is_manifest(one.path)]
    return [f"{path}: no regular file that can be read" for path in changed if path not in head]
