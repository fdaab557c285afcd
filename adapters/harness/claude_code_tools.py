"""Claude Code's tool calls as canonical events."""

from typing import Final

from adapters.harness.claude_code_protocol import TEXT_LIMIT, dig, many, name, storable, text
from domain.harness import EventKind, HarnessEvent

OPEN: Final = 1_000  #: calls remembered until their result comes
CALLS: Final = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
EDITORS: Final = frozenset({"Edit", "MultiEdit", "NotebookEdit", "Write"})
SUBJECTS: Final = (
    "command", "file_path", "notebook_path", "path", "pattern", "url", "query", "description", "skill", "prompt",
)  # fmt: skip


class Tools:
    """The calls of one session; each has an id, and several are at work at a time."""

    def __init__(self) -> None:
        self.calls = 0
        self._open: dict[str, tuple[str, str]] = {}  #: id → the tool's name and what it works on

    def start(self, block: object) -> list[HarnessEvent]:
        call = name(block, "id")
        if text(block, "type") not in CALLS or call is None or call in self._open:
            return []
        self.calls += 1
        tool = text(block, "name", limit=200)
        subject = next((found for key in SUBJECTS if (found := text(block, "input", key))), "")
        if len(self._open) >= OPEN:
            del self._open[next(iter(self._open))]
        self._open[call] = (tool, subject)
        return [HarnessEvent(kind=EventKind.TOOL_STARTED, tool=tool or None, text=subject, data={"id": call})]

    def finish(self, block: object) -> list[HarnessEvent]:
        """Return the end of a call that is known to have begun; nothing for another block."""
        call = name(block, "tool_use_id")
        if dig(block, "type") != "tool_result" or call is None or call not in self._open:
            return []
        tool, subject = self._open.pop(call)
        failed = dig(block, "is_error") is True
        data = {"id": call, "output": _output(block)}
        status = "failed" if failed else "completed"
        ended = HarnessEvent(kind=EventKind.TOOL_FINISHED, tool=tool or None, text=subject, status=status, data=data)
        if tool in EDITORS and subject and not failed:
            return [HarnessEvent(kind=EventKind.FILE_CHANGED, text=subject, data={"id": call}), ended]
        return [ended]


def _output(block: object) -> str:
    said = text(block, "content")
    return said or storable("\n".join(text(part, "text") for part in many(block, "content")[:20]), TEXT_LIMIT)
