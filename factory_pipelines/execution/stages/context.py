"""What every stage works with, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.forge.contract import Forge
from domain.errors import NotFound
from domain.execution import ArtifactRef, EventDraft, LeaseRef, Run, RunFacts, SandboxRef, Step
from domain.governance import PolicyReport
from domain.repositories import Repository
from domain.tickets import Ticket
from resources.doors import tell_attempts
from resources.run_log import log_event
from resources.sandboxes import remove
from resources.wiring import Factory
from sensors.pulse import Pulse

Metadata = Mapping[str, str | int | float | bool]


@dataclass(frozen=True)
class Presented:
    """Who calls a step: one Dagster run, with what its tags claim; `parent` is the Dagster run it re-executes."""

    ticket_id: str
    dagster_run_id: str
    run_id: str | None = None
    fence: int | None = None
    parent: str | None = None


@dataclass
class RunContext:
    """One step's view of its run; `run` is brought up to date by each recorded fact."""

    factory: Factory
    ticket: Ticket
    run: Run
    lease: LeaseRef
    repository: Repository
    pulse: Pulse

    @property
    def forge(self) -> Forge:
        return self.factory.forges[self.repository.forge]

    @property
    def base(self) -> str:
        return self.ticket.manifest.base or self.repository.settings.base

    def record(self, facts: RunFacts, step: Step | None = None) -> None:
        self.run = self.factory.run_ledger.record_facts(self.lease, facts, step=step, now=self.factory.now())

    def event(self, name: str, **payload: object) -> None:
        self.events(name, [payload])

    def events(self, name: str, payloads: Sequence[Mapping[str, object]]) -> None:
        """Record events of one name, in their order and all at once."""
        drafts = [EventDraft(name=name, payload=dict(payload)) for payload in payloads]
        if drafts:
            self.factory.run_ledger.record_events(drafts, lease=self.lease, now=self.factory.now())
        for payload in payloads:
            log_event(self.factory, self.run, name, payload)

    def keep(self, content: bytes, *, kind: str, name: str) -> ArtifactRef:
        """Store bytes and record them as this run's artifact."""
        ref = self.factory.artifacts.put(content, kind=kind, name=name)
        self.factory.evidence.add_artifact(self.lease, ref, now=self.factory.now())
        return ref

    def provisioned(self, ref: SandboxRef, base_sha: str, image: str | None) -> None:
        """Record a sandbox that was made, with the id of its image when it is made of one."""
        made_of = {"image": image} if image else {}
        self.event("sandbox_provisioned", backend=ref.backend, sandbox=ref.id, base_sha=base_sha, **made_of)

    def remove_sandbox(self, ref: SandboxRef | None) -> None:
        if ref is None or ref.backend not in self.factory.sandboxes:
            return
        tell_attempts(self.factory, self.run, ref)
        remove(self.factory, ref)
        self.event("sandbox_removed", backend=ref.backend, sandbox=ref.id)

    def report(self) -> PolicyReport:
        """Return the policy report of this run, or the one of the run it carries on, which becomes its own.

        Raises:
            NotFound: nothing was judged.
        """
        _artifacts, report = self.factory.lookup.evidence(self.run.id)
        if report is None and self.run.parent_run_id is not None:
            _artifacts, parent = self.factory.lookup.evidence(self.run.parent_run_id)
            if parent is not None:
                report = parent.model_copy(update={"run_id": self.run.id})
                self.factory.evidence.save_report(self.lease, report, now=self.factory.now())
        if report is None:
            raise NotFound(f"{self.run.id} has no policy report")
        return report

    def required(self, name: str) -> object:
        """Return a reference an earlier step must have left on the run."""
        value = getattr(self.run, name)
        if value is None:
            raise NotFound(f"{self.run.id} has no {name}: an earlier step did not finish")
        return value


@dataclass(frozen=True)
class StepResult:
    """`cleared` False means the steps after this one must not run: refused for now, or waiting for a person."""

    metadata: Metadata = field(default_factory=dict)
    cleared: bool = True
    report: PolicyReport | None = None
