"""An agent program and how to talk to it. A harness does no IO: a sandbox runs what it asks for."""

from typing import Protocol

from domain.harness import Brief, Command, HarnessEvent, HarnessOutcome, Traits
from domain.sandbox import Exit, OutputLine


class Session(Protocol):
    """The state of one conversation: fed line by line, in order."""

    def read(self, line: OutputLine) -> list[HarnessEvent]:
        """Return the canonical events of one line; a malformed line is a WARNING event, never an error."""

    def replies(self) -> str:
        """Return what to write to the program since last asked; only a command that `converses` reads it."""
        return ""

    def is_over(self) -> bool:
        """Tell whether its work is done, so that its input may be closed."""
        return False

    def interrupt(self) -> str:
        """Return what to write to ask it to stop; empty when only a signal does."""
        return ""

    def finish(self, exit: Exit) -> HarnessOutcome:  # noqa: A002
        """Return how it ended. Without a terminal event of its own the ending is INTERRUPTED,
        whatever the exit code."""


class Harness(Protocol):
    name: str
    trusted: bool  #: True only when it runs nothing but what an operator wrote: may run without isolation
    traits: Traits

    def command(self, brief: Brief) -> Command:
        """Return the program to start. The prompt never appears in argv.

        Raises:
            InvalidInput: the brief lacks what this harness needs.
        """

    def open(self, brief: Brief) -> Session: ...
