"""One requirement as Python's packaging writes it: `name[extra] >=1,<2 ; marker`, or `name @ address`."""

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from policy.governance.manifests.shape import (
    MAX_TEXT,
    REGISTRY,
    URL,
    VCS,
    Asked,
    ManifestUnreadable,
    origin_of,
    pypi_name,
    shown,
)


def read_requirement(text: object, line: int | None = None, *, hashed: bool = False) -> Asked:
    """Read one requirement.

    Raises:
        ManifestUnreadable: it is none, or longer than anyone writes one.
    """
    if not isinstance(text, str) or len(text) > 10 * MAX_TEXT:
        raise ManifestUnreadable("a requirement that is no text, or far too long")
    try:
        told = Requirement(text)
    except (InvalidRequirement, ValueError, RecursionError) as error:
        raise ManifestUnreadable(f"{shown(text)} is no requirement") from error
    origin = _origin(told.url) if told.url else REGISTRY
    return Asked(
        name=pypi_name(told.name),
        specifier="" if told.url else str(told.specifier),
        version=None if told.url else exact(told.specifier),
        hashed=hashed,
        origin=origin,
        line=line,
        needle=text,
    )


def _origin(address: str) -> str:
    """An address in a requirement is absolute: a path, too, is of somebody's machine and not of the repository."""
    return VCS if origin_of(address) == VCS else URL


def exact(specifier: SpecifierSet) -> str | None:
    """Return the one version a specifier allows; None when it allows several."""
    clauses = list(specifier)
    if len(clauses) == 1 and clauses[0].operator in ("==", "===") and not clauses[0].version.endswith(".*"):
        return clauses[0].version
    return None
