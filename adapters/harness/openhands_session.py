"""One run of OpenHands, read line by line: its events, and what its keeper tells of session, usage and end."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from adapters.harness.contract import Session
from adapters.harness.joining import Joiner
from adapters.harness.openhands_events import FINISHING, THINKING, Tools, said, thoughts, warning, words_of
from adapters.harness.openhands_failures import Failure, failure_of
from adapters.harness.reading import ID_LIMIT, TEXT_LIMIT, count_at, fit, read_path, text_at
from domain.execution import Usage
from domain.harness import Ending, EventKind, HarnessEvent, HarnessOutcome
from domain.sandbox import Exit, OutputLine

LAST_LINES = 8
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
#: what is told, and is no step: its own prompt, states, hooks
UNHEARD: Final = frozenset(
    {
        "SystemPromptEvent",
        "ConversationStateUpdateEvent",
        "HookExecutionEvent",
        "PauseEvent",
        "CondensationSummaryEvent",
        "Condensation",
    }
)


class OpenHandsSession(Session):
    def __init__(self) -> None:
        self._session: str | None = None
        self._model: str | None = None
        self._answer = ""  #: what was said since the last tool call
        self._failure: Failure | None = None
        self._end: str | None = None  #: succeeded or failed
        self._usage = Usage()
        self._tools = Tools()
        self._unknown: set[str] = set()
        self._last: list[str] = []  #: what it said that is no event
        self._joiner = Joiner()

    def read(self, line: OutputLine) -> list[HarnessEvent]:
        if line.stream != "stdout":
            return self._beside(line.text)
        whole = self._joiner.join(line)
        if whole is None:
            return []
        try:
            told = json.loads(whole.text)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            return [warning(f"malformed line: {fit(line.text[:200])}")]
        kind = text_at(told, "kind", limit=ID_LIMIT)
        if kind in UNHEARD or self._end is not None:
            return []
        reader = _READERS.get(kind)
        return reader(self, told) if reader else self._unknown_kind(kind)

    def is_over(self) -> bool:
        return self._end is not None

    def _beside(self, text: str) -> list[HarnessEvent]:
        """Remember it only: all but a failure to start is told as an event too."""
        words = fit(COLOUR.sub("", text[: 2 * TEXT_LIMIT]).strip())
        if words:
            self._last = [*self._last[1 - LAST_LINES :], words]
        return []

    def _unknown_kind(self, kind: str) -> list[HarnessEvent]:
        if kind in self._unknown or len(self._unknown) >= LAST_LINES:
            return []
        self._unknown.add(kind)
        return [warning(f"unknown kind of event: {kind!r}")]

    def _started(self, told: dict[str, Any]) -> list[HarnessEvent]:
        self._session = text_at(told, "session", limit=ID_LIMIT) or self._session
        return [HarnessEvent(kind=EventKind.SESSION_STARTED, data={"session_id": self._session})]

    def _used(self, told: dict[str, Any]) -> list[HarnessEvent]:
        """Each answer's own figures; its input counts what was cached."""
        self._model = text_at(told, "model", limit=ID_LIMIT) or self._model
        usage = read_path(told, "usage")
        asked = count_at(usage, "prompt_tokens") or count_at(usage, "input_tokens")
        cached = count_at(usage, "prompt_tokens_details", "cached_tokens")
        cached = min(asked, cached or count_at(usage, "input_tokens_details", "cached_tokens"))
        answered = count_at(usage, "completion_tokens") or count_at(usage, "output_tokens")
        so_far = self._usage
        self._usage = Usage(
            input_tokens=so_far.input_tokens + asked - cached,
            cached_input_tokens=so_far.cached_input_tokens + cached,
            output_tokens=so_far.output_tokens + answered,
        )
        return [HarnessEvent(kind=EventKind.USAGE, usage=self._total())]

    def _total(self) -> Usage:
        return self._usage.model_copy(update={"tool_calls": self._tools.calls})

    def _message(self, told: dict[str, Any]) -> list[HarnessEvent]:
        if read_path(told, "source") != "agent":
            return []  # the task comes back as the user's message
        self._answer = words_of(read_path(told, "llm_message", "content"))
        return said(EventKind.MESSAGE, self._answer)

    def _action(self, told: dict[str, Any]) -> list[HarnessEvent]:
        before, tool = thoughts(told), read_path(told, "tool_name")
        if tool == THINKING:
            return [*before, *said(EventKind.REASONING, text_at(told, "action", "thought"))]
        if tool == FINISHING:
            self._answer = text_at(told, "action", "message")
            return [*before, *said(EventKind.MESSAGE, self._answer)]
        self._answer = ""
        return [*before, *self._tools.start(told)]

    def _observed(self, told: dict[str, Any]) -> list[HarnessEvent]:
        output = words_of(read_path(told, "observation", "content"))
        return self._tools.end(told, output, failed=read_path(told, "observation", "is_error") is True)

    def _refused_tool(self, told: dict[str, Any]) -> list[HarnessEvent]:
        why = text_at(told, "error") or text_at(told, "rejection_reason")
        return self._tools.end(told, why or "a tool failed without words", failed=True)

    def _condensed(self, _told: dict[str, Any]) -> list[HarnessEvent]:
        return [warning("its context is full: it sums up what it did so far")]

    def _failed(self, told: dict[str, Any]) -> list[HarnessEvent]:
        kind, detail = text_at(told, "code", limit=ID_LIMIT), text_at(told, "detail")
        self._failure = self._failure or failure_of(kind, detail)
        return [warning(fit(f"{kind}: {detail}"))]

    def _ended(self, told: dict[str, Any]) -> list[HarnessEvent]:
        """Take the state it wrote down itself; one that is not final says nothing."""
        status = text_at(told, "status", limit=ID_LIMIT)
        if status == "finished" and self._failure is None:
            if not self._answer:
                self._failure = Failure("harness.stream_broken", "the model answered nothing")
        elif status in ("error", "finished"):
            self._failure = self._failure or Failure("harness.failed", "it told no reason")
        elif status in _ENDINGS:
            self._failure = self._failure or Failure(*_ENDINGS[status])
        else:
            return []
        self._end = "failed" if self._failure else "succeeded"
        text = fit(self._failure.text) if self._failure else self._answer
        return [HarnessEvent(kind=EventKind.FINISHED, status=self._end, text=text)]

    def finish(self, exit: Exit) -> HarnessOutcome:  # noqa: A002 - the contract's name
        ending, code, summary = self._ending(exit)
        failed = self._failure if ending is Ending.FAILED else None
        return HarnessOutcome(
            ending=ending,
            failure_code=code,
            retry_after=failed.retry_after if failed else None,
            model=self._model,
            summary=fit(summary),
            session_id=self._session,
            usage=self._total(),
            output_truncated=exit.truncated,
        )

    def _ending(self, exit: Exit) -> tuple[Ending, str | None, str]:  # noqa: A002 - the contract's name
        aside = " | ".join(self._last)
        if self._end == "succeeded":
            return Ending.SUCCEEDED, None, self._answer
        if self._end == "failed" and self._failure is not None:
            return Ending.FAILED, self._failure.code, self._failure.text
        if exit.timed_out:
            return Ending.INTERRUPTED, "run.timed_out", "it was stopped before it ended"
        if exit.code == 127:
            return Ending.FAILED, "harness.program_missing", aside or "the program was not found"
        return Ending.INTERRUPTED, "harness.crashed", aside or "it ended without a word on how"


_ENDINGS: Final = {
    "stuck": ("harness.failed", "it was stuck: it did the same again and again"),
    "unknown_session": ("harness.session_unknown", "there is no such conversation"),
}
_READERS: Final[dict[str, Callable[[OpenHandsSession, dict[str, Any]], list[HarnessEvent]]]] = {
    "factory.session": OpenHandsSession._started,
    "factory.usage": OpenHandsSession._used,
    "factory.end": OpenHandsSession._ended,
    "MessageEvent": OpenHandsSession._message,
    "ActionEvent": OpenHandsSession._action,
    "ObservationEvent": OpenHandsSession._observed,
    "AgentErrorEvent": OpenHandsSession._refused_tool,
    "UserRejectObservation": OpenHandsSession._refused_tool,
    "CondensationRequest": OpenHandsSession._condensed,
    "ConversationErrorEvent": OpenHandsSession._failed,
}
