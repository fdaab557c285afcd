"""The words of the suite: a behaviour, what was seen of it, and the finding."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from adapters.sandbox.contract import Sandbox
from domain.egress import Attempt
from domain.execution import SandboxRef
from domain.model import Value
from domain.sandbox import Exit, SandboxSpec


class Finding(Value):
    """What became of one behaviour on one backend. Texts are escaped: they may be shown on a terminal."""

    name: str
    backend: str
    contained: bool
    accepted_reason: str | None = None  #: of the documented list; only when not contained
    tries: str
    evidence: str
    seconds: float


class How(StrEnum):
    """How a program is brought to its end, and what that end must be."""

    ENDS = "ends"  #: by itself, within its time
    DIES = "dies"  #: by itself or by a limit
    TIMED = "timed"  #: by the command's own wall clock, after 2 seconds
    CLOSED = "closed"  #: by the order to stop, given once it is up
    INTERRUPTED = "interrupted"  #: by an interrupt, then by the order


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a program told: refused, gained, measured."""

    tried: Mapping[str, str]
    got: Mapping[str, str]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything seen of one behaviour, nearly all of it from outside."""

    evidence: Evidence | None = None
    up: bool = False  #: the program told that all is in place
    ended: Exit | None = None
    said: str = ""  #: the last words on standard error, escaped
    longest_line: int = 0
    bytes_told: int = 0
    leaked: bool = False  #: a planted secret was in the output, or in what was collected
    order_seconds: float | None = None  #: from the order to stop to no process left
    teardown_seconds: float = 0.0
    disturbed: tuple[str, ...] = ()  #: what changed on the host
    left: tuple[str, ...] = ()  #: what is left after teardown
    attempts: tuple[Attempt, ...] = ()  #: at the door
    upstream: bytes = b""  #: what the allowed upstream heard
    outside: Mapping[str, Any] = field(default_factory=dict)  #: what was done outside meanwhile or afterwards
    failed: str = ""  #: the sandbox itself failed: nothing was tried


@dataclass(frozen=True, slots=True)
class Scene:
    """What an outside action may use while the sandbox still exists."""

    sandbox: Sandbox
    ref: SandboxRef
    spec: SandboxSpec
    secret: Path  #: a planted file of the host
    fired: Path  #: a folder of the host in which traps leave a mark
    folder: Path  #: an empty one to work in


Judge = Callable[[Observed], str | None]
Action = Callable[[Scene], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row of the catalogue. `judge` returns why it is not contained, beyond what holds for all."""

    theme: str  #: module of programs; the function has the name
    name: str
    tries: str
    how: How = How.ENDS
    judge: Judge | None = None
    outside: Action | None = None  #: done while a CLOSED one runs, else after its end
    door: bool = False
    environment: bool = False
    dangerous: bool = False  #: never run it where nothing isolates
    cpus: float = 1.0
    seconds: float = 30.0
