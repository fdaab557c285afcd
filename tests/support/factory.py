"""A real factory in a temporary home: real git, real SQLite, real sandboxes; only the clock can be moved."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from domain.errors import FactoryError
from domain.execution import Lease, Step
from domain.repositories import Repository, RepositorySettings
from domain.tickets import Manifest, Ticket, TicketDraft
from factory_pipelines.execution.stages.context import Presented, StepResult
from factory_pipelines.execution.stages.runner import run_step
from policy.risk import initial_risk
from resources.settings import load_settings
from resources.wiring import Factory, open_factory
from sensors.supervisor import RunSupervisor
from tests.support.repositories import make_repository

VERIFY = "python3 -m unittest -q"
FIX = "sed -i 's/x \\* 2/2 * x/' calc.py"
BREAK = "sed -i 's/x \\* 2/x * 3/' calc.py"
AFTER_APPROVAL = (Step.VALIDATE, Step.JUDGE, Step.SUBMIT, Step.FINALIZE)


@dataclass
class Clock:
    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class World:
    """One factory with one enrolled repository, `calc`."""

    factory: Factory
    source: Path
    clock: Clock = field(default_factory=Clock)

    def file(self, **front: Any) -> Ticket:
        told = {"title": "Tidy calc", "repository": "calc", "commands": [FIX], **front}
        manifest = Manifest.model_validate(told)
        draft = TicketDraft(
            manifest=manifest,
            actor="ann",
            lock=manifest.lock or manifest.repository,
            risk=initial_risk(manifest, True),
            idempotency_key=manifest.idempotency_key or uuid.uuid4().hex,
        )
        return self.factory.backlog.create_ticket(draft, now=self.factory.now())[0]

    def ticket(self, ticket: Ticket) -> Ticket:
        return self.factory.lookup.ticket(ticket.id)

    def dispatch(self, ticket: Ticket) -> Lease:
        return RunSupervisor(self.factory).dispatch(ticket.id).granted[0]

    def present(self, lease: Lease, dagster_run_id: str | None = None) -> Presented:
        return Presented(
            ticket_id=lease.ticket_id,
            dagster_run_id=dagster_run_id or uuid.uuid4().hex,
            run_id=lease.run_id,
            fence=lease.fence,
        )

    def steps(self, presented: Presented, steps: tuple[Step, ...] = tuple(Step)) -> list[StepResult]:
        """Run steps as a Dagster run would, stopping where the way is not clear."""
        results = []
        for step in steps:
            results.append(run_step(self.factory, presented, step))
            if not results[-1].cleared:
                break
        return results

    def run(self, ticket: Ticket) -> FactoryError | None:
        """Dispatch and run one attempt; return the error that ended it."""
        try:
            self.steps(self.present(self.dispatch(ticket)))
        except FactoryError as error:
            return error
        return None

    def names(self, ticket: Ticket) -> list[str]:
        return [event.name for event in self.factory.lookup.timeline(ticket_id=ticket.id)]


def make_world(folder: Path, *, files: dict[str, str | bytes] | None = None, **settings: Any) -> World:
    source = make_repository(folder / "source", files)
    clock = Clock()
    factory = replace(open_factory(load_settings(folder / "home"), migrate=True), now=clock)
    enrol(factory, source, **settings)
    return World(factory=factory, source=source, clock=clock)


def enrol(factory: Factory, source: Path, name: str = "calc", **settings: Any) -> Repository:
    remote, base = factory.forges["local"].enrol(name, str(source), None)
    told = {"base": base, "verify": [VERIFY], **settings}
    repository = Repository(
        name=name,
        source=str(source),
        remote=remote,
        settings=RepositorySettings.model_validate(told),
        created_at=factory.now(),
        created_by="ann",
    )
    factory.operators.save_repository(repository, actor="ann", now=factory.now())
    return repository
