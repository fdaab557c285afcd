"""pyproject.toml: PEP 621, dependency groups, build requirements, and the tables of poetry, uv, pdm and hatch."""

from collections.abc import Iterator
from typing import Any, Final

from policy.governance.manifests.requirement import exact, read_requirement
from policy.governance.manifests.shape import (
    PATH,
    REGISTRY,
    URL,
    VCS,
    Asked,
    Manifest,
    ManifestUnreadable,
    leaves,
    part,
    pypi_name,
    rows,
    shown,
    table_of,
)
from policy.governance.versions import pypi_specifier

_UV_LISTS: Final = (
    "dev-dependencies",
    "constraint-dependencies",
    "override-dependencies",
    "build-constraint-dependencies",
)
_DYNAMIC: Final = ("dependencies", "optional-dependencies")


def read_pyproject(text: str) -> Manifest:
    """Read all that can install a package, build requirements too.

    Raises:
        ManifestUnreadable: it is not TOML, or a table has not the shape its tool gives it.
    """
    table = table_of(text)
    sources = part(table, "tool", "uv", "sources")
    found = [_with_source(read_requirement(one), sources) for one in _requirements(table)]
    found += [_poetry(name, told) for name, one in _poetry_tables(table) for told in _variants(one)]
    includes = tuple(_dynamic_files(table))
    return Manifest(tuple(found), tuple(_elsewhere(table, includes)), None, includes)


def _requirements(table: dict[str, Any]) -> Iterator[object]:
    yield from rows(part(table, "build-system"), "requires")
    project = part(table, "project")
    yield from rows(project, "dependencies")
    for name in part(project, "optional-dependencies"):
        yield from rows(project["optional-dependencies"], name)
    groups = part(table, "dependency-groups")
    for name in groups:
        yield from (one for one in rows(groups, name) if not (isinstance(one, dict) and "include-group" in one))
    for key in _UV_LISTS:
        yield from rows(part(table, "tool", "uv"), key)
    pdm = part(table, "tool", "pdm", "dev-dependencies")
    for name in pdm:
        yield from (one for one in rows(pdm, name) if not str(one).startswith("-e "))
    for one in part(table, "tool", "hatch", "envs").values():
        yield from rows(one, "dependencies")
        yield from rows(one, "extra-dependencies")


def _with_source(one: Asked, sources: dict[str, Any]) -> Asked:
    """uv takes a package from where `tool.uv.sources` says, whatever its requirement says."""
    told = next((value for name, value in sources.items() if pypi_name(name) == one.name), None)
    if told is None:
        return one
    origins = {_source_origin(each) for each in (told if isinstance(told, list) else [told])}
    worst = max(origins, key=[REGISTRY, PATH, URL, VCS].index, default=URL)
    version = one.version if worst == REGISTRY else None
    return Asked(one.name, one.specifier, version, one.hashed, worst, line=one.line, needle=one.needle)


def _source_origin(told: object) -> str:
    if not isinstance(told, dict):
        raise ManifestUnreadable("tool.uv.sources: not a table")
    if "git" in told:
        return VCS
    if "workspace" in told or ("path" in told and not leaves(str(told["path"]))):
        return PATH
    return URL  # an address, a path outside, or an index of its own


def _poetry_tables(table: dict[str, Any]) -> Iterator[tuple[str, object]]:
    poetry = part(table, "tool", "poetry")
    tables = [part(poetry, "dependencies"), part(poetry, "dev-dependencies")]
    tables += [part(group, "dependencies") for group in part(poetry, "group").values()]
    for one in tables:
        yield from ((name, told) for name, told in one.items() if name.lower() != "python")


def _variants(told: object) -> list[object]:
    return told if isinstance(told, list) else [told]


def _poetry(name: str, told: object) -> Asked:
    table = told if isinstance(told, dict) else {"version": told}
    origin = VCS if "git" in table else URL if {"url", "source"} & set(table) else REGISTRY
    if "path" in table or "file" in table:
        origin = URL if leaves(str(table.get("path", table.get("file")))) else PATH
    written = table.get("version", "")
    if not isinstance(written, str):
        raise ManifestUnreadable(f"tool.poetry: the version of {shown(name)} is no text")
    specifier = pypi_specifier(written)
    if origin == REGISTRY and specifier is None:
        raise ManifestUnreadable(f"tool.poetry: {shown(written)} is no version constraint")
    version = exact(specifier) if specifier is not None and origin == REGISTRY else None
    return Asked(pypi_name(name), written, version, origin=origin, needle=name)


def _dynamic_files(table: dict[str, Any]) -> Iterator[str]:
    told = part(table, "tool", "setuptools", "dynamic")
    entries = [told.get("dependencies", {}), *part(told, "optional-dependencies").values()]
    for entry in entries:
        files = entry.get("file", []) if isinstance(entry, dict) else []
        yield from (str(one) for one in ([files] if isinstance(files, str) else files))


def _elsewhere(table: dict[str, Any], includes: tuple[str, ...]) -> Iterator[str]:
    dynamic = {str(one) for one in rows(part(table, "project"), "dynamic")}
    if dynamic & set(_DYNAMIC) and not includes:
        yield "project.dynamic: its dependencies are computed when it is built"
    if {"index", "index-url", "extra-index-url", "find-links"} & set(part(table, "tool", "uv")):
        yield "tool.uv.index: packages come from elsewhere"
    if part(table, "tool", "poetry").get("source"):
        yield "tool.poetry.source: packages come from elsewhere"
