"""What governance said of one head commit, rule by rule; bound to it, replayable, superseded when the head moves."""

from typing import Annotated

from pydantic import Field

from domain.execution import ArtifactRef
from domain.findings import Severity
from domain.governance import Verdict
from domain.model import Instant, Name, Record, Sha1, Value


class RuleVerdict(Value):
    rule: Name
    verdict: Verdict
    severity: Severity
    mandatory: bool
    message: Annotated[str, Field(min_length=1)]  #: one line
    evidence: tuple[str, ...] = ()  #: lines a person can check: place, what, hint
    exclusions: tuple[str, ...] = ()  #: what was let through, until when and why; what no longer is
    logs: tuple[ArtifactRef, ...] = ()
    command: Annotated[str, Field(min_length=1)]  #: reproduces it; the tools' own follow, a line each
    files_read: int = 0
    seconds: float = 0.0


class ToolCost(Value):
    scanner: Name
    seconds: float
    cpu_seconds: float | None = None


class GovernanceReport(Record):
    id: Name
    repository: Name
    number: int | None = None  #: of the pull request; None: a path on a laptop
    base_sha: Sha1  #: the merge base, whose policy judged
    head_sha: Sha1
    policy_sha256: str
    facts: ArtifactRef | None = None  #: what the rules were given: replay judges it again
    verdict: Verdict
    verdicts: tuple[RuleVerdict, ...]
    tools: tuple[ToolCost, ...] = ()
    seconds: float = 0.0
    judged_at: Instant
    superseded_by: Sha1 | None = None
    advice: str = ""  #: a model's review, as it came; no verdict reads it
