"""Which paths a change touches lie in a scope, and which lead out of it."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from domain.governance import FileChange
from domain.model import Value

LEADS_ELSEWHERE = {"120000": "a symbolic link", "160000": "a submodule"}


class ScopeReport(Value):
    """Every path a change touches, both ends of a rename too, exactly once."""

    inside: tuple[str, ...]
    outside: tuple[str, ...]


def scope_report(files: Sequence[FileChange], *scopes: Sequence[str]) -> ScopeReport:
    """Sort the touched paths: each has to lie in every scope; an empty one means all. Links and submodules lead out of
    any scope."""
    touched = {path for file in files for path in touched_paths(file)}
    bounds = [one for one in scopes if one]
    if not bounds:
        return ScopeReport(inside=tuple(sorted(touched)), outside=())
    leading = {file.path for file in files if file.mode in LEADS_ELSEWHERE and file.status != "D"}
    inside = {path for path in touched if _is_plain(path) and all(matches_any(path, one) for one in bounds)}
    inside -= leading
    return ScopeReport(inside=tuple(sorted(inside)), outside=tuple(sorted(touched - inside)))


def touched_paths(file: FileChange) -> list[str]:
    return [path for path in (file.path, file.old_path) if path]


def matches_any(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _is_plain(path: str) -> bool:
    return not path.startswith("/") and not {"", ".", ".."} & set(path.split("/"))
