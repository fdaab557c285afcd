"""Where untrusted commands run. Git and every other program of a workspace run in here, never outside."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from domain.execution import SandboxRef
from domain.harness import Command
from domain.sandbox import Availability, Isolation, Mailbox, Output, SandboxSpec


class Interactive(Protocol):
    """What a sandbox that people may look into offers besides."""

    def interact(self, ref: SandboxRef, command: Command, terminal: int) -> int:
        """Run a command on a terminal of its own, joined to the caller's; return its exit code, negative for a signal.

        Raises:
            SandboxFailed: the sandbox is gone.
        """


@runtime_checkable
class Imaged(Protocol):
    """What a sandbox offers besides whose programs are those of an image. Any other refuses a spec with an `image`."""

    def image(self, wanted: str | None = None) -> str:
        """Return the id of an image by name, digest or id; of the sandbox's own one without.

        Raises:
            ImageUnavailable: it is not on this machine. SandboxFailed: nobody can tell.
        """


class Sandbox(Protocol):
    """Guarantees, proved by tests/adapters/sandbox/conformance.py on every implementation:

    the workspace is the working directory of every command; HOME is empty and private; only PATH, HOME, LANG,
    TMPDIR, FACTORY_OUT (a directory for results), FACTORY_SANDBOX (the marker of its processes) and the command's
    own environment are set. With `environment` given: FACTORY_ENVIRONMENT and, for a venv, VIRTUAL_ENV name it, its
    `bin` leads PATH, and the workspace's `src` and root are PYTHONPATH. A command with `network` gets the sandbox's
    door, if the spec has one; a sandbox that isolates has no other network, and one that does not has all of it.
    """

    name: str
    isolation: Isolation

    def provision(self, spec: SandboxSpec) -> SandboxRef:
        """Make the workspace: clone `mirror` at `commit`, without a remote, then apply `patch`. Repeating it
        with the same id starts from nothing again. A writable `environment` is made anew, empty; teardown makes it
        read-only for good.

        Raises:
            SandboxFailed: the machine cannot give it; nothing is left behind.
            ImageUnavailable: it cannot be made of the spec's `image`.
            PatchDoesNotApply: the patch does not fit the commit.
        """

    def execute(self, ref: SandboxRef, command: Command, mail: Mailbox | None = None) -> Iterator[Output]:
        """Run a command, yielding lines as they come, a Tick about every second, and one Exit last.

        Its input is `stdin` and ends there; with a mailbox (and a `stdin`, if only an empty one) it goes on with
        what is sent, until that is closed.

        Closing the iterator kills whatever the command started; so does its end, children included.
        At most `output_limit` bytes a stream are yielded; the rest is drained and counted.

        Raises:
            SandboxFailed: the sandbox is gone. A missing program is Exit(code=127), not an error.
        """

    def interrupt(self, ref: SandboxRef) -> None:
        """Ask the running command to stop (SIGINT to its process group); harmless when nothing runs."""

    def collect(self, ref: SandboxRef, name: str, *, limit: int) -> bytes | None:
        """Return a regular file of FACTORY_OUT by its plain name; None when it is missing or not a regular file.

        Never follows a link.

        Raises:
            PatchTooLarge: it has more than `limit` bytes.
        """

    def teardown(self, ref: SandboxRef) -> None:
        """Kill what still runs and remove the workspace; harmless when it is gone."""

    def leftovers(self) -> list[SandboxRef]:
        """Return every sandbox of this factory that exists on this machine."""

    def available(self) -> Availability:
        """Return whether it works on this machine, found out by using it."""
