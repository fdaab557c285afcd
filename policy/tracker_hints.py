"""What the labels of an item say of its ticket, as far as the operator's policy heeds them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BeforeValidator, ConfigDict

from domain.capabilities import parse_requirement
from domain.engines import COMMAND, canonical_engine
from domain.handwriting import texts
from domain.model import Value
from domain.tickets import Priority, Risk
from domain.tracking import Item
from policy.quoting import line_of

PRIORITIES: Final[Mapping[str, Priority]] = {f"p{place}": priority for place, priority in enumerate(Priority)}
Hint = Literal["priority", "risk", "engine", "profile", "lock", "capability"]
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class TrackingPolicy(Value):
    """What an item may say of its ticket besides its words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hints: Annotated[tuple[Hint, ...], BeforeValidator(texts)] = ("priority", "risk", "engine", "profile", "lock")
    #: labels that are heeded: `priority:high` or P1, `risk:high`, `engine:codex`, `profile:NAME`, `lock:NAME` …
    checks: bool = True  #: acceptance commands in the text of somebody who may write to the repository
    scope: bool = True  #: a line `Allowed scope:` in such a text


def hints_of(item: Item, policy: TrackingPolicy, passed_over: list[str]) -> dict[str, Any]:
    """Return what labels say; of two that contradict each other the first in their order counts."""
    found: dict[str, Any] = {}
    if item.priority in list(Priority):
        found["priority"] = item.priority
    capabilities: list[str] = []
    seen: set[str] = set()
    for label in sorted(item.labels):
        kind, value = _split(label)
        if kind is None or kind in seen:
            continue
        against = _against(kind, value, policy)
        if against is not None:
            passed_over.append(f"label {line_of(label, 100)!r}: {against}")
        elif kind == "capability":
            capabilities.append(value)
        else:
            seen.add(kind)
            found[kind] = value
    return {**found, **({"capabilities": tuple(capabilities)} if capabilities else {})}


def _split(label: str) -> tuple[str | None, str]:
    """Return the kind of hint a label gives, None when it gives none, and its value."""
    if label.lower() in PRIORITIES:
        return "priority", PRIORITIES[label.lower()]
    kind, mark, value = label.partition(":")
    if not mark or kind.strip().lower() not in get_args(Hint):
        return None, ""
    kind, value = kind.strip().lower(), value.strip()
    if kind == "priority":
        return kind, PRIORITIES.get(value.lower(), value.lower())
    return kind, canonical_engine(value) if kind == "engine" else value


def _against(kind: str, value: str, policy: TrackingPolicy) -> str | None:
    """Return why a hint is not heeded, None when it is."""
    if kind not in policy.hints:
        return "the operator's policy does not heed such labels"
    match kind:
        case "priority":
            return None if value in list(Priority) else "no such priority"
        case "risk":
            return None if value in (Risk.MEDIUM, Risk.HIGH) else "a label may only raise the risk: medium or high"
        case "engine" if value == COMMAND:
            return "what a tracker says is never run as a command"
        case "capability":
            return _no_capability(value)
    return None if _NAME.fullmatch(value) else "no such name"


def _no_capability(value: str) -> str | None:
    try:
        parse_requirement(value)
    except ValueError as error:
        return str(error)
    return None
