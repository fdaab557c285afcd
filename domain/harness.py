"""What passes between a harness adapter, which does no IO, and whoever runs its command."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from domain.execution import Usage
from domain.model import Value


class Options(Value):
    """What settings say of a harness; None leaves it to the program. Paths and addresses are those of the sandbox."""

    executable: str | None = None
    model: str | None = None
    base_url: str | None = None  #: of the model's API, which is the egress broker: it adds the key
    arguments: tuple[str, ...] = ()  #: added to the command line, last


class Traits(Value):
    """What can be said of a harness before it runs."""

    program: str  #: its executable's usual name
    version: tuple[str, ...] = ("--version",)  #: arguments that print it
    package: str | None = None  #: where it comes from, e.g. `npm:@openai/codex`
    converses: bool = False  #: goes on reading its input while it works
    resumes: bool = False
    tells_usage: bool = False  #: tokens, while it works
    session_paths: tuple[str, ...] = ()  #: folders of its HOME that a session can be resumed from elsewhere


class Brief(Value):
    """One task for a harness. `prompt` begins with the constitution."""

    ticket_id: str
    run_id: str
    title: str
    prompt: str
    commands: tuple[str, ...] = ()
    session_id: str | None = None  #: resume this session instead of starting one
    options: Options = Options()
    yolo: bool = True  #: it may use its tools without asking; the sandbox is what holds it


class Command(Value):
    """A program to start in a sandbox. `timeout` is its wall clock, enforced by the sandbox."""

    argv: tuple[str, ...]
    stdin: str | None = None
    environment: dict[str, str] = {}
    timeout: timedelta = timedelta(minutes=45)
    output_limit: int = 8_000_000  #: bytes kept of stdout and of stderr, each; the rest is counted and dropped
    network: bool = False
    converses: bool = False  #: its input stays open after `stdin`, for what the session replies


class EventKind(StrEnum):
    """The canonical vocabulary every harness stream is normalised into."""

    SESSION_STARTED = "session_started"
    MESSAGE = "message"
    REASONING = "reasoning"
    TOOL_STARTED = "tool_started"
    TOOL_FINISHED = "tool_finished"
    FILE_CHANGED = "file_changed"
    USAGE = "usage"  #: what the run has used so far, in all
    RETRYING = "retrying"  #: the program asks its model again by itself
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
    retry_after: float | None = None  #: seconds, when the model's API said so
    model: str | None = None  #: that answered
    summary: str = ""
    session_id: str | None = None
    usage: Usage = Usage()
    output_truncated: bool = False
