"""ScriptedHarness: a stand-in for an untrusted agent harness, for tests only. It talks to agent_stand_in.py."""

import json
import sys
from pathlib import Path
from typing import Any

from adapters.harness.contract import Session
from domain.errors import InvalidInput
from domain.execution import Usage
from domain.harness import Brief, Command, Ending, EventKind, HarnessEvent, HarnessOutcome, Traits
from domain.sandbox import Exit, OutputLine

PROGRAM = Path(__file__).with_name("agent_stand_in.py")
TEXT_LIMIT = 2_000
KINDS = {
    "start": EventKind.SESSION_STARTED,
    "message": EventKind.MESSAGE,
    "tool_start": EventKind.TOOL_STARTED,
    "tool_end": EventKind.TOOL_FINISHED,
    "usage": EventKind.USAGE,
    "end": EventKind.FINISHED,
}


class ScriptedHarness:
    """`script` is the path of the steps as the sandbox sees it; `program` that of the stand-in, `python` its Python."""

    name = "scripted"
    trusted = False
    traits = Traits(program="python3")

    def __init__(self, script: str, *, program: str = str(PROGRAM), python: str = sys.executable) -> None:
        self._script, self._argv = script, (python, program)

    def command(self, brief: Brief) -> Command:
        if not brief.prompt:
            raise InvalidInput("the scripted harness needs a prompt", field="prompt")
        return Command(argv=self._argv, stdin=brief.prompt, environment={"STAND_IN_SCRIPT": self._script})

    def open(self, brief: Brief) -> "ScriptedSession":
        return ScriptedSession()


class ScriptedSession(Session):
    def __init__(self) -> None:
        self._end: dict[str, Any] | None = None
        self._session: str | None = None
        self._usage = Usage()

    def read(self, line: OutputLine) -> list[HarnessEvent]:
        if line.stream != "stdout":
            return [HarnessEvent(kind=EventKind.MESSAGE, text=line.text[:TEXT_LIMIT], data={"stream": line.stream})]
        try:
            told = json.loads(line.text)
            return [self._event(KINDS[told["type"]], told)]
        except (ValueError, KeyError, TypeError):
            return [HarnessEvent(kind=EventKind.WARNING, text=f"malformed line: {line.text[:200]}")]

    def _event(self, kind: EventKind, told: dict[str, Any]) -> HarnessEvent:
        usage, status = None, told.get("status")
        if kind is EventKind.SESSION_STARTED:
            self._session = str(told["session"])
        if kind is EventKind.USAGE:
            usage = self._usage = Usage.model_validate({key: told[key] for key in told if key != "type"})
        if kind is EventKind.FINISHED:
            self._end, status = told, "succeeded" if told["ok"] else "failed"
        text = str(told.get("text", ""))[:TEXT_LIMIT]
        return HarnessEvent(kind=kind, text=text, tool=told.get("tool"), status=status, usage=usage)

    def finish(self, exit: Exit) -> HarnessOutcome:  # noqa: A002 - the contract's name
        told = {"session_id": self._session, "usage": self._usage, "output_truncated": exit.truncated}
        if self._end is None:
            return HarnessOutcome(ending=Ending.INTERRUPTED, failure_code="harness.failed", **told)
        if self._end["ok"]:
            return HarnessOutcome(ending=Ending.SUCCEEDED, summary=self._end.get("text", ""), **told)
        summary = str(self._end.get("text", ""))[:TEXT_LIMIT]
        return HarnessOutcome(ending=Ending.FAILED, failure_code=self._end["code"], summary=summary, **told)
