"""Facts gathered about a change, verdicts of gates over them, and the report bound to one commit."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from domain.execution import ArtifactRef
from domain.model import Instant, Name, Record, Sha1, Value


class Verdict(StrEnum):
    """Ordered from harmless to blocking; unknown never passes."""

    SKIP = "skip"
    PASS = "pass"
    WARN = "warn"
    UNDETERMINED = "undetermined"
    FAIL = "fail"
    ERROR = "error"

    @property
    def rank(self) -> int:
        return list(Verdict).index(self)


class Origin(StrEnum):
    """Whose check it is: only the repository's own are compared with the base."""

    REPOSITORY = "repository"
    TICKET = "ticket"
    ACCEPTANCE = "acceptance"


class CheckResult(Value):
    """One command run in the clean sandbox. `failed_tests` is None when no test report was written."""

    command: str
    origin: Origin
    exit_code: int | None  #: None when it was killed or could not start
    reason: str | None = None
    seconds: float
    tests_run: int | None = None
    failed_tests: tuple[str, ...] | None = None
    turned_green: tuple[str, ...] = ()  #: tests known to fail on the base that were seen to pass
    log: ArtifactRef | None = None

    @property
    def passed(self) -> bool:
        return self.exit_code == 0


class FileChange(Value):
    path: str
    status: Annotated[str, Field(pattern="^[AMDRT]$")]
    binary: bool = False
    size: int = 0  #: bytes of the new content; 0 for a deletion
    mode: str = "100644"
    old_path: str | None = None


class SecretFinding(Value):
    path: str
    line: int
    kind: str


class Validation(Value):
    """The facts gates decide on, all about one tree. Lists that could not be gathered are None, not empty."""

    base_sha: Sha1
    tree_sha: Sha1
    patch_sha256: str
    replayed_tree_sha: Sha1
    checks: tuple[CheckResult, ...]
    baseline: tuple[CheckResult, ...] | None = None  #: the repository's checks on the base, when one failed
    files: tuple[FileChange, ...]
    lines_added: int
    lines_removed: int
    secrets: tuple[SecretFinding, ...] | None = None
    allowed_scope: tuple[str, ...] = ()  #: path patterns of the ticket or its profile; empty means all


class GateVerdict(Value):
    rule: Name
    verdict: Verdict
    mandatory: bool = True
    message: str
    evidence: tuple[ArtifactRef, ...] = ()
    command: str | None = None  #: how to reproduce it


class PolicyReport(Record):
    """All verdicts on one tree; `head_sha` is filled when the commit exists."""

    run_id: Name
    base_sha: Sha1
    tree_sha: Sha1
    head_sha: Sha1 | None = None
    verdict: Verdict
    verdicts: tuple[GateVerdict, ...]
    judged_at: Instant


class Clearance(StrEnum):
    OPEN = "open"
    NEEDS_APPROVAL = "needs_approval"
    REFUSED = "refused"


class Decision(Value):
    """What the autonomy policy says of a judged change, and which rule said it."""

    clearance: Clearance
    rule: str
    reason: str
    reviewers: tuple[str, ...] = ()


class ApprovalState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


#: rules under which a harness was stopped to wait: a yes lets it go on and approves no change
PAUSES: Final = frozenset({"budget", "interrupted"})


class Approval(Record):
    """A request for a person's word on one run, and that word."""

    id: int
    run_id: Name
    ticket_id: Name
    rule: str
    request_reason: str
    requested_at: Instant
    deadline: Instant
    state: ApprovalState = ApprovalState.PENDING
    actor: str | None = None
    reason: str | None = None
    decided_at: Instant | None = None
