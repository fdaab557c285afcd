"""What the Codex app server says, read without trusting its shape, and what is said to it: one JSON message a line."""

import json
from typing import Final

from domain.harness import Brief

TEXT_LIMIT: Final = 2_000  #: characters of one text that is passed on
NAME_LIMIT: Final = 200  #: characters of an identifier
COUNT_LIMIT: Final = 10**12  #: a larger number is nonsense

HELLO, THREAD, TURN, INTERRUPT = 1, 2, 3, 4  #: numbers of our own requests

#: Told again as a whole when they end; a flood of them would use up the output that is kept of a run.
UNHEARD: Final = (
    "command/exec/outputDelta",
    "item/commandExecution/outputDelta",
    "item/fileChange/outputDelta",
    "item/fileChange/patchUpdated",
    "turn/diff/updated",
)

Message = dict[str, object]

#: Questions to a person, or for something we do not offer.
UNASKED: Final[dict[str, Message]] = {
    "mcpServer/elicitation/request": {"action": "decline", "content": None, "_meta": None},
    "item/tool/requestUserInput": {"answers": {}},
    "item/tool/call": {"contentItems": [], "success": False},
}


def message_of(line: str) -> Message | None:
    """Return a request, notification or answer; None when the line is none of them."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    if "method" in told:
        return told if isinstance(told["method"], str) else None
    return told if "id" in told and ("result" in told or "error" in told) else None


def dig(told: object, *path: str) -> object:
    """Return what is at a path of keys, None where there is nothing."""
    for key in path:
        told = told.get(key) if isinstance(told, dict) else None
    return told


def text(told: object, *path: str, limit: int = TEXT_LIMIT) -> str:
    """Return the text at a path, cut and fit to be stored; empty when it is no text."""
    found = dig(told, *path)
    return storable(found[:limit]) if isinstance(found, str) else ""


def storable(found: str) -> str:
    """JSON can spell half a character, which no file or database takes."""
    return found.encode(errors="replace").decode()


def name(told: object, *path: str) -> str | None:
    """Return an identifier whole, or None: half an identifier names something else."""
    found = text(told, *path, limit=NAME_LIMIT + 1)
    return found if 0 < len(found) <= NAME_LIMIT and found.isprintable() else None


def whole(told: object, *path: str) -> int | None:
    found = dig(told, *path)
    return found if type(found) is int and abs(found) <= COUNT_LIMIT else None


def count(told: object, *path: str) -> int:
    return max(0, whole(told, *path) or 0)


def many(told: object, *path: str) -> list[object]:
    found = dig(told, *path)
    return found if isinstance(found, list) else []


def written(*messages: Message) -> str:
    return "".join(json.dumps(message) + "\n" for message in messages)


def opening(brief: Brief) -> str:
    """Return what does not depend on any answer: a greeting, and the thread to work in."""
    hello = {
        "clientInfo": {"name": "factory", "title": "Factory", "version": "1"},
        "capabilities": {
            "experimentalApi": False,
            "requestAttestation": False,
            "optOutNotificationMethods": list(UNHEARD),
        },
    }
    return written(
        {"method": "initialize", "id": HELLO, "params": hello},
        {"method": "initialized", "params": {}},
        {"method": "thread/resume" if brief.session_id else "thread/start", "id": THREAD, "params": _thread(brief)},
    )


def _thread(brief: Brief) -> Message:
    """Its own sandbox cannot work inside ours and would refuse every command: ours is what holds it."""
    asked: Message = {"approvalPolicy": "never" if brief.yolo else "untrusted", "sandbox": "danger-full-access"}
    if brief.session_id:
        asked |= {"threadId": brief.session_id, "excludeTurns": True}
    if brief.session_id and brief.options.model:
        asked["model"] = brief.options.model  # else it goes on with the thread's own, whatever the settings say
    return asked


def start_turn(thread: str, prompt: str) -> Message:
    return {
        "method": "turn/start",
        "id": TURN,
        "params": {"threadId": thread, "input": [{"type": "text", "text": prompt}]},
    }


def interrupt_turn(thread: str, turn: str) -> Message:
    return {"method": "turn/interrupt", "id": INTERRUPT, "params": {"threadId": thread, "turnId": turn}}


def answer(asked: Message, *, accept: bool) -> Message | None:
    """Answer what the server asks; nobody is there to be asked in turn. None when it cannot be answered."""
    number = asked.get("id")
    if type(number) is not int and not (isinstance(number, str) and len(number) <= NAME_LIMIT):
        return None
    result = _result(str(asked["method"]), asked, accept)
    if result is None:
        return {"id": number, "error": {"code": -32601, "message": "not offered"}}
    return {"id": number, "result": result}


def _result(method: str, asked: Message, accept: bool) -> Message | None:
    if method in ("item/commandExecution/requestApproval", "item/fileChange/requestApproval"):
        return {"decision": "accept" if accept else "decline"}
    if method in ("execCommandApproval", "applyPatchApproval"):
        return {"decision": "approved" if accept else {"denied": {"rejection": "not allowed in this run"}}}
    if method == "item/permissions/requestApproval":
        wanted = dig(asked, "params", "permissions")
        granted = wanted if accept and isinstance(wanted, dict) else {}
        return {"permissions": {key: value for key, value in granted.items() if value is not None}, "scope": "turn"}
    return UNASKED.get(method)
