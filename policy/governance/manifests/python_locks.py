"""uv.lock, poetry.lock and pylock.toml."""

from typing import Any

from policy.governance.manifests.shape import (
    MAX_ENTRIES,
    PATH,
    REGISTRY,
    URL,
    VCS,
    Asked,
    Manifest,
    ManifestUnreadable,
    host_of,
    leaves,
    part,
    pypi_name,
    rows,
    table_of,
    word,
)


def read_uv_lock(text: str) -> Manifest:
    """Read every `[[package]]`; the project itself and its workspace members ask for nothing."""
    found = [_uv(one) for one in _packages(text, "package")]
    return Manifest(tuple(one for one in found if one.origin != PATH or leaves(one.specifier)), is_lock=True)


def _uv(told: Any) -> Asked:
    source = part(told, "source")
    place = source.get("registry")
    files = [*rows(told, "wheels"), *([told["sdist"]] if "sdist" in told else [])]
    origin = REGISTRY if place is not None else VCS if "git" in source else URL if "url" in source else PATH
    where = next((str(source[key]) for key in ("path", "directory", "editable", "virtual") if key in source), "")
    if origin == PATH and not where:
        raise ManifestUnreadable("package: a source that is not known")
    return _locked(told, origin, host_of(place), hashed=_all_hashed(files, "hash"), specifier=where)


def read_poetry_lock(text: str) -> Manifest:
    """Read every `[[package]]`, whose hashes lie beside it or, in older files, under `metadata.files`."""
    table = table_of(text)
    older = part(table, "metadata", "files")
    return Manifest(tuple(_poetry(one, older) for one in _packages(text, "package")), is_lock=True)


def _poetry(told: Any, older: dict[str, Any]) -> Asked:
    source = part(told, "source")
    kind = str(source.get("type", ""))
    origin = {"git": VCS, "url": URL, "file": PATH, "directory": PATH}.get(kind, REGISTRY)
    files = rows(told, "files") or rows(older, word(told, "name"))
    return _locked(told, origin, host_of(source.get("url")), hashed=_all_hashed(files, "hash"))


def read_pylock(text: str) -> Manifest:
    """Read every `[[packages]]` of a PEP 751 lock."""
    return Manifest(tuple(_pylock(one) for one in _packages(text, "packages")), is_lock=True)


def _pylock(told: Any) -> Asked:
    origin = VCS if "vcs" in told else URL if "archive" in told else PATH if "directory" in told else REGISTRY
    files = [*rows(told, "wheels"), *([told["sdist"]] if "sdist" in told else [])]
    return _locked(told, origin, host_of(told.get("index")), hashed=_all_hashed(files, "hashes"))


def _packages(text: str, key: str) -> list[Any]:
    found = rows(table_of(text), key)
    if len(found) > MAX_ENTRIES:
        raise ManifestUnreadable(f"more than {MAX_ENTRIES} packages")
    return found


def _locked(told: Any, origin: str, place: str | None, *, hashed: bool, specifier: str = "") -> Asked:
    name = word(told, "name")
    version = word(told, "version") if origin == REGISTRY else None
    written = specifier or (f"=={version}" if version else "")
    return Asked(pypi_name(name), written, version, hashed, origin, place, needle=f'name = "{name}"')


def _all_hashed(files: list[Any], key: str) -> bool:
    return bool(files) and all(isinstance(one, dict) and bool(one.get(key)) for one in files)
