"""The files of a commit, read from git's own data: never a checkout, never what the tree says of itself."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from adapters._vendor.git import Git
from policy.results import FILE_MODES

_MODE: Final = slice(6)  #: of a row `MODE blob BLOB<tab>NAME`
_BEFORE_BLOB: Final = len("100644 blob ")
PART_BYTES: Final = 48 * 1024 * 1024  #: of what is asked of git at once


@dataclass(frozen=True)
class Tree:
    """Regular files of one commit by name, as reports show it; two whose names show alike are left out."""

    git: Git
    files: Mapping[str, str]  #: name → blob

    def read(self, names: Iterable[str], *, each: int, total: int) -> dict[str, bytes]:
        """Return the content of those that are here, at most `each` and together `total` bytes, in their order."""
        asked = {name: self.files[name] for name in names if name in self.files}
        sizes = _sizes(self.git, asked.values())
        kept: dict[str, str] = {}
        left = total
        for name, blob in asked.items():
            if sizes[blob] <= min(each, left):
                kept[name] = blob
                left -= sizes[blob]
        contents: dict[str, bytes] = {}
        for part in _parts(kept.values(), sizes):
            contents |= _contents(self.git, part)
        return {name: contents[blob] for name, blob in kept.items()}


def tree_of(git: Git, commit: str, *paths: str) -> Tree:
    """Return the regular files of a commit, or those of these paths only.

    Raises:
        GitError: there is no such commit, or it lists more names than git may tell.
    """
    listing = git.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
    rows = listing.decode("utf-8", "replace").split("\0")[:-1]
    names = [row.partition("\t")[2] for row in rows]
    files = {
        name: row[_BEFORE_BLOB : row.index("\t")]
        for row, name in zip(rows, names, strict=True)
        if row[_MODE] in FILE_MODES
    }
    alike = [] if len(set(names)) == len(names) else [name for name, count in Counter(names).items() if count > 1]
    for name in alike:
        files.pop(name, None)
    return Tree(git, files)


def _sizes(git: Git, blobs: Iterable[str]) -> dict[str, int]:
    """Return the bytes of each blob; of those that are read only, because a tree that tells all sizes opens each."""
    wanted = dict.fromkeys(blobs)
    if not wanted:
        return {}
    answer = git.run("cat-file", "--batch-check=%(objectsize)", stdin="".join(f"{one}\n" for one in wanted).encode())
    return dict(zip(wanted, map(int, answer.split()), strict=True))


def _parts(blobs: Iterable[str], sizes: Mapping[str, int]) -> Iterable[list[str]]:
    part: dict[str, int] = {}
    for blob in blobs:
        if part and sum(part.values()) + sizes[blob] > PART_BYTES:
            yield list(part)
            part = {}
        part[blob] = sizes[blob]
    if part:
        yield list(part)


def _contents(git: Git, blobs: Sequence[str]) -> dict[str, bytes]:
    answer = git.run("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in blobs).encode())
    found: dict[str, bytes] = {}
    at = 0
    for _ in blobs:
        end = answer.index(b"\n", at)
        name, _kind, size = answer[at:end].decode().split()
        found[name] = answer[end + 1 : end + 1 + int(size)]
        at = end + 1 + int(size) + 1
    return found
