"""The command harness: runs the ticket's own commands, one after another, and nothing else."""

import hashlib
import json
import shlex

from adapters.harness.contract import Session
from domain.errors import InvalidInput
from domain.execution import Usage
from domain.harness import Brief, Command, Ending, EventKind, HarnessEvent, HarnessOutcome, Traits
from domain.sandbox import Exit, OutputLine

TEXT_LIMIT = 2_000  #: characters of one event's text
LAST_LINES = 5


class CommandHarness:
    """Deterministic, and trusted: an operator wrote every command it runs."""

    name = "command"
    trusted = True
    traits = Traits(program="sh", version=("-c", "echo 1"))

    def command(self, brief: Brief) -> Command:
        if not brief.commands:
            raise InvalidInput("the command harness needs `commands` in the ticket", field="commands")
        return Command(argv=("sh", "-s"), stdin=_script(brief))

    def open(self, brief: Brief) -> "CommandSession":
        return CommandSession(brief)


def marker_of(brief: Brief) -> str:
    """Return what begins the script's own lines; a command would have to guess it to speak for the script."""
    digest = hashlib.sha256("\0".join([brief.run_id, brief.prompt]).encode()).hexdigest()
    return f"::factory-{digest[:24]}::"


def _script(brief: Brief) -> str:
    """Each command in a shell of its own, its exit code told by the script around it.

    Standard output is the script's alone: what commands say goes to standard error, so that a flood cannot drown it.
    """
    lines = []
    for number, command in enumerate(brief.commands):
        lines += [
            _tell(brief, {"event": "started", "number": number}),
            f"sh -e -c {shlex.quote(command)} </dev/null >&2",
            f"code=$?; {_tell(brief, {'event': 'ended', 'number': number}, 'code')}",
            '[ "$code" -eq 0 ] || exit "$code"',
        ]
    return "\n".join([*lines, _tell(brief, {"event": "done"}), ""])


def _tell(brief: Brief, told: dict[str, object], variable: str | None = None) -> str:
    """Shell that prints a marked JSON line."""
    text = marker_of(brief) + json.dumps(told)
    if variable is None:
        return f"printf '%s\\n' {shlex.quote(text)}"
    return f"printf '%s\\n' {shlex.quote(text[:-1] + ', ')}'\"{variable}\": '\"${variable}\"'}}'"


class CommandSession(Session):
    def __init__(self, brief: Brief) -> None:
        self._brief = brief
        self._marker = marker_of(brief)
        self._done = False
        self._failed: tuple[int, int] | None = None  #: number and exit code of the command that failed
        self._last: list[str] = []
        self._calls = 0

    def read(self, line: OutputLine) -> list[HarnessEvent]:
        if line.stream == "stdout":
            return self._marked(line.text)
        if not line.text.strip():
            return []
        self._last = [*self._last[-LAST_LINES + 1 :], line.text[:TEXT_LIMIT]]
        return [HarnessEvent(kind=EventKind.MESSAGE, text=line.text[:TEXT_LIMIT], data={"stream": line.stream})]

    def _marked(self, text: str) -> list[HarnessEvent]:
        try:
            if not text.startswith(self._marker):
                raise ValueError
            told = json.loads(text[len(self._marker) :])
            event, number = told["event"], int(told.get("number", 0))
            code = int(told.get("code", 0))
            name = self._brief.commands[number]
        except (ValueError, KeyError, TypeError, IndexError):
            return [HarnessEvent(kind=EventKind.WARNING, text=f"malformed line: {text[:200]}")]
        return self._tell(event, number, code, name)

    def _tell(self, event: str, number: int, code: int, name: str) -> list[HarnessEvent]:
        if event == "started":
            self._calls += 1
            return [HarnessEvent(kind=EventKind.TOOL_STARTED, tool="sh", text=name[:TEXT_LIMIT])]
        if event == "done":
            self._done = True
            return [HarnessEvent(kind=EventKind.FINISHED, status="succeeded")]
        ended = HarnessEvent(kind=EventKind.TOOL_FINISHED, tool="sh", text=name[:TEXT_LIMIT], status=str(code))
        if code == 0:
            return [ended]
        self._failed = (number, code)
        return [ended, HarnessEvent(kind=EventKind.FINISHED, status="failed")]

    def finish(self, exit: Exit) -> HarnessOutcome:  # noqa: A002 - the contract's name
        usage = Usage(tool_calls=self._calls)
        if self._failed is not None:
            return HarnessOutcome(
                ending=Ending.FAILED,
                failure_code="harness.failed",
                summary=self._failure(*self._failed),
                usage=usage,
                output_truncated=exit.truncated,
            )
        if not self._done:
            return HarnessOutcome(
                ending=Ending.INTERRUPTED,
                failure_code="run.timed_out" if exit.timed_out else "harness.failed",
                summary="the commands were stopped before they ended",
                usage=usage,
                output_truncated=exit.truncated,
            )
        summary = f"{len(self._brief.commands)} commands succeeded"
        return HarnessOutcome(ending=Ending.SUCCEEDED, summary=summary, usage=usage, output_truncated=exit.truncated)

    def _failure(self, number: int, code: int) -> str:
        command = self._brief.commands[number]
        why = "a program it needs is not installed" if code == 127 else f"exit code {code}"
        said = f": {' | '.join(self._last)}" if self._last else ""
        return f"`{command[:200]}` failed ({why}){said}"[:TEXT_LIMIT]
