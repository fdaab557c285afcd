"""What scanners saw in a tree, and how far they got: a scan that did not happen is never an empty one."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.execution import ArtifactRef
from domain.model import Name, Value


class Severity(StrEnum):
    """Ordered from harmless to worst."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class ScanState(StrEnum):
    COMPLETED = "completed"
    MISSING = "missing"  #: its program, or its rules or data, are not there
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OFFLINE = "offline"  #: what it has to ask did not answer


class Finding(Value):
    """One thing a scanner saw. The fingerprint stays when lines move; paths are the repository's."""

    scanner: Name
    rule: str  #: the scanner's own name of it: B602, python-sql-format, PYSEC-2019-217
    severity: Severity
    path: str
    line: int | None = None
    text: Annotated[str, Field(max_length=1000)]  #: one line
    hint: Annotated[str, Field(max_length=1000)] = ""  #: what to do about it
    package: str | None = None
    version: str | None = None
    source: str | None = None  #: address or record of the evidence
    fingerprint: str


class Leak(Value):
    """A secret in what was written down of a change beside its files. Its value is nowhere kept."""

    place: str  #: `manifest of T-1`, `log verify.log of T-1-r1`
    line: int
    kind: str


class Scan(Value):
    """What one scanner made of the files it was given at one commit."""

    scanner: Name
    version: str = ""
    state: ScanState
    reason: str = ""  #: why it did not complete
    files_given: tuple[str, ...]
    files_read: tuple[str, ...] = ()  #: by its own account
    alive: bool = False  #: it found the defect that was planted for it
    findings: tuple[Finding, ...] = ()
    command: str = ""  #: that runs it again in a checkout
    exit_code: int | None = None
    seconds: float = 0.0
    cpu_seconds: float | None = None
    log: ArtifactRef | None = None

    @property
    def known(self) -> bool:
        """Tell whether silence of this scan means something."""
        unread = set(self.files_given) - set(self.files_read)
        return self.state is ScanState.COMPLETED and self.alive and not unread
