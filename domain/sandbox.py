"""What passes between a sandbox and whoever works in it."""

from enum import StrEnum
from typing import Final

from domain.model import Name, Sha1, Value

HOST: Final = "host"  #: instead of an image's id: the programs are this machine's


class Isolation(StrEnum):
    NONE = "none"  #: trusted commands only
    NAMESPACES = "namespaces"
    CONTAINER = "container"


class Availability(Value):
    """Whether a sandbox works on this machine, and what to know or why not."""

    works: bool
    detail: str
    remedy: str | None = None  #: the one command that would fix it
    toolchain: str = HOST  #: whose programs commands see: this machine's, or those of an image by digest


class SandboxSpec(Value):
    """A workspace to make: `/`-less names, absolute host paths that the control plane owns."""

    id: Name
    run_id: Name
    mirror: str | None  #: bare repository to clone from; None gives an empty workspace
    commit: Sha1 | None
    patch: str | None = None  #: file with a patch to apply on the commit
    environment: str | None = None  #: where a prepared environment is kept, seen read-only
    environment_writable: bool = False  #: only while `setup` runs
    environment_is_venv: bool = False
    door: str | None = None  #: host directory with the door's socket and relay, seen read-only at /run/egress
    image: str | None = None  #: that it is made of, by digest or id; only for a sandbox made of images. None: its own
    agents: str | None = None  #: folder with the agent programs, seen read-only at /opt/agents where no image has them
    scanners: str | None = None  #: folder with the scanner programs, seen read-only at /opt/scanners likewise
    memory_bytes: int = 4 * 1024**3
    processes: int = 512
    cpus: float = 2.0
    disk_bytes: int = 4 * 1024**3
    disk_files: int = 500_000


class OutputLine(Value):
    """One line of output, without its end. Lines longer than 1 MB are split."""

    stream: str  #: stdout or stderr
    text: str
    goes_on: bool = False  #: it was split; the rest is in the next ones of its stream


class Tick(Value):
    """Nothing was written for a moment; the caller may look at clocks and flags."""

    idle_seconds: float
    cpu_seconds: float | None = None  #: spent by the sandbox so far, where it can be told


class Exit(Value):
    """The last thing an execution yields."""

    code: int | None  #: None when a signal ended it
    signal: int | None = None
    seconds: float
    timed_out: bool = False
    truncated: bool = False  #: output beyond the limit was dropped
    dropped_bytes: int = 0
    out_of_memory: bool = False  #: something in the sandbox was killed for want of memory
    cpu_seconds: float | None = None


Output = OutputLine | Tick | Exit


class Mailbox:
    """What a running command still gets to read on its standard input, in order; the sandbox takes it out."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self.is_closed = False

    def send(self, text: str) -> None:
        self._waiting.append(text)

    def close(self) -> None:
        """Let the command see the end of its input once it has read what was sent."""
        self.is_closed = True

    def take(self) -> str:
        """Return what was sent since last asked."""
        text, self._waiting = "".join(self._waiting), []
        return text
