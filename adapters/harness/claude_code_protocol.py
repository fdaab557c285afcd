"""What Claude Code prints as `stream-json`, read without trusting its shape, and what is written to it: JSON lines."""

import json
from typing import Final

TEXT_LIMIT: Final = 2_000  #: characters of one text that is passed on
NAME_LIMIT: Final = 200  #: characters of an identifier
COUNT_LIMIT: Final = 10**12  #: a larger number is nonsense
INTERRUPT: Final = "factory-interrupt"  #: number of our only request

Message = dict[str, object]


def message_of(line: str) -> Message | None:
    """Return an event; None when the line is none."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and isinstance(told.get("type"), str) else None


def dig(told: object, *path: str) -> object:
    """Return what is at a path of keys, None where there is nothing."""
    for key in path:
        told = told.get(key) if isinstance(told, dict) else None
    return told


def text(told: object, *path: str, limit: int = TEXT_LIMIT) -> str:
    """Return the text at a path, cut and fit to be stored; empty when it is no text."""
    found = dig(told, *path)
    return storable(found, limit) if isinstance(found, str) else ""


def storable(found: str, limit: int = TEXT_LIMIT) -> str:
    """Cut, and replace what neither UTF-8 nor a database takes."""
    return found[:limit].encode(errors="replace").decode().replace("\0", "\ufffd")


def name(told: object, *path: str) -> str | None:
    """Return an identifier whole, or None: half an identifier names something else."""
    found = text(told, *path, limit=NAME_LIMIT + 1)
    return found if 0 < len(found) <= NAME_LIMIT and found.isprintable() else None


def count(told: object, *path: str) -> int:
    found = dig(told, *path)
    return found if type(found) is int and 0 <= found <= COUNT_LIMIT else 0


def amount(told: object, *path: str) -> float:
    """Return a number that is neither negative nor absurd, else 0."""
    found = dig(told, *path)
    fits = type(found) in (int, float) and isinstance(found, int | float) and 0 <= found <= COUNT_LIMIT
    return float(found) if fits and isinstance(found, int | float) else 0.0


def many(told: object, *path: str) -> list[object]:
    found = dig(told, *path)
    return found if isinstance(found, list) else []


def written(*messages: Message) -> str:
    return "".join(json.dumps(message) + "\n" for message in messages)


def task(prompt: str) -> Message:
    said = {"role": "user", "content": [{"type": "text", "text": prompt}]}
    return {"type": "user", "message": said, "parent_tool_use_id": None, "session_id": ""}


def interrupt() -> Message:
    return {"type": "control_request", "request_id": INTERRUPT, "request": {"subtype": "interrupt"}}


def answer(asked: Message, *, allow: bool) -> Message | None:
    """Answer what the program asks; nobody is there to be asked in turn. None when it cannot be answered."""
    number = name(asked, "request_id")
    if number is None:
        return None
    if dig(asked, "request", "subtype") != "can_use_tool":
        return _response({"subtype": "error", "request_id": number, "error": "not offered"})
    decision: Message = {"behavior": "deny", "message": "not allowed in this run"}
    if allow:
        decision = {"behavior": "allow", "updatedInput": dig(asked, "request", "input") or {}}
    return _response({"subtype": "success", "request_id": number, "response": decision})


def _response(told: Message) -> Message:
    return {"type": "control_response", "response": told}
