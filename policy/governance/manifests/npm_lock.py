"""package-lock.json and npm-shrinkwrap.json, versions 2 and 3."""

from typing import Any
from urllib.parse import unquote

from policy.governance.manifests.npm import EXACT, npm_name
from policy.governance.manifests.shape import (
    MAX_ENTRIES,
    REGISTRY,
    URL,
    Asked,
    Manifest,
    ManifestUnreadable,
    host_of,
    object_of,
    origin_of,
    part,
    shown,
    urlsplit_path,
)

_FOLDER = "node_modules/"


def read_package_lock(text: str) -> Manifest:
    """Read every installed package; links and workspace members ask for nothing.

    Raises:
        ManifestUnreadable: it is no lock of version 2 or 3.
    """
    told = object_of(text)
    if told.get("lockfileVersion") not in (2, 3) or not isinstance(told.get("packages"), dict):
        raise ManifestUnreadable("lockfileVersion is not 2 or 3: lock anew with npm 7 or newer")
    packages = part(told, "packages")
    if len(packages) > MAX_ENTRIES:
        raise ManifestUnreadable(f"more than {MAX_ENTRIES} packages")
    found = [_read(key, one) for key, one in packages.items() if _FOLDER in key and not _is_link(one)]
    return Manifest(tuple(found), is_lock=True)


def _is_link(one: Any) -> bool:
    """A link leads into the repository; one that leads out is read as what it is."""
    target = one.get("resolved") if isinstance(one, dict) else None
    return (
        isinstance(target, str)
        and one.get("link") is True
        and not target.startswith(("..", "/"))
        and "://" not in target
    )


def _read(key: str, told: Any) -> Asked:
    if not isinstance(told, dict):
        raise ManifestUnreadable(f"{shown(key)}: not an object")
    name = npm_name(told.get("name") or key.rpartition(_FOLDER)[2])
    version, resolved = told.get("version"), told.get("resolved")
    needle = f'"{key}"'
    if told.get("link") is True:
        return Asked(name, origin=URL, needle=needle)
    if not isinstance(version, str) or not EXACT.fullmatch(version):
        if isinstance(resolved, str) and origin_of(resolved) != REGISTRY:
            return Asked(name, origin=origin_of(resolved), needle=needle)
        raise ManifestUnreadable(f"{shown(key)}: {shown(version)} is no version")
    hashed = told.get("inBundle") is True or _has_hash(told.get("integrity"))
    if isinstance(resolved, str) and not _is_registry_file(resolved, name, version):
        return Asked(name, hashed=hashed, origin=origin_of(resolved), needle=needle)
    return Asked(name, version, version, hashed, REGISTRY, host_of(resolved), needle=needle)


def _has_hash(told: object) -> bool:
    words = told.split() if isinstance(told, str) else []
    return any(word.startswith(("sha512-", "sha384-", "sha256-")) for word in words)


def _is_registry_file(resolved: str, name: str, version: str) -> bool:
    """A registry's file is called after its package and version; any other file may be anything."""
    if host_of(resolved) is None:
        return False
    path = unquote(urlsplit_path(resolved)).lower()
    bare = name.rpartition("/")[2]
    return path.endswith(f"/{name}/-/{bare}-{version.lower()}.tgz")
