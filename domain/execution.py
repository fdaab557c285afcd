"""Runs, leases, and the references that cross steps (never handles)."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt

from domain.assignments import Assignment
from domain.lifecycle import RunState
from domain.model import Instant, Name, Record, Sha1, Sha256, Value
from domain.tickets import Risk, Tier


class Step(StrEnum):
    """The eight steps of a ticket run, in order."""

    CLAIM = "claim"
    PROVISION = "provision"
    LAUNCH = "launch"
    COLLECT = "collect"
    VALIDATE = "validate"
    JUDGE = "judge"
    SUBMIT = "submit"
    FINALIZE = "finalize"


class ArtifactRef(Value):
    """Stored bytes named by their SHA-256; `kind` also decides the file name's ending."""

    sha256: Sha256
    kind: Name
    size: NonNegativeInt  #: bytes
    name: Annotated[str, Field(max_length=200)]


class Artifact(Record):
    ref: ArtifactRef
    run_id: Name
    created_at: Instant


class LeaseRef(Value):
    """What a run presents with every write; refused when the fence is old."""

    ticket_id: Name
    run_id: Name
    fence: int


class Lease(Record):
    id: int
    ticket_id: Name
    run_id: Name
    fence: int
    owner: str
    lock: str
    harness: str
    granted_at: Instant
    started_at: Instant | None = None
    heartbeat_at: Instant
    expires_at: Instant
    renewals: int = 0
    released_at: Instant | None = None
    release_reason: str | None = None

    @property
    def ref(self) -> LeaseRef:
        return LeaseRef(ticket_id=self.ticket_id, run_id=self.run_id, fence=self.fence)


class ClaimRequest(Value):
    """Ask for a lease: on one ticket, or (`ticket_id` None) on the first ready one.

    `max_running` and `harness_limits` are the room to respect; None and {} mean no limit.
    """

    ticket_id: Name | None = None
    owner: str
    ttl_seconds: float
    assignment: Assignment | None = None  #: whose place it takes; None: the harness that the ticket names
    by_hand: bool = False  #: also take a dead-lettered ticket (backfill, re-execution, a person)
    max_running: int | None = None
    harness_limits: dict[str, int] = {}


class SandboxRef(Value):
    backend: Name
    id: Name  #: also the marker by which leftovers are found


class PatchRef(Value):
    """A change, by digest: applied to `base_sha` it gives `tree_sha`."""

    artifact: ArtifactRef
    base_sha: Sha1
    tree_sha: Sha1
    files_changed: NonNegativeInt
    lines_added: NonNegativeInt
    lines_removed: NonNegativeInt


class Usage(Value):
    """What a run has used in all. Input does not count what was read from a cache; output counts reasoning."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    tool_calls: int = 0


class Handover(Value):
    """What an attempt that could not finish leaves for the one that goes on."""

    harness: Name
    session_id: str | None = None  #: of the harness; it goes on there when `session` is at hand
    session: ArtifactRef | None = None  #: the harness's own session files, as a tar archive
    patch: ArtifactRef | None = None  #: all it had changed, against `base_sha`
    base_sha: Sha1 | None = None
    summary: str = ""  #: what it said and did last


class RunEnvironment(Value):
    """What it takes to rebuild the workspace (LEDGER-26)."""

    base_sha: Sha1
    sandbox: str
    image_digest: str  #: id of the image its commands ran in; `host`: this machine's own programs
    environment_digest: str = ""  #: of the prepared environment
    tool_versions: dict[str, str]
    profile_sha256: Sha256  #: snapshot of the repository settings in force


class Run(Record):
    id: Name
    ticket_id: Name
    attempt: int
    state: RunState
    fence: int  #: of its newest lease
    harness: Name
    created_at: Instant
    updated_at: Instant
    finished_at: Instant | None = None
    reason_code: str | None = None
    reason: str | None = None
    cancel_requested_by: str | None = None
    cancel_reason: str | None = None
    interrupt_requested_by: str | None = None  #: somebody wants it paused
    interrupt_reason: str | None = None
    assignment: Assignment | None = None
    handover: Handover | None = None
    harness_until: Instant | None = None  #: its harness can do nothing before, for a reason outside the ticket
    parent_run_id: Name | None = None
    adopted_step: Step | None = None  #: a re-execution keeps its parent's references up to this step
    environment: RunEnvironment | None = None
    repository_commit: Sha1 | None = None
    sandbox: SandboxRef | None = None
    patch: PatchRef | None = None
    validation: ArtifactRef | None = None  #: domain.governance.Validation as JSON
    outcome: ArtifactRef | None = None  #: domain.harness.HarnessOutcome as JSON
    risk: Risk | None = None
    tier: Tier | None = None
    usage: Usage = Usage()
    dagster_run_ids: tuple[str, ...] = ()
    finished_steps: tuple[Step, ...] = ()


class RunFacts(Value):
    """What a step learned; None fields are left as they were. Stored on the run under its fence."""

    environment: RunEnvironment | None = None
    sandbox: SandboxRef | None = None
    patch: PatchRef | None = None
    validation: ArtifactRef | None = None
    outcome: ArtifactRef | None = None
    risk: Risk | None = None
    tier: Tier | None = None
    usage: Usage | None = None
    handover: Handover | None = None


class Event(Record):
    """One line of the append-only log; `payload` fits the catalogue entry of `name`."""

    seq: int
    name: str
    event_version: int = 1
    at: Instant
    ticket_id: Name | None = None
    run_id: Name | None = None
    actor: str
    component: str
    payload: dict[str, Any] = {}


class EventDraft(Value):
    """An event before the ledger numbers it; with a lease, ticket and run are the lease's."""

    name: str
    payload: dict[str, Any]
    ticket_id: Name | None = None
    run_id: Name | None = None
    actor: str = "factory"
    component: str = "execution"
