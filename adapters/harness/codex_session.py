"""One conversation with the Codex app server: a thread, and one turn in it."""

import json
import re
from collections.abc import Callable
from typing import Final

from adapters.harness import codex_protocol as protocol
from adapters.harness.codex_events import Tally, completed, started, tool_in
from adapters.harness.codex_failures import Failure, failure_of
from adapters.harness.codex_protocol import TEXT_LIMIT, Message, dig, name, text
from adapters.harness.contract import Session
from adapters.harness.joining import Joiner
from domain.harness import Brief, Ending, EventKind, HarnessEvent, HarnessOutcome
from domain.sandbox import Exit, OutputLine

LAST_LINES = 5  #: of standard error, told when it ends without a word
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


class CodexSession(Session):
    """Threads that the model starts besides are told of and counted, but end nothing."""

    def __init__(self, brief: Brief) -> None:
        self._brief = brief
        self._unsaid: list[Message] = []
        self._thread: str | None = None
        self._turn: str | None = None
        self._model: str | None = None
        self._end: str | None = None  #: succeeded, failed or interrupted
        self._failure: Failure | None = None
        self._spoilt: Failure | None = None  #: an error of the turn that it did not try again
        self._answer = ""
        self._aside: list[str] = []  #: its last lines on standard error
        self._asked_to_stop = False
        self._tools: set[str] = set()
        self._tally = Tally()
        self._joiner = Joiner()
        self._heard: dict[str, Callable[[Message], list[HarnessEvent]]] = {
            "error": self._error,
            "item/completed": self._completed,
            "item/started": self._started,
            "model/rerouted": self._rerouted,
            "thread/tokenUsage/updated": self._used,
            "turn/completed": self._ended,
            "turn/started": self._turn_started,
        }

    def read(self, line: OutputLine) -> list[HarnessEvent]:
        if line.stream != "stdout":
            return self._beside(line.text)
        whole = self._joiner.join(line)
        if whole is None:
            return []
        told = protocol.message_of(whole.text)
        if not self.is_over():
            return self._heard_of(told) if told is not None else _warning(f"malformed line: {line.text[:200]}")
        if told is not None and told.get("method") == "thread/tokenUsage/updated":
            self._used(told)
        return []

    def replies(self) -> str:
        unsaid, self._unsaid = self._unsaid, []
        return protocol.written(*unsaid)

    def is_over(self) -> bool:
        return self._end is not None

    def interrupt(self) -> str:
        if self._thread is None or self._turn is None or self._asked_to_stop or self.is_over():
            return ""
        self._asked_to_stop = True
        return protocol.written(protocol.interrupt_turn(self._thread, self._turn))

    def _beside(self, said: str) -> list[HarnessEvent]:
        said = protocol.storable(COLOUR.sub("", said[: 2 * TEXT_LIMIT]).strip()[:TEXT_LIMIT])
        if not said or self.is_over():
            return []
        self._aside = [*self._aside[1 - LAST_LINES :], said]
        return [HarnessEvent(kind=EventKind.WARNING, text=said, data={"stream": "stderr"})]

    def _heard_of(self, told: Message) -> list[HarnessEvent]:
        if "method" not in told:
            return self._answered(told)
        method = str(told["method"])
        if "id" in told:
            return self._asked(told)
        if method in self._heard:
            return self._heard[method](told)
        return _warning(_words(told)) if method.lower().endswith(("warning", "deprecationnotice")) else []

    def _asked(self, told: Message) -> list[HarnessEvent]:
        reply = protocol.answer(told, accept=self._brief.yolo)
        method = text(told, "method", limit=200)
        if reply is None:
            return _warning(f"malformed request: {method}")
        self._unsaid.append(reply)
        return _warning(f"{'answered' if self._brief.yolo else 'declined'}: {method}")

    def _answered(self, told: Message) -> list[HarnessEvent]:
        number = told["id"] if type(told["id"]) is int else 0
        if number == protocol.INTERRUPT and "error" in told:
            return _warning(f"it would not be interrupted: {text(told, 'error', 'message')}")
        if number in (protocol.HELLO, protocol.THREAD, protocol.TURN) and "error" in told:
            return self._refused(number, told["error"])
        if number == protocol.THREAD and self._thread is None:
            return self._thread_started(told)
        if number == protocol.TURN and self._turn is None:
            self._turn = name(told, "result", "turn", "id")
        return []

    def _refused(self, number: int, error: object) -> list[HarnessEvent]:
        failure = failure_of(error)
        if number == protocol.THREAD and self._brief.session_id:
            failure = Failure("harness.session_unknown", failure.text)
        return self._over("failed", failure)

    def _thread_started(self, told: Message) -> list[HarnessEvent]:
        self._thread, self._model = name(told, "result", "thread", "id"), name(told, "result", "model")
        if self._thread is None:
            return self._over("failed", Failure("harness.failed", "it opened a thread without a name"))
        self._unsaid.append(protocol.start_turn(self._thread, self._brief.prompt))
        data = {"session_id": self._thread, "model": self._model}
        return [HarnessEvent(kind=EventKind.SESSION_STARTED, data=data)]

    def _turn_started(self, told: Message) -> list[HarnessEvent]:
        if self._is_ours(told) and self._turn is None:
            self._turn = name(told, "params", "turn", "id")
        return []

    def _is_ours(self, told: Message) -> bool:
        return self._thread is not None and dig(told, "params", "threadId") == self._thread

    def _started(self, told: Message) -> list[HarnessEvent]:
        item = dig(told, "params", "item")
        self._count(item)
        return started(item)

    def _completed(self, told: Message) -> list[HarnessEvent]:
        item = dig(told, "params", "item")
        self._count(item)
        events = completed(item)
        if dig(item, "type") == "agentMessage" and self._is_ours(told):
            self._answer = text(item, "text")
        return events

    def _count(self, item: object) -> None:
        if tool_in(item) is not None and (told := name(item, "id")) is not None:
            self._tools.add(told)

    def _used(self, told: Message) -> list[HarnessEvent]:
        thread = name(told, "params", "threadId")
        if thread is None:
            return []
        earlier = thread == self._thread and dig(told, "params", "turnId") != self._turn
        self._tally.take(thread, dig(told, "params", "tokenUsage"), earlier=earlier)
        return [HarnessEvent(kind=EventKind.USAGE, usage=self._tally.usage(len(self._tools)))]

    def _rerouted(self, told: Message) -> list[HarnessEvent]:
        if self._is_ours(told):
            self._model = name(told, "params", "toModel") or self._model
        return _warning(f"another model answers: {self._model}")

    def _error(self, told: Message) -> list[HarnessEvent]:
        """It tries again by itself what may pass; what would only cost time, such as a rate limit, ends here."""
        failure = failure_of(dig(told, "params", "error"))
        if not self._is_ours(told):
            return _warning(failure.text)
        self._failure = failure
        if dig(told, "params", "willRetry") is not True:
            self._spoilt = failure
            return _warning(failure.text)
        if failure.may_pass:
            return [HarnessEvent(kind=EventKind.RETRYING, text=failure.text, data={"code": failure.code})]
        if stop := self.interrupt():
            self._unsaid.append(json.loads(stop))
        return self._over("failed", failure)

    def _ended(self, told: Message) -> list[HarnessEvent]:
        turn = dig(told, "params", "turn")
        if not self._is_ours(told) or (self._turn is not None and dig(turn, "id") != self._turn):
            return []
        status, error = dig(turn, "status"), dig(turn, "error")
        if error is not None:
            return self._over("failed", failure_of(error))
        if status == "interrupted":
            return self._over("interrupted", self._failure)
        if status != "completed":
            return self._over("failed", self._failure or Failure("harness.failed", f"turn {text(turn, 'status')}"))
        return self._completed_turn()

    def _completed_turn(self) -> list[HarnessEvent]:
        if self._spoilt is not None:
            return self._over("failed", self._spoilt)
        if not self._answer and not self._tools:
            return self._over("failed", Failure("harness.stream_broken", "the model answered nothing"))
        return self._over("succeeded", None)

    def _over(self, end: str, failure: Failure | None) -> list[HarnessEvent]:
        if self._end is not None:
            return []
        self._end, self._failure = end, failure
        return [HarnessEvent(kind=EventKind.FINISHED, status=end, text=failure.text if failure else self._answer)]

    def finish(self, exit: Exit) -> HarnessOutcome:  # noqa: A002 - the contract's name
        ending, code, summary = self._ending(exit)
        failed = self._failure if ending is Ending.FAILED else None
        return HarnessOutcome(
            ending=ending,
            failure_code=code,
            retry_after=failed.retry_after if failed else None,
            model=self._model,
            summary=summary,
            session_id=self._thread,
            usage=self._tally.usage(len(self._tools)),
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
        said = self._failure.text if self._failure else aside
        return Ending.INTERRUPTED, "harness.crashed", said or "it ended without a word on how"


def _warning(said: str) -> list[HarnessEvent]:
    return [HarnessEvent(kind=EventKind.WARNING, text=protocol.storable(said[:TEXT_LIMIT]))]


def _words(told: Message) -> str:
    parts = [text(told, "params", key) for key in ("message", "summary", "details")]
    return " ".join(part for part in parts if part)
