"""One conversation with Claude Code: one task, and the end of one turn."""

from collections.abc import Callable
from typing import Final

from adapters.harness import claude_code_protocol as protocol
from adapters.harness.claude_code_failures import Failure, failure_of, wait_in, words_of
from adapters.harness.claude_code_protocol import NAME_LIMIT, TEXT_LIMIT, Message, dig, many, name, storable, text
from adapters.harness.claude_code_tools import Tools
from adapters.harness.claude_code_usage import Tally
from adapters.harness.contract import Session
from adapters.harness.joining import Joiner
from domain.harness import Brief, Ending, EventKind, HarnessEvent, HarnessOutcome
from domain.sandbox import Exit, OutputLine

LAST_LINES = 5  #: of standard error, told when it ends without a word
SYNTHETIC = "<synthetic>"  #: the model of what the program says itself
ABORTED: Final = ("aborted_streaming", "aborted_tools")
UNHEARD: Final = frozenset(
    {"control_cancel_request", "keep_alive", "rate_limit_event", "tool_progress", "tool_use_summary"}
)


class ClaudeSession(Session):
    """Agents that the model starts besides are told of and counted, but answer nothing."""

    def __init__(self, brief: Brief) -> None:
        self._brief = brief
        self._unsaid: list[Message] = []
        self._session: str | None = None
        self._model: str | None = None
        self._end: str | None = None  #: succeeded, failed or interrupted
        self._failure: Failure | None = None
        self._fault: tuple[str, str] | None = None  #: kind and words of an error that nothing followed
        self._wait: float | None = None  #: seconds the API told to wait
        self._answer = ""
        self._aside: list[str] = []  #: its last lines on standard error
        self._asked_to_stop = False
        self._unknown: set[str] = set()
        self._tools = Tools()
        self._tally = Tally()
        self._joiner = Joiner()

    def read(self, line: OutputLine) -> list[HarnessEvent]:
        if line.stream != "stdout":
            return self._beside(line.text)
        whole = self._joiner.join(line)
        if whole is None:
            return []
        told = protocol.message_of(whole.text)
        if told is None:
            return [] if self.is_over() else _warning(f"malformed line: {line.text[:200]}")
        if self.is_over():
            self._after_the_end(told)
            return []
        kind = str(told["type"])
        reader = _READERS.get(kind)
        return reader(self, told) if reader else self._unknown_type(kind[:NAME_LIMIT])

    def replies(self) -> str:
        unsaid, self._unsaid = self._unsaid, []
        return protocol.written(*unsaid)

    def is_over(self) -> bool:
        return self._end is not None

    def interrupt(self) -> str:
        """It is heard even before the session has begun, when a signal is not."""
        if self._asked_to_stop or self.is_over():
            return ""
        self._asked_to_stop = True
        return protocol.written(protocol.interrupt())

    def _beside(self, said: str) -> list[HarnessEvent]:
        said = storable(said.strip()[:TEXT_LIMIT])
        if not said or self.is_over():
            return []
        self._aside = [*self._aside[1 - LAST_LINES :], said]
        return [HarnessEvent(kind=EventKind.WARNING, text=said, data={"stream": "stderr"})]

    def _after_the_end(self, told: Message) -> None:
        if told["type"] == "result":
            self._tally.close(told)

    def _unknown_type(self, kind: str) -> list[HarnessEvent]:
        if kind in UNHEARD or kind in self._unknown or len(self._unknown) >= LAST_LINES:
            return []
        self._unknown.add(kind)
        return _warning(f"unknown event type: {kind}")

    def _system(self, told: Message) -> list[HarnessEvent]:
        subtype = dig(told, "subtype")
        if subtype == "init":
            return self._started(told)
        if subtype == "api_retry":
            self._wait = wait_in(told) or self._wait
            return [HarnessEvent(kind=EventKind.RETRYING, text=words_of(told))]
        if dig(told, "compact_result") == "failed":
            return _warning(f"it could not shorten the conversation: {text(told, 'compact_error')}")
        return []

    def _started(self, told: Message) -> list[HarnessEvent]:
        session = name(told, "session_id")
        if self._session is not None or session is None:
            return []
        self._session, self._model = session, name(told, "model")
        data = {"session_id": session, "model": self._model}
        return [HarnessEvent(kind=EventKind.SESSION_STARTED, data=data)]

    def _piece(self, told: Message) -> list[HarnessEvent]:
        """All that is said comes again whole; the figures are told here alone."""
        return self._used() if self._tally.hear(dig(told, "event"), name(told, "parent_tool_use_id") or "") else []

    def _used(self) -> list[HarnessEvent]:
        return [HarnessEvent(kind=EventKind.USAGE, usage=self._tally.usage(self._tools.calls))]

    def _said(self, told: Message) -> list[HarnessEvent]:
        message = dig(told, "message")
        is_main = name(told, "parent_tool_use_id") is None
        if (fault := dig(told, "error")) is not None or dig(message, "model") == SYNTHETIC:
            return self._said_itself(message, fault, is_main)
        events = [event for block in many(message, "content") for event in self._block(block, is_main)]
        if is_main and events:
            self._fault, self._wait = None, None
            self._model = name(message, "model") or self._model
        return [*events, *(self._used() if self._tally.take(message) else [])]

    def _said_itself(self, message: object, fault: object, is_main: bool) -> list[HarnessEvent]:
        said = "\n".join(text(block, "text") for block in many(message, "content"))[:TEXT_LIMIT]
        if fault is not None and is_main:
            self._fault = (fault[:NAME_LIMIT] if isinstance(fault, str) else "", said)
        return _warning(said or "an error without words")

    def _block(self, block: object, is_main: bool) -> list[HarnessEvent]:
        kind = dig(block, "type")
        if kind == "text" and (said := text(block, "text")):
            self._answer = said if is_main else self._answer
            return [HarnessEvent(kind=EventKind.MESSAGE, text=said)]
        if kind == "thinking" and (said := text(block, "thinking")):
            return [HarnessEvent(kind=EventKind.REASONING, text=said)]
        return self._tools.start(block)

    def _heard(self, told: Message) -> list[HarnessEvent]:
        """Results of tools come as the user's messages; what the user said himself is known."""
        return [event for block in many(told, "message", "content") for event in self._tools.finish(block)]

    def _asked(self, told: Message) -> list[HarnessEvent]:
        subtype, tool = text(told, "request", "subtype", limit=80), text(told, "request", "tool_name", limit=80)
        reply = protocol.answer(told, allow=self._brief.yolo)
        if reply is None:
            return _warning(f"malformed request: {subtype}")
        self._unsaid.append(reply)
        return _warning(f"{'answered' if self._brief.yolo else 'declined'}: {subtype} {tool}".strip())

    def _answered(self, told: Message) -> list[HarnessEvent]:
        if dig(told, "response", "subtype") != "error":
            return []
        return _warning(f"it would not do what was asked: {text(told, 'response', 'error')}")

    def _ended(self, told: Message) -> list[HarnessEvent]:
        self._tally.close(told)
        self._session = self._session or self._own_session(told)
        self._end, self._failure = self._judged(told)
        said = self._failure.text if self._failure else self._answer
        return [*self._used(), HarnessEvent(kind=EventKind.FINISHED, status=self._end, text=said)]

    def _own_session(self, told: Message) -> str | None:
        """One that could not be resumed is told only here, and is not there."""
        return name(told, "session_id") if self._brief.session_id is None else None

    def _judged(self, told: Message) -> tuple[str, Failure | None]:
        kind, said = self._fault or ("", "")
        reason, succeeds = dig(told, "terminal_reason"), dig(told, "subtype") == "success"
        if reason in ABORTED:
            return "interrupted", Failure("harness.crashed", "it was stopped in the middle of a turn")
        if not succeeds or dig(told, "is_error") is not False or self._fault is not None:
            return "failed", failure_of(told, kind, said, self._wait)
        self._answer = text(told, "result") or self._answer
        if dig(told, "stop_reason") == "refusal":
            return "failed", Failure("harness.request_refused", self._answer or "the model refused")
        if dig(told, "stop_reason") is None:  # it takes an answer that was cut between two of its parts for a whole one
            return "failed", Failure("harness.stream_broken", "the model's answer was cut")
        if not self._answer and not self._tools.calls:
            return "failed", Failure("harness.stream_broken", "the model answered nothing")
        return "succeeded", None

    def finish(self, exit: Exit) -> HarnessOutcome:  # noqa: A002 - the contract's name
        ending, code, summary = self._ending(exit)
        failed = self._failure if ending is Ending.FAILED else None
        return HarnessOutcome(
            ending=ending,
            failure_code=code,
            retry_after=failed.retry_after if failed else None,
            model=self._model,
            summary=summary,
            session_id=self._session,
            usage=self._tally.usage(self._tools.calls),
            output_truncated=exit.truncated,
        )

    def _ending(self, exit: Exit) -> tuple[Ending, str | None, str]:  # noqa: A002 - the contract's name
        aside = " | ".join(self._aside)[:TEXT_LIMIT]
        if self._end == "succeeded":
            return Ending.SUCCEEDED, None, self._answer
        if self._end == "failed" and self._failure is not None:
            return Ending.FAILED, self._failure.code, self._failure.text
        if self._end is None and exit.code == 127:
            return Ending.FAILED, "harness.program_missing", aside or "the program was not found"
        if exit.timed_out:
            return Ending.INTERRUPTED, "run.timed_out", "it was stopped before it ended"
        if self._end == "interrupted" and self._asked_to_stop:
            return Ending.INTERRUPTED, "run.interrupted", "it was asked to stop"
        said = self._failure.text if self._failure else (self._fault or ("", ""))[1]
        return Ending.INTERRUPTED, "harness.crashed", said or aside or "it ended without a word on how"


_READERS: Final[dict[str, Callable[[ClaudeSession, Message], list[HarnessEvent]]]] = {
    "assistant": ClaudeSession._said,
    "control_request": ClaudeSession._asked,
    "control_response": ClaudeSession._answered,
    "result": ClaudeSession._ended,
    "stream_event": ClaudeSession._piece,
    "system": ClaudeSession._system,
    "user": ClaudeSession._heard,
}


def _warning(said: str) -> list[HarnessEvent]:
    return [HarnessEvent(kind=EventKind.WARNING, text=storable(said))]
