"""What every reader of one kind of manifest gives back, and the limits all of them keep."""

import json
import tomllib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name
from packaging.utils import is_normalized_name as _is_normalized

MAX_BYTES: Final = 32_000_000  #: of one file
MAX_TOML_BYTES: Final = 8_000_000
MAX_ENTRIES: Final = 50_000
MAX_TEXT: Final = 500  #: characters of one name, version or specifier

REGISTRY, URL, VCS, PATH = "registry", "url", "vcs", "path"


class ManifestUnreadable(ValueError):
    """The file is not what its name says; the message is one line and quotes no address."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing a manifest asks for. `place` is the host of the registry a lock took it from."""

    name: str
    specifier: str = ""
    version: str | None = None
    hashed: bool = False
    origin: str = REGISTRY
    place: str | None = None
    line: int | None = None
    needle: str = ""  #: text that its line holds, where the line is not known yet


class Manifest(NamedTuple):
    asked: tuple[Asked, ...]
    elsewhere: tuple[str, ...] = ()  #: what it names but does not hold: another file, another index, an unknown option
    is_lock: bool | None = None  #: where the content tells, not the name
    includes: tuple[str, ...] = ()  #: other files it has read beside it, relative to its own folder


def pypi_name(text: str) -> str:
    """Return the name as its registry normalises it.

    Raises:
        ManifestUnreadable: nothing of that name can be on the registry.
    """
    name = canonicalize_name(text)
    if len(name) > MAX_TEXT or not _is_normalized(name):
        raise ManifestUnreadable(f"{shown(text)} is no package name")
    return name


def shown(text: object) -> str:
    """Quote a piece of hostile text in a message: short, on one line, without what an address may hold of secrets."""
    words = "an address" if "://" in str(text) else repr(str(text)[:80])
    return words if words.isascii() else ascii(str(text)[:40])


def host_of(address: object) -> str | None:
    """Return the host and port of an http address, lower case; None for anything else."""
    if not isinstance(address, str):
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return parts.hostname.lower() + (f":{port}" if port else "")


def origin_of(address: str) -> str:
    """Tell how an address brings a package: by version control, from a path here, or as a file from anywhere."""
    text = address.strip().lower()
    if text.startswith(("git+", "hg+", "svn+", "bzr+", "git@", "git:", "ssh:")):
        return VCS
    if text.startswith(("http://", "https://", "ftp://")):
        return VCS if urlsplit_path(text).endswith(".git") else URL
    return PATH


def urlsplit_path(address: str) -> str:
    return address.partition("#")[0].partition("?")[0]


def leaves(path: str) -> bool:
    """Tell whether a path, relative to the repository's root, lies outside of it."""
    depth = 0
    if path.startswith(("/", "~", "\\")) or path[1:2] == ":":
        return True
    for part in path.replace("\\", "/").split("/"):
        depth += -1 if part == ".." else int(part not in ("", "."))
        if depth < 0:
            return True
    return False


def table_of(text: str) -> dict[str, Any]:
    """Parse TOML within bounds."""
    if len(text) > MAX_TOML_BYTES:
        raise ManifestUnreadable(f"more than {MAX_TOML_BYTES} characters of TOML")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError, OverflowError) as error:
        raise ManifestUnreadable(f"not TOML: {str(error)[:100]}") from error


def object_of(text: str) -> dict[str, Any]:
    """Parse a JSON object within bounds."""
    try:
        told = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise ManifestUnreadable(f"not JSON: {str(error)[:100]}") from error
    if not isinstance(told, dict):
        raise ManifestUnreadable("not a JSON object")
    return told


def part(table: object, *keys: str) -> dict[str, Any]:
    """Return the table below these keys, empty when there is none.

    Raises:
        ManifestUnreadable: something else is there.
    """
    for key in keys:
        if not isinstance(table, dict):
            raise ManifestUnreadable(f"{'.'.join(keys)}: not a table")
        table = table.get(key, {})
    if not isinstance(table, dict):
        raise ManifestUnreadable(f"{'.'.join(keys)}: not a table")
    return table


def rows(table: object, key: str) -> list[Any]:
    """Return the list under a key, empty when there is none; anything else is ManifestUnreadable."""
    told = table.get(key, []) if isinstance(table, dict) else None
    if not isinstance(told, list):
        raise ManifestUnreadable(f"{key}: not a list")
    return told


def word(table: object, key: str) -> str:
    """Return the text under a key; ManifestUnreadable when it is missing or no text."""
    told = table.get(key) if isinstance(table, dict) else None
    if not isinstance(told, str) or not told.strip():
        raise ManifestUnreadable(f"{key}: missing or no text")
    return told
