"""Steps of OpenHands as canonical events. Nothing is taken on trust: a model, or a file, may have written any value."""

from typing import Any, Final

from adapters.harness.reading import ID_LIMIT, TEXT_LIMIT, fit, read_path, text_at
from domain.harness import EventKind, HarnessEvent

OPEN_TOOLS = 1_000  #: calls remembered until their result comes
FILES: Final = "file_editor"
CHANGES: Final = frozenset({"create", "str_replace", "insert", "undo_edit"})  #: what it does to files beside looking
SUBJECTS: Final = ("path", "command", "prompt", "url")
THINKING: Final = "think"
FINISHING: Final = "finish"


class Tools:
    """Counts calls, and brings each result to its call."""

    def __init__(self) -> None:
        self.calls = 0
        self._open: dict[str, tuple[str, str]] = {}  #: id → name and subject

    def start(self, told: dict[str, Any]) -> list[HarnessEvent]:
        self.calls += 1
        name, call = text_at(told, "tool_name", limit=ID_LIMIT), text_at(told, "tool_call_id", limit=ID_LIMIT)
        found = (text_at(told, "action", key) for key in SUBJECTS)
        subject = next((text for text in found if text), text_at(told, "summary"))
        if len(self._open) < OPEN_TOOLS:
            self._open[call] = (name, subject)
        return [HarnessEvent(kind=EventKind.TOOL_STARTED, tool=name or None, text=subject, data={"id": call})]

    def end(self, told: dict[str, Any], output: str, *, failed: bool) -> list[HarnessEvent]:
        call = text_at(told, "tool_call_id", limit=ID_LIMIT)
        if call not in self._open:
            return [warning(output)] if failed else []
        name, subject = self._open.pop(call)
        status, data = "failed" if failed else "completed", {"id": call, "output": output}
        ended = HarnessEvent(kind=EventKind.TOOL_FINISHED, tool=name or None, text=subject, status=status, data=data)
        if failed or name != FILES or text_at(told, "observation", "command") not in CHANGES:
            return [ended]
        return [ended, HarnessEvent(kind=EventKind.FILE_CHANGED, text=subject, data={"id": call})]


def words_of(content: object) -> str:
    """Return the text of a list of parts."""
    parts = content if isinstance(content, list) else []
    return fit("\n".join(filter(None, (text_at(part, "text") for part in parts[:ID_LIMIT]))), TEXT_LIMIT)


def said(kind: EventKind, text: str) -> list[HarnessEvent]:
    return [HarnessEvent(kind=kind, text=text)] if text.strip() else []


def thoughts(told: dict[str, Any]) -> list[HarnessEvent]:
    """Return what the model said and thought before a call."""
    reasons = said(EventKind.REASONING, text_at(told, "reasoning_content"))
    return [*reasons, *said(EventKind.MESSAGE, words_of(read_path(told, "thought")))]


def warning(text: str) -> HarnessEvent:
    return HarnessEvent(kind=EventKind.WARNING, text=text)
