"""What passes between a harness adapter, which does no IO, and whoever runs its command."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from domain.execution import Usage
from domain.model import Value


class Brief(Value):
    """One task for a harness. `prompt` begins with the constitution."""

    ticket_id: str
    run_id: str
    title: str
    prompt: str
    commands: tuple[str, ...] = ()
    session_id: str | None = None  #: resume this session instead of starting one


class Command(Value):
    """A program to start in a sandbox. `timeout` is its wall clock, enforced by the sandbox."""

    argv: tuple[str, ...]
    stdin: str | None = None
    environment: dict[str, str] = {}
    timeout: timedelta = timedelta(minutes=45)
    output_limit: int = 8_000_000  #: bytes kept of stdout and of stderr, each; the rest is counted and dropped
    network: bool = False


class EventKind(StrEnum):
    """The canonical vocabulary every harness stream is normalised into."""

    SESSION_STARTED = "session_started"
    MESSAGE = "message"
    TOOL_STARTED = "tool_started"
    TOOL_FINISHED = "tool_finished"
    FILE_CHANGED = "file_changed"
    USAGE = "usage"
    WARNING = "warning"
    FINISHED = "finished"  #: terminal, with `status`


class HarnessEvent(Value):
    version: int = 1
    kind: EventKind
    text: str = ""
    tool: str | None = None
    status: str | None = None
    usage: Usage | None = None
    data: dict[str, Any] = {}


class Ending(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  #: no terminal event: killed or crashed, whatever the exit code


class HarnessOutcome(Value):
    ending: Ending
    failure_code: str | None = None  #: a code of the failure taxonomy
    summary: str = ""
    session_id: str | None = None
    usage: Usage = Usage()
    output_truncated: bool = False
