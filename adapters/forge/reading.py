"""Reading one file of a commit without following anything it points to."""

import re
from typing import Final

from adapters._vendor.git import Git
from domain.errors import ForgeRefused

_FILE_MODES: Final = frozenset({"100644", "100755"})
_SHA1: Final = re.compile(r"[0-9a-f]{40}")


def read_text(git: Git, commit: str, path: str, limit: int) -> str | None:
    """Return the file's text; None when the commit has no regular file there.

    Raises:
        ForgeRefused: no such commit, more than `limit` bytes, or not UTF-8 text.
    """
    if not _SHA1.fullmatch(commit) or git.commit(commit) is None:
        raise ForgeRefused(f"{commit!r} is not a commit of the forge")
    if "\0" in path or any(part in {"", ".", ".."} for part in path.split("/")):
        return None
    entry = git.run("ls-tree", "-z", "--long", "--full-tree", commit, "--", path).removesuffix(b"\0")
    if not entry:
        return None
    mode, _, blob, size = entry.partition(b"\t")[0].decode().split()
    if mode not in _FILE_MODES:
        return None
    if int(size) > limit:
        raise ForgeRefused(f"{path!r} has {size} bytes; the limit is {limit}")
    return _decoded(git.run("cat-file", "blob", blob), path)


def _decoded(content: bytes, path: str) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ForgeRefused(f"{path!r} is not UTF-8 text: {error}") from error
    if "\0" in text:
        raise ForgeRefused(f"{path!r} is a binary file")
    return text
