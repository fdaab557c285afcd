"""package.json: all its kinds of dependencies, with aliases, addresses and overrides."""

import re
from collections.abc import Iterator
from typing import Final

from policy.governance.manifests.shape import (
    MAX_ENTRIES,
    MAX_TEXT,
    PATH,
    REGISTRY,
    URL,
    VCS,
    Asked,
    Manifest,
    ManifestUnreadable,
    leaves,
    object_of,
    part,
    shown,
)

KINDS: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "resolutions")
NAME: Final = re.compile(r"(?:@[A-Za-z0-9~_-][A-Za-z0-9._~-]{0,213}/)?[A-Za-z0-9~_-][A-Za-z0-9._~-]{0,213}", re.A)
EXACT: Final = re.compile(r"[v=\s]*(\d{1,15}\.\d{1,15}\.\d{1,15}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)\s*", re.A)
_HOSTED: Final = re.compile(r"(?:github|gitlab|bitbucket|gist):|[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+(?:#.*)?$", re.A)
_DEPTH: Final = 20


def read_package_json(text: str) -> Manifest:
    """Read every dependency.

    Raises:
        ManifestUnreadable: it is no JSON object, or a name or version is none.
    """
    told = object_of(text)
    found = [read_asked(*one) for kind in KINDS for one in part(told, kind).items()]
    found += [read_asked(*one) for one in _overrides(part(told, "overrides"), 0)]
    if len(found) > MAX_ENTRIES:
        raise ManifestUnreadable(f"more than {MAX_ENTRIES} dependencies")
    names = (one for one in found if not one.specifier.startswith("catalog:"))
    catalogs = tuple(
        f"{one.name}: its version is in a catalog" for one in found if one.specifier.startswith("catalog:")
    )
    return Manifest(tuple(names), catalogs)


def npm_name(text: object) -> str:
    """Return a package's name, lower case; ManifestUnreadable when nothing on a registry is called so."""
    if not isinstance(text, str) or not NAME.fullmatch(text):
        raise ManifestUnreadable(f"{shown(text)} is no package name")
    return text.lower()


def read_asked(key: object, told: object) -> Asked:
    """Read one `name: specifier` pair; an alias is what it stands for."""
    if not isinstance(told, str) or len(told) > MAX_TEXT:
        raise ManifestUnreadable(f"{shown(key)}: its version is no text, or far too long")
    name, text = npm_name(str(key).rpartition("/")[2] if "**" in str(key) else key), told.strip()
    if text.startswith("npm:"):
        alias, _, text = text[4:].rpartition("@") if "@" in text[5:] else (text[4:], "", "")
        name = npm_name(alias)
    origin = _origin(text)
    exact = EXACT.fullmatch(text) if origin == REGISTRY else None
    return Asked(
        name, text if origin == REGISTRY else "", exact[1] if exact else None, origin=origin, needle=f'"{key}"'
    )


def _origin(text: str) -> str:
    lowered = text.lower()
    if lowered.startswith(("file:", "link:", "portal:", "./", "../", "/", "~/")):
        return URL if leaves(lowered.partition(":")[2] or lowered) and not lowered.startswith("workspace:") else PATH
    if lowered.startswith("workspace:"):
        return PATH
    if lowered.startswith(("git+", "git:", "git@", "ssh:")) or _HOSTED.match(lowered):
        return VCS
    if lowered.startswith(("http:", "https:")):
        return VCS if lowered.partition("#")[0].endswith(".git") else URL
    return REGISTRY


def _overrides(told: dict[str, object], depth: int) -> Iterator[tuple[str, object]]:
    """`{"a@1": {".": "2", "b": "3"}, "c": "$c"}`: a reference says nothing new."""
    if depth > _DEPTH:
        raise ManifestUnreadable("overrides: far too deep")
    for key, value in told.items():
        name = key[: key.rindex("@")] if "@" in key[1:] else key
        if isinstance(value, dict):
            own = {name: value["."]} if "." in value else {}
            yield from _overrides({**{k: v for k, v in value.items() if k != "."}}, depth + 1)
            yield from own.items()
        elif not (isinstance(value, str) and value.startswith("$")):
            yield name, value
