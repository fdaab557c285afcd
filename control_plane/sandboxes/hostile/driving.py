"""Run one hostile program to the end that is wanted of it, and keep what was seen."""

import json
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import cast

from adapters.sandbox.contract import Sandbox
from control_plane.sandboxes.hostile.observing import gone
from control_plane.sandboxes.hostile.shapes import Evidence, How
from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Exit, Output, OutputLine

TOLD, UP = "HOSTILE {", "HOSTILE-UP"
RUNNING_SECONDS = 0.4  #: how long one that is up goes on before it is told to stop
INTERRUPT_SECONDS = 0.5
ORDER_PATIENCE = 6.0
WORDS_KEPT = 500


@dataclass(slots=True)
class Heard:
    """What a program said, bounded, however much it was."""

    secret: str
    evidence: Evidence | None = None
    up: bool = False
    ended: Exit | None = None
    words: str = ""
    longest_line: int = 0
    bytes_told: int = 0
    leaked: bool = False

    def take(self, output: Output) -> None:
        match output:
            case Exit():
                self.ended = output
            case OutputLine(stream=stream, text=text):
                self._line(stream, text)

    def _line(self, stream: str, text: str) -> None:
        self.longest_line = max(self.longest_line, len(text))
        self.bytes_told += len(text)
        self.leaked = self.leaked or self.secret in text
        if stream == "stderr":
            self.words = (self.words + " " + text[:WORDS_KEPT])[-WORDS_KEPT:]
        self.up = self.up or text == UP
        if text.startswith(TOLD):
            self.evidence = _evidence(text) or self.evidence


def _evidence(text: str) -> Evidence | None:
    """Believe a whole line of the expected shape only; hostile output may look like one."""
    try:
        told = json.loads(text.partition(" ")[2])
        return Evidence(dict(told["tried"]), dict(told["got"]), dict(told["facts"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def drive(
    sandbox: Sandbox, ref: SandboxRef, command: Command, how: How, meanwhile: Callable[[], None], heard: Heard
) -> float | None:
    """Run it; return the seconds from the order to no process left, None when it needed no order."""
    outputs = cast(Generator[Output], sandbox.execute(ref, command))
    try:
        if how not in {How.CLOSED, How.INTERRUPTED}:
            for output in outputs:
                heard.take(output)
            return None
        _until_up(outputs, heard)
        meanwhile()
        return _ordered(sandbox, ref, outputs, how, heard)
    finally:
        outputs.close()


def _until_up(outputs: Generator[Output], heard: Heard) -> None:
    for output in outputs:
        heard.take(output)
        if heard.up or heard.ended:
            break
    _listen(outputs, heard, RUNNING_SECONDS)


def _listen(outputs: Generator[Output], heard: Heard, seconds: float) -> None:
    """Take what comes for a while; a Tick comes at least each second, so this ends."""
    deadline = time.monotonic() + seconds
    while heard.ended is None and time.monotonic() < deadline:
        heard.take(next(outputs, Exit(code=None, seconds=0)))


def _ordered(sandbox: Sandbox, ref: SandboxRef, outputs: Generator[Output], how: How, heard: Heard) -> float:
    if how is How.INTERRUPTED:
        sandbox.interrupt(ref)
        _listen(outputs, heard, INTERRUPT_SECONDS)
    began = time.monotonic()
    outputs.close()
    gone(ref.id, ORDER_PATIENCE)
    return time.monotonic() - began
