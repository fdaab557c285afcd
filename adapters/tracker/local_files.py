"""The files of the local tracker: a folder an item, `item.md` in it, `comments/N.md` beside it. People edit them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from adapters._vendor.files import write_atomically
from domain.errors import ForgeRefused

MAX_BYTES: Final = 1_000_000  #: of one file
_PARTS: Final = re.compile(r"---[ \t]*\n(.*?)(?:\n|^)---[ \t]*(?:\n|$)(.*)", re.S)


def read_parts(path: Path) -> tuple[dict[str, Any], str]:
    """Return a file's keys and its text.

    Raises:
        ForgeRefused: it is too large, not UTF-8, or does not begin with keys between two lines `---`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ForgeRefused(f"{path.name} of the local tracker has more than {MAX_BYTES} bytes")
        found = _PARTS.fullmatch(content.decode("utf-8-sig").replace("\r\n", "\n"))
        keys = yaml.safe_load(found[1]) or {} if found else None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        words = " ".join(str(error).split())[:200]
        raise ForgeRefused(f"{path} of the local tracker cannot be read: {words}") from error
    if not found or not isinstance(keys, dict):
        raise ForgeRefused(f"{path} of the local tracker must begin with `---`, keys, and another line `---`")
    return keys, found[2].strip("\n")


def write_parts(path: Path, keys: dict[str, Any], text: str) -> None:
    """Replace a file durably; one that says the same already is left alone."""
    content = f"---\n{yaml.safe_dump(keys, sort_keys=False, allow_unicode=True)}---\n\n{text}\n".encode()
    if path.is_file() and path.read_bytes() == content:
        return
    write_atomically(path, content)


def numbered(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield what is called by a number in a folder, in the order of numbers."""
    paths = [path for path in folder.iterdir() if re.fullmatch(r"[1-9]\d{0,9}", path.stem)] if folder.is_dir() else []
    yield from sorted((int(path.stem), path) for path in paths)


def instant_of(told: object, path: Path) -> datetime:
    """Return what a file says of its time, else the time it was written."""
    if isinstance(told, str):
        try:
            told = datetime.fromisoformat(told)
        except ValueError:
            told = None
    if isinstance(told, datetime):
        return told if told.tzinfo else told.replace(tzinfo=UTC)
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
