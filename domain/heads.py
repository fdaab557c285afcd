"""Heads of pull requests that governance is to judge: of each pull request the newest; a row of the ledger is the only
thing that starts it."""

from enum import StrEnum

from domain.execution import ArtifactRef
from domain.model import Instant, Name, Record, Sha1, Value


class HeadState(StrEnum):
    WANTED = "wanted"  #: to be judged, not before `not_before`
    ASKED = "asked"  #: a Dagster run was asked for, or is at it
    TOLD = "told"  #: the forge shows its report
    FAILED = "failed"  #: its tries are spent: a person asks again
    GONE = "gone"  #: the pull request is not open any more


class HeadRef(Value):
    """What a Dagster run presents with every write; refused when the head moved or a newer fence was granted."""

    repository: Name
    number: int
    head_sha: Sha1
    fence: int


class WantedHead(Record):
    repository: Name
    number: int
    head_sha: Sha1
    policy_sha256: str  #: of the operator's policy in force when it was wanted
    state: HeadState = HeadState.WANTED
    fence: int = 0  #: rises with each Dagster run asked for
    tries: int = 0  #: at this head and policy
    wanted_at: Instant
    not_before: Instant
    expires_at: Instant | None = None  #: of an asked one: who is silent until then is dead
    holder: str = ""  #: the Dagster run that began by itself, without being asked for
    facts: ArtifactRef | None = None  #: what the rules are given, as JSON
    seconds: float = 0.0  #: that gathering them took
    report_id: Name | None = None
    reason: str = ""  #: of its state

    @property
    def partition(self) -> str:
        return f"{self.repository}#{self.number}@{self.head_sha[:12]}"

    @property
    def ref(self) -> HeadRef:
        return HeadRef(repository=self.repository, number=self.number, head_sha=self.head_sha, fence=self.fence)

    @property
    def run_key(self) -> str:
        """Return what makes asking idempotent: head, policy and fence."""
        return f"{self.repository}#{self.number}@{self.head_sha}:{self.policy_sha256[:12]}:{self.fence}"
