"""Values out of JSON that anybody may have written: bounded, and of the type asked for or nothing."""

from typing import Any

TEXT_LIMIT = 2_000  #: characters of one event's text
ID_LIMIT = 200
COUNT_LIMIT = 10**12


def read_path(told: Any, *path: str) -> Any:
    """Return what is at `path` of nested objects; None where there is nothing."""
    for key in path:
        told = told.get(key) if isinstance(told, dict) else None
    return told


def text_at(told: Any, *path: str, limit: int = TEXT_LIMIT) -> str:
    """Return the text at `path`, bounded and fit to be stored; empty when there is none."""
    text = read_path(told, *path)
    return fit(text, limit) if isinstance(text, str) else ""


def fit(text: str, limit: int = TEXT_LIMIT) -> str:
    """Cut, and replace what neither UTF-8 nor a database takes."""
    return text[:limit].encode(errors="replace").decode().replace("\0", "\ufffd")


def count_at(told: Any, *path: str) -> int:
    """Return the count at `path`; 0 when there is none."""
    count = read_path(told, *path)
    fits = isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= COUNT_LIMIT
    return count if fits else 0
