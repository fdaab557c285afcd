"""What Gemini CLI prints as `stream-json`, read into canonical events."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from adapters.harness.contract import Session
from adapters.harness.gemini_cli_failures import Refusal, refusal_of, refusal_unsaid
from adapters.harness.gemini_cli_usage import Meter, busiest, larger, usage_of
from adapters.harness.joining import Joiner
from adapters.harness.reading import ID_LIMIT, TEXT_LIMIT, fit, read_path, text_at
from domain.execution import Usage
from domain.harness import Ending, EventKind, HarnessEvent, HarnessOutcome
from domain.sandbox import Exit, OutputLine

OPEN_TOOLS = 1_000  #: calls remembered until their result comes
LAST_LINES = 8
EDITORS: Final = frozenset({"replace", "write_file"})
SUBJECTS: Final = ("command", "file_path", "path", "dir_path", "pattern", "query", "url", "prompt")
RETRYING = re.compile(r"Retrying (?:with backoff|after \d{1,9}ms)")
#: what it prints at every start and end, and the bodies of errors, which the terminal event tells too
NOISE = re.compile(
    r"\s|[}{]|YOLO mode|Ripgrep is not|\[STARTUP\]|Warning: (?:256-color|True color)|Suggested retry"
    r"|The 'metricReader'|A shutdown L|shutdown may only"
)
LOOP = "Loop detected"


class GeminiSession(Session):
    """Its figures are those of the terminal event or of its telemetry, whichever are larger."""

    def __init__(self, *, resumes: bool = False) -> None:
        self._resumes = resumes
        self._session: str | None = None
        self._model: str | None = None
        self._said = ""  #: of the message that is being told
        self._answer = ""  #: what was said since the last tool call
        self._tools: dict[str, tuple[str, str]] = {}  #: id → name and subject
        self._calls = 0
        self._unknown: set[str] = set()
        self._last: list[str] = []
        self._fault: str | None = None  #: an error of the stream that is not terminal by itself
        self._end: str | None = None  #: status of the terminal event
        self._failure = ""
        self._told = Usage()  #: with the terminal event
        self._meter = Meter()
        self._joiner = Joiner()

    def read(self, line: OutputLine) -> list[HarnessEvent]:
        if line.stream != "stdout":
            return self._diagnostic(line.text)
        whole = self._joiner.join(line)
        if whole is None:
            return []
        try:
            told = json.loads(whole.text)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            return [_warning(f"malformed line: {fit(line.text[:200])}")]
        kind = read_path(told, "type")
        if kind == "message":
            return self._message(told)
        reader = _READERS.get(kind) if isinstance(kind, str) else None
        return [*self._message_ended(), *(reader(self, told) if reader else self._unknown_type(str(kind)[:ID_LIMIT]))]

    def is_over(self) -> bool:
        return self._end is not None

    def _unknown_type(self, kind: str) -> list[HarnessEvent]:
        if kind in self._unknown or len(self._unknown) >= LAST_LINES:
            return []
        self._unknown.add(kind)
        return [_warning(f"unknown event type: {fit(kind)}")]

    def _diagnostic(self, text: str) -> list[HarnessEvent]:
        line = fit(text)
        is_figure, is_news = self._meter.read(line)
        if is_figure:
            return [HarnessEvent(kind=EventKind.USAGE, usage=self._usage())] if is_news and not self._end else []
        if RETRYING.search(line):
            return [HarnessEvent(kind=EventKind.RETRYING, text=line)]
        if not line or NOISE.match(line):
            return []
        self._last = [*self._last[-LAST_LINES + 1 :], line]
        return [HarnessEvent(kind=EventKind.MESSAGE, text=line, data={"stream": "stderr"})]

    def _started(self, told: dict[str, Any]) -> list[HarnessEvent]:
        session = text_at(told, "session_id", limit=ID_LIMIT)
        if self._session is not None or not session:
            return [_warning("a session started without an id, or a second time")]
        self._session, self._model = session, text_at(told, "model", limit=ID_LIMIT) or None
        return [HarnessEvent(kind=EventKind.SESSION_STARTED, data={"session_id": session, "model": self._model})]

    def _message(self, told: dict[str, Any]) -> list[HarnessEvent]:
        if read_path(told, "role") != "assistant":
            return []  # the prompt comes back as the user's message
        text = text_at(told, "content")
        self._answer = (self._answer + text)[:TEXT_LIMIT]
        full = self._message_ended() if len(self._said) + len(text) > TEXT_LIMIT else []
        self._said += text
        return full if read_path(told, "delta") is True else [*full, *self._message_ended()]

    def _message_ended(self) -> list[HarnessEvent]:
        said, self._said = self._said, ""
        return [HarnessEvent(kind=EventKind.MESSAGE, text=said)] if said else []

    def _tool_started(self, told: dict[str, Any]) -> list[HarnessEvent]:
        self._calls, self._answer = self._calls + 1, ""
        name, call = text_at(told, "tool_name", limit=ID_LIMIT), text_at(told, "tool_id", limit=ID_LIMIT)
        subject = next((text for key in SUBJECTS if (text := text_at(told, "parameters", key))), "")
        if len(self._tools) < OPEN_TOOLS:
            self._tools[call] = (name, subject)
        return [HarnessEvent(kind=EventKind.TOOL_STARTED, tool=name or None, text=subject, data={"id": call})]

    def _tool_finished(self, told: dict[str, Any]) -> list[HarnessEvent]:
        call, status = text_at(told, "tool_id", limit=ID_LIMIT), text_at(told, "status", limit=ID_LIMIT)
        name, subject = self._tools.pop(call, ("", ""))
        data = {"id": call, "output": text_at(told, "output") or text_at(told, "error", "message")}
        ended = HarnessEvent(kind=EventKind.TOOL_FINISHED, tool=name or None, text=subject, status=status, data=data)
        if name in EDITORS and status == "success" and subject:
            return [ended, HarnessEvent(kind=EventKind.FILE_CHANGED, text=subject, data={"id": call})]
        return [ended]

    def _stream_error(self, told: dict[str, Any]) -> list[HarnessEvent]:
        message = text_at(told, "message")
        if read_path(told, "severity") != "warning" or message.startswith(LOOP):
            self._fault = message or "an error without words"
        return [_warning(message)]

    def _ended(self, told: dict[str, Any]) -> list[HarnessEvent]:
        stats = read_path(told, "stats")
        self._told = larger(self._told, usage_of(stats, self._calls))
        self._model = busiest(read_path(stats, "models")) or self._model
        again = self._end is not None
        if text_at(told, "status") != "success" or self._fault is not None:
            self._failure = self._failure or text_at(told, "error", "message") or self._fault or ""
            self._end = "interrupted" if text_at(told, "error", "type") == "FatalCancellationError" else "failed"
        elif not again:
            self._end = "succeeded"
        if again:
            return [_warning("it told its end a second time")]
        return [
            HarnessEvent(kind=EventKind.USAGE, usage=self._usage()),
            HarnessEvent(kind=EventKind.FINISHED, status=self._end),
        ]

    def _usage(self) -> Usage:
        return larger(larger(self._told, self._meter.total), Usage(tool_calls=self._calls))

    def finish(self, exit: Exit) -> HarnessOutcome:  # noqa: A002 - the contract's name
        ending, refusal, summary = self._judged(exit)
        return HarnessOutcome(
            ending=ending,
            failure_code=refusal.code if refusal else None,
            retry_after=refusal.retry_after if refusal else None,
            model=self._model,
            summary=summary[:TEXT_LIMIT],
            session_id=self._session,
            usage=self._usage(),
            output_truncated=exit.truncated,
        )

    def _judged(self, exit: Exit) -> tuple[Ending, Refusal | None, str]:  # noqa: A002
        if self._end == "succeeded":
            return Ending.SUCCEEDED, None, self._answer
        if self._end == "failed":
            return Ending.FAILED, refusal_of(self._failure, exit.code), self._failure
        said = " | ".join(self._last)
        refusal = None if exit.timed_out or self._end else refusal_unsaid(said, exit.code)
        if refusal is not None:
            return Ending.FAILED, refusal, said
        code = "run.timed_out" if exit.timed_out else "harness.crashed"
        return Ending.INTERRUPTED, Refusal(code), self._failure or said or "it ended without a word on how"


_READERS: Final[dict[str, Callable[[GeminiSession, dict[str, Any]], list[HarnessEvent]]]] = {
    "init": GeminiSession._started,
    "tool_use": GeminiSession._tool_started,
    "tool_result": GeminiSession._tool_finished,
    "error": GeminiSession._stream_error,
    "result": GeminiSession._ended,
}


def _warning(text: str) -> HarnessEvent:
    return HarnessEvent(kind=EventKind.WARNING, text=text)
