"""A ledger with a clock that stands still until a test moves it, and the moves tests start from."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from adapters.ledger.backlog import Backlog
from adapters.ledger.engine import make_engine
from adapters.ledger.evidence import Evidence
from adapters.ledger.governance import GovernanceReports
from adapters.ledger.heads import Heads
from adapters.ledger.inbox import InboxLedger
from adapters.ledger.lookup import LookupReader
from adapters.ledger.migrate import check_current
from adapters.ledger.operators import Operators
from adapters.ledger.oversight import OversightReader
from adapters.ledger.runs import Runs
from domain.errors import FactoryError, HarnessFailed
from domain.execution import ArtifactRef, ClaimRequest, Lease, LeaseRef, PatchRef, RunFacts, Step
from domain.failures import AttemptEnd
from domain.forge import PullRequest, PullRequestState
from domain.lifecycle import Component, RunState
from domain.tickets import Manifest, Risk, Ticket, TicketDraft

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TTL = 60.0
SHA = "a" * 40
LOG = ArtifactRef(sha256="b" * 64, kind="log", size=3, name="verify.log")
PATCH = PatchRef(
    artifact=ArtifactRef(sha256="c" * 64, kind="patch", size=9, name="change.patch"),
    base_sha=SHA,
    tree_sha="d" * 40,
    files_changed=1,
    lines_added=2,
    lines_removed=0,
)


def draft_of(key: str = "k", **front: Any) -> TicketDraft:
    manifest = Manifest.model_validate({"title": "Tidy", "repository": "calc", **front})
    lock = manifest.lock or key
    return TicketDraft(manifest=manifest, actor="ann", lock=lock, risk=Risk.LOW, idempotency_key=key)


def end_of(
    error: FactoryError | None = None, *, state: RunState = RunState.FAILED, retry_at: datetime | None = None
) -> AttemptEnd:
    return AttemptEnd(error=error or HarnessFailed("it said no"), run_state=state, retry_at=retry_at)


@dataclass
class Book:
    engine: Engine
    now: datetime = NOON
    keys: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.backlog = Backlog(self.engine)
        self.runs = Runs(self.engine)
        self.evidence = Evidence(self.engine)
        self.operators = Operators(self.engine)
        self.lookup = LookupReader(self.engine)
        self.oversight = OversightReader(self.engine)
        self.inbox = InboxLedger(self.engine)
        self.governance = GovernanceReports(self.engine)
        self.heads = Heads(self.engine)

    def move(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def file(self, key: str | None = None, **front: Any) -> Ticket:
        """Store a ticket; its lock is its own unless told."""
        return self.backlog.create_ticket(draft_of(key or f"key-{next(self.keys)}", **front), now=self.now)[0]

    def claim(
        self, ticket: Ticket | None = None, *, owner: str = "w", component: Component = Component.EXECUTION, **more: Any
    ) -> Lease | None:
        ticket_id = None if ticket is None else ticket.id
        request = ClaimRequest(ticket_id=ticket_id, owner=owner, ttl_seconds=TTL, **more)
        return self.backlog.claim_ticket(request, component=component, now=self.now)

    def leased(self, ticket: Ticket | None = None, **more: Any) -> LeaseRef:
        lease = self.claim(ticket or self.file(), **more)
        assert lease is not None
        return lease.ref

    def start(self, lease: LeaseRef, name: str | None = None) -> LeaseRef:
        dagster_run_id = name or f"dagster-{lease.run_id}-{lease.fence}"
        self.runs.start_run(lease, dagster_run_id=dagster_run_id, ttl_seconds=TTL, now=self.now)
        return lease

    def started(self, ticket: Ticket | None = None, **more: Any) -> LeaseRef:
        return self.start(self.leased(ticket, **more))

    def collected(self, ticket: Ticket | None = None) -> LeaseRef:
        lease = self.started(ticket)
        self.learn(lease, RunFacts(patch=PATCH), Step.COLLECT)
        return lease

    def learn(self, lease: LeaseRef, facts: RunFacts, step: Step | None = None) -> None:
        self.runs.record_facts(lease, facts, step=step, now=self.now)

    def waiting(self, ticket: Ticket | None = None) -> LeaseRef:
        lease = self.collected(ticket)
        self.ask(lease)
        return lease

    def ask(self, lease: LeaseRef) -> Any:
        deadline = self.now + timedelta(days=7)
        return self.runs.await_approval(lease, rule="tier", reason="high risk", deadline=deadline, now=self.now)

    def decide(self, run_id: str, *, approved: bool = True, actor: str = "ann") -> Any:
        return self.operators.decide_approval(run_id, approved=approved, actor=actor, reason="read it", now=self.now)

    def testing(self, ticket: Ticket | None = None) -> LeaseRef:
        lease = self.collected(ticket)
        self.evidence.save_pull_request(lease, pull_request_of(lease), now=self.now)
        self.backlog.complete_ticket(lease, verified=True, now=self.now)
        return lease

    def fail(self, lease: LeaseRef, end: AttemptEnd | None = None, by: Component = Component.EXECUTION) -> Ticket:
        return self.backlog.fail_ticket(lease, end=end or end_of(), component=by, now=self.now)

    def dead(self, ticket: Ticket | None = None) -> Ticket:
        return self.fail(self.started(ticket))

    def ticket(self, ticket_id: str) -> Ticket:
        return self.lookup.ticket(ticket_id)

    def events(self, ticket_id: str | None = None) -> list[str]:
        return [event.name for event in self.lookup.timeline(ticket_id=ticket_id)]

    def sql(self, statement: str, **values: Any) -> Any:
        """Run raw SQL, as somebody with a database shell would."""
        with self.engine.connect() as connection, connection.execution_options(writing=True).begin():
            result = connection.execute(text(statement), values)
            return result.all() if result.returns_rows else None


def pull_request_of(lease: LeaseRef, *, number: int | None = None, head_sha: str = SHA) -> PullRequest:
    return PullRequest(
        repository="calc",
        number=number or int(lease.ticket_id[2:]),
        url="file:///pr",
        title="Tidy",
        branch=f"factory/{lease.ticket_id}",
        base="main",
        base_sha=SHA,
        head_sha=head_sha,
        state=PullRequestState.OPEN,
        ticket_id=lease.ticket_id,
        run_id=lease.run_id,
        fence=lease.fence,
        created_at=NOON,
        updated_at=NOON,
    )


def open_book(url: str) -> Book:
    engine = make_engine(url)
    check_current(engine)
    return Book(engine)
