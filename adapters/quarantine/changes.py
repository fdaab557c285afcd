"""What a tree changes against a base, read from git's own data in a bare repository."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from adapters._vendor.git import Git
from domain.errors import PatchTooLarge
from domain.governance import FileChange
from policy.results import ABSENT, FILE_MODES, LINK, SUBMODULE, Entry, ResultPolicy

_LISTING_LIMIT = 512 * 1024 * 1024  #: bytes of a base's file names
_META_BYTES = 110  #: of one entry of a raw diff beside its path
_TARGET_LIMIT = 4096  #: bytes of a symbolic link's target that are read
_DIFF = ("diff-tree", "-r", "-z", "-M", "--no-ext-diff", "--no-textconv", "--no-abbrev", "--raw", "--numstat")

Row = tuple[list[str], list[str]]  #: [old mode, new mode, old id, new id, status], [old path, if it has one, path]


class Changes(NamedTuple):
    """What a tree makes of its base; names as reports show them, of two that show alike no content is told."""

    files: tuple[FileChange, ...]  #: renames found
    added: int  #: lines
    removed: int
    before: Mapping[str, str]  #: regular files of the base that were changed: name → blob
    after: Mapping[str, str]  #: the same of the tree


def read_entries(git: Git, base: str, tree: str, policy: ResultPolicy) -> tuple[Entry, ...]:
    """Return every changed path, renames as removal and addition.

    Raises:
        PatchTooLarge: there are far more than the policy allows.
    """
    limit = policy.max_entries * (policy.max_path_bytes + _META_BYTES)
    raw, more = git.head("diff-tree", "-r", "--raw", "-z", "--no-abbrev", "--no-renames", base, tree, limit=limit)
    if more:
        raise PatchTooLarge(f"far more than {policy.max_entries} entries")
    rows, _ = _raw_rows(_text(raw))
    if len(rows) > policy.max_entries:
        raise PatchTooLarge(f"{len(rows)} entries, more than {policy.max_entries}")
    sizes = _sizes(git, [meta[3] for meta, _paths in rows if meta[1] not in {ABSENT, SUBMODULE}])
    links = [meta[3] for meta, _ in rows if meta[1] == LINK and sizes.get(meta[3], 0) <= _TARGET_LIMIT]
    targets = _contents(git, links)
    return tuple(
        Entry(
            path=paths[0],
            old_mode=meta[0],
            new_mode=meta[1],
            size=sizes.get(meta[3], 0),
            target=targets.get(meta[3]) if meta[1] == LINK else None,
            blob=meta[3],
        )
        for meta, paths in rows
    )


def read_paths(git: Git, base: str, tree: str, policy: ResultPolicy) -> list[str]:
    """Return every path of a tree; git lists them as it goes, while a diff of a tree that names itself never ends.

    Raises:
        PatchTooLarge: it has far more than the base has and the policy allows together.
    """
    told = ("ls-tree", "-r", "-z", "--name-only", "--full-tree")
    room = len(git.run(*told, base, limit=_LISTING_LIMIT)) + policy.max_entries * policy.max_path_bytes
    listing, more = git.head(*told, tree, limit=room)
    if more:
        raise PatchTooLarge(f"far more than {policy.max_entries} entries")
    return _text(listing).split("\0")[:-1]


def read_changes(git: Git, base: str, tree: str) -> Changes:
    rows, counts = _raw_rows(_text(git.run(*_DIFF, base, tree)))
    binary, added, removed = _parse_numstat(counts)
    sizes = _sizes(git, [meta[3] for meta, _ in rows if meta[1] not in {ABSENT, SUBMODULE}])
    files = [
        FileChange(
            path=_printable(paths[-1]),
            status=meta[4][0],
            binary=paths[-1] in binary,
            size=sizes.get(meta[3], 0),
            mode=meta[1],
            old_path=_printable(paths[0]) if len(paths) == 2 else None,
        )
        for meta, paths in rows
    ]
    before = _distinct((_printable(paths[0]), meta[2]) for meta, paths in rows if meta[0] in FILE_MODES)
    after = _distinct((_printable(paths[-1]), meta[3]) for meta, paths in rows if meta[1] in FILE_MODES)
    return Changes(tuple(files), added, removed, before, after)


def _distinct(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    pairs = list(named)
    seen = Counter(name for name, _ in pairs)
    return {name: blob for name, blob in pairs if seen[name] == 1}


def _raw_rows(told: str) -> tuple[list[Row], list[str]]:
    """Return the rows of a raw diff, and the fields behind them."""
    fields = told.split("\0")[:-1]
    rows: list[Row] = []
    at = 0
    while at < len(fields) and fields[at].startswith(":"):
        meta = fields[at].lstrip(":").split(" ")
        end = at + 1 + (2 if meta[4][0] in "RC" else 1)
        rows.append((meta, fields[at + 1 : end]))
        at = end
    return rows, fields[at:]


def _parse_numstat(counts: Sequence[str]) -> tuple[set[str], int, int]:
    binary: set[str] = set()
    added = removed = 0
    fields = iter(counts)
    for first in fields:
        plus, minus, path = first.split("\t", 2)
        if not path:
            _old, path = next(fields), next(fields)
        if plus == "-":
            binary.add(path)
        else:
            added, removed = added + int(plus), removed + int(minus)
    return binary, added, removed


def _sizes(git: Git, ids: Sequence[str]) -> dict[str, int]:
    answer = git.text("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin="\n".join([*ids, ""]).encode())
    return {name: int(size) for name, size in (line.split(" ") for line in answer.splitlines() if ids)}


def _contents(git: Git, ids: Sequence[str]) -> dict[str, str]:
    """Return the text of small blobs."""
    answer = git.run("cat-file", "--batch=%(objectname) %(objectsize)", stdin="\n".join([*ids, ""]).encode())
    found: dict[str, str] = {}
    at = 0
    for _ in ids:
        end = answer.index(b"\n", at)
        name, size = answer[at:end].decode().split(" ")
        at = end + 1 + int(size) + 1
        found[name] = _text(answer[end + 1 : at - 1])
    return found


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
