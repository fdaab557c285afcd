"""Codex's items and token counts as canonical events and usage."""

import json
from typing import Final

from adapters.harness.codex_protocol import NAME_LIMIT, TEXT_LIMIT, count, dig, many, name, storable, text, whole
from domain.execution import Usage
from domain.harness import EventKind, HarnessEvent

PATHS = 100  #: files of one change that are told one by one
#: Item type → the tool's name and the key of what it works on.
TOOLS: Final = {
    "commandExecution": ("shell", "command"),
    "webSearch": ("web_search", "query"),
    "imageView": ("view_image", "path"),
    "imageGeneration": ("image_generation", "revisedPrompt"),
}
#: Item types whose tool has a name of its own, and the key of what it works on.
NAMED_TOOLS: Final = {"mcpToolCall": "arguments", "dynamicToolCall": "arguments", "collabAgentToolCall": "prompt"}


def said_in(item: object) -> list[HarnessEvent]:
    """Return what a completed item says: a message or a line of thought; nothing when it is neither."""
    kind = dig(item, "type")
    if kind in ("agentMessage", "plan"):
        return [HarnessEvent(kind=EventKind.MESSAGE, text=text(item, "text"), data=_data(item))]
    if kind != "reasoning":
        return []
    parts = [part for part in many(item, "summary") or many(item, "content") if isinstance(part, str)]
    thought = storable("\n".join(parts)[:TEXT_LIMIT])
    return [HarnessEvent(kind=EventKind.REASONING, text=thought, data=_data(item))] if thought else []


def tool_in(item: object) -> tuple[str, str] | None:
    """Return a tool item's tool and what it works on; None for any other item."""
    kind = text(item, "type", limit=NAME_LIMIT)
    if kind in TOOLS:
        tool, key = TOOLS[kind]
        return tool, text(item, key)
    if kind == "fileChange":
        return "apply_patch", ", ".join(_paths(item))[:TEXT_LIMIT]
    if kind not in NAMED_TOOLS:
        return None
    parts = (text(item, "server", limit=80), text(item, "tool", limit=80))
    return ".".join(part for part in parts if part) or kind, _words(dig(item, NAMED_TOOLS[kind]))


def started(item: object) -> list[HarnessEvent]:
    found = tool_in(item)
    if found is None:
        return []
    return [HarnessEvent(kind=EventKind.TOOL_STARTED, tool=found[0], text=found[1], data=_data(item))]


def completed(item: object) -> list[HarnessEvent]:
    found = tool_in(item)
    if found is None:
        return said_in(item)
    status, data = name(item, "status") or "completed", _data(item)
    if (code := whole(item, "exitCode")) is not None:
        data["exit_code"] = code
    ended = HarnessEvent(kind=EventKind.TOOL_FINISHED, tool=found[0], text=found[1], status=status, data=data)
    changed = _paths(item) if status == "completed" else []
    return [*(HarnessEvent(kind=EventKind.FILE_CHANGED, text=path) for path in changed), ended]


def _paths(item: object) -> list[str]:
    return [path for change in many(item, "changes")[:PATHS] if (path := text(change, "path"))]


def _data(item: object) -> dict[str, str | int]:
    told = name(item, "id")
    return {"id": told} if told else {}


def _words(told: object) -> str:
    if told is None:
        return ""
    try:
        return storable((told if isinstance(told, str) else json.dumps(told))[:TEXT_LIMIT])
    except RecursionError:
        return ""


class Tally:
    """What this run has used: a thread's count begins with what it had used before, if it is an old one."""

    FIELDS: Final = ("inputTokens", "cachedInputTokens", "outputTokens")

    def __init__(self) -> None:
        self._before: dict[str, tuple[int, ...]] = {}
        self._now: dict[str, tuple[int, ...]] = {}

    def take(self, thread: str, told: object, *, earlier: bool) -> None:
        """Take a thread's new total; `earlier` when it was all used before this run."""
        total = tuple(count(told, "total", field) for field in self.FIELDS)
        last = tuple(count(told, "last", field) for field in self.FIELDS)
        now = self._now.get(thread, total)
        if thread not in self._before or earlier:
            self._before[thread] = total if earlier else tuple(max(0, a - b) for a, b in zip(total, last, strict=True))
        elif any(a < b for a, b in zip(total, now, strict=True)):  # a full context makes it count from nothing again
            used = [b - c for b, c in zip(now, self._before[thread], strict=True)]
            self._before[thread] = tuple(a - b for a, b in zip(total, used, strict=True))
        self._now[thread] = total

    def usage(self, tool_calls: int) -> Usage:
        used = [
            [max(0, now - before) for now, before in zip(self._now[one], self._before[one], strict=True)]
            for one in self._now
        ]
        tokens, cached, output = (sum(column) for column in zip((0, 0, 0), *used, strict=True))
        return Usage(
            input_tokens=max(0, tokens - cached),
            cached_input_tokens=cached,
            output_tokens=output,
            tool_calls=tool_calls,
        )
