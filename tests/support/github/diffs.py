"""What differs between two commits, file by file, and which lines can be commented on."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tests.support.github.bare import Bare

STATUS = {"A": "added", "M": "modified", "D": "removed", "R": "renamed", "C": "copied", "T": "changed"}
HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
FILES_LIMIT = 3000
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class FileDiff(NamedTuple):
    path: str
    previous: str | None
    status: str
    sha: str
    additions: int
    deletions: int
    patch: str | None  #: None: binary, or nothing but a rename


class Place(NamedTuple):
    """One line of a patch."""

    position: int
    left: int | None
    right: int | None
    hunk: str


def files(git: Bare, base: str, head: str) -> list[FileDiff]:
    """Return the files that differ, in git's order, at most as many as GitHub tells of."""
    told = _raw(git, base, head)
    counts = _counts(git, base, head)
    patches = _patches(git, base, head, [letter for letter, *_ in told])
    found = []
    for (letter, sha, previous, path), (added, removed), text in zip(told, counts, patches, strict=True):
        blob = sha if letter != "D" else git.run("rev-parse", f"{base}:{path}")
        found.append(FileDiff(path, previous, STATUS[letter], blob, added, removed, text))
    return found[:FILES_LIMIT]


def _raw(git: Bare, base: str, head: str) -> list[tuple[str, str, str | None, str]]:
    words = iter(_diff(git, base, head, "--raw", "--no-abbrev", "-z").split("\0"))
    found = []
    for word in words:
        if word:
            _, _, _, sha, status = word.split(" ")
            first = next(words)
            moved = status[0] in "RC"
            found.append((status[0], sha, first if moved else None, next(words) if moved else first))
    return found


def _counts(git: Bare, base: str, head: str) -> list[tuple[int, int]]:
    lines = _diff(git, base, head, "--numstat").splitlines()
    pairs = [line.split("\t")[:2] for line in lines if line]
    return [(0, 0) if added == "-" else (int(added), int(removed)) for added, removed in pairs]


def _patches(git: Bare, base: str, head: str, letters: list[str]) -> list[str | None]:
    """Return a patch a file; of a file that became another type git prints two, what goes and what comes."""
    text = _diff(git, base, head, "--patch", "--full-index")
    parts = iter(re.split(r"(?m)^diff --git .*\n", text)[1:])
    found = [[next(parts) for _ in range(2 if letter == "T" else 1)] for letter in letters]
    if next(parts, None) is not None:
        raise AssertionError("git printed more patches than files")
    return ["\n".join(filter(None, map(_hunks, one))) or None for one in found]


def _hunks(part: str) -> str | None:
    at = re.search(r"(?m)^@@ ", part)
    return part[at.start() :].rstrip("\n") if at else None


def _diff(git: Bare, base: str, head: str, *flags: str) -> str:
    words = ("diff-tree", "-r", "-M", "--no-ext-diff", "--no-textconv", *flags, base, head)
    return git.output(*words).decode(errors="replace")


def text(git: Bare, base: str, head: str) -> str:
    """Return the whole diff, as `application/vnd.github.diff` has it."""
    return _diff(git, base, head, "--patch")


def places(patch: str) -> Iterator[Place]:
    """Yield every line of a patch with its position, which counts hunk headings but the first."""
    left = right = 0
    hunk: list[str] = []
    for position, line in enumerate(patch.split("\n")):
        if match := HUNK.match(line):
            left, right, hunk = int(match[1]), int(match[2]), [line]
            continue
        hunk.append(line)
        shown = "\n".join(hunk)
        match line[:1]:
            case "+":
                yield Place(position, None, right, shown)
                right += 1
            case "-":
                yield Place(position, left, None, shown)
                left += 1
            case "\\":
                continue
            case _:
                yield Place(position, left, right, shown)
                left, right = left + 1, right + 1


def place_of(patch: str, *, line: int | None, side: str, position: int | None) -> Place | None:
    for place in places(patch):
        if position is not None and place.position == position:
            return place
        if position is None and line is not None and (place.left if side == "LEFT" else place.right) == line:
            return place
    return None
