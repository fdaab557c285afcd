"""What starts a GitHub workflow, and when that became more."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from policy.governance.workflow_rights import Unclear

#: events that people with write access cause, or that run a pull request without secrets: new ones broaden nothing
ORDINARY: Final = frozenset({"push", "pull_request", "workflow_dispatch", "workflow_call", "merge_group"})
NARROWING: Final = ("branches", "tags", "paths", "types", "workflows")
WIDENING: Final = ("branches-ignore", "tags-ignore", "paths-ignore")
_DEFAULT_TYPES: Final = ("opened", "synchronize", "reopened")
_PULL_REQUESTS: Final = frozenset({"pull_request", "pull_request_target"})
_REFS: Final = frozenset({"branches", "tags"})
Triggers = Mapping[str, Mapping[str, Any]]  #: event → its filters


def read_triggers(told: Any) -> Triggers:
    """Read an `on:` value.

    Raises:
        Unclear: it is missing or of no known shape.
    """
    match told:
        case str():
            return {told: {}}
        case list() if told and all(isinstance(event, str) for event in told):
            return {event: {} for event in told}
        case dict() if told and all(isinstance(event, str) for event in told):
            return {event: _filters(value) for event, value in told.items()}
        case _:
            raise Unclear("on")


def _filters(value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict):
        for key in (*NARROWING, *WIDENING):
            _items(value.get(key))
        return value
    if value is None or isinstance(value, list):  # a list: schedule's
        return {}
    raise Unclear("on")


def broadened(before: Triggers, after: Triggers) -> Iterator[str]:
    """Yield events that are new and not ordinary, and filters that no longer hold as much back."""
    for event in sorted(after):
        if event in before:
            yield from (f"{event}: {what}" for what in _looser(event, before[event], after[event]))
        elif event not in ORDINARY:
            yield event


def _looser(event: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in NARROWING:
        old, new = _kept(event, key, before), _kept(event, key, after)
        if old is not None and new is None:
            yield f"no longer limited by {key}"
        elif old is not None and new is not None and (more := sorted(new - old)):
            yield f"{key} {', '.join(more)}"
    for key in WIDENING:
        if fewer := sorted(_items(before.get(key)) - _items(after.get(key))):
            yield f"no longer without {key.removesuffix('-ignore')} {', '.join(fewer)}"


def _kept(event: str, key: str, filters: Mapping[str, Any]) -> frozenset[str] | None:
    """Return what a filter lets in; None: everything. Branches named alone leave out all tags, and the reverse."""
    if key in filters:
        return _items(filters[key])
    if key == "types" and event in _PULL_REQUESTS:
        return frozenset(_DEFAULT_TYPES)
    named = {told.removesuffix("-ignore") for told in filters}
    return frozenset() if event == "push" and key in _REFS and named & _REFS and key not in named else None


def _items(value: Any) -> frozenset[str]:
    match value:
        case None:
            return frozenset()
        case str():
            return frozenset({value})
        case list():
            return frozenset(str(item) for item in value)
        case _:
            raise Unclear("on")
