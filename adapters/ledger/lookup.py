"""Reads for people: Lookup over SQL."""

from collections.abc import Sequence

from sqlalchemy import Engine, select

from adapters.ledger.engine import opened
from adapters.ledger.rows import (
    artifact_of,
    event_of,
    many,
    one,
    pull_request_of,
    report_of,
    repository_of,
    runs_of,
    ticket_by_id,
    tickets_of,
)
from adapters.ledger.schema import repositories, run_events, runs, tickets
from adapters.ledger.schema_evidence import artifacts, policy_reports, pull_requests
from domain.errors import NotFound
from domain.execution import Artifact, Event, Run
from domain.forge import PullRequest, PullRequestState
from domain.governance import PolicyReport
from domain.lifecycle import RunState, Stage
from domain.repositories import Repository
from domain.tickets import Ticket


class LookupReader:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ticket(self, ticket_id: str) -> Ticket:
        with opened(self._engine) as conn:
            return ticket_by_id(conn, ticket_id)

    def tickets(self, *, stage: Stage | None = None, repository: str | None = None, limit: int = 1000) -> list[Ticket]:
        query = select(tickets).order_by(tickets.c.seq).limit(limit)
        if stage is not None:
            query = query.where(tickets.c.stage == stage)
        if repository is not None:
            query = query.where(tickets.c.repository == repository)
        with opened(self._engine) as conn:
            return tickets_of(conn, many(conn, query))

    def runs(self, *, ticket_id: str | None = None, state: RunState | None = None, limit: int = 1000) -> list[Run]:
        query = select(runs).order_by(runs.c.created_at, runs.c.ticket_id, runs.c.attempt).limit(limit)
        if ticket_id is not None:
            query = query.where(runs.c.ticket_id == ticket_id)
        if state is not None:
            query = query.where(runs.c.state == state)
        with opened(self._engine) as conn:
            return runs_of(conn, many(conn, query))

    def timeline(
        self, *, ticket_id: str | None = None, names: Sequence[str] = (), after_seq: int = 0, limit: int = 10_000
    ) -> list[Event]:
        query = select(run_events).where(run_events.c.seq > after_seq).order_by(run_events.c.seq).limit(limit)
        if ticket_id is not None:
            query = query.where(run_events.c.ticket_id == ticket_id)
        if names:
            query = query.where(run_events.c.name.in_(names))
        with opened(self._engine) as conn:
            return [event_of(row) for row in many(conn, query)]

    def evidence(self, run_id: str) -> tuple[list[Artifact], PolicyReport | None]:
        stored = select(artifacts).where(artifacts.c.run_id == run_id).order_by(artifacts.c.id)
        newest = (
            select(policy_reports)
            .where(policy_reports.c.run_id == run_id)
            .order_by(policy_reports.c.judged_at.desc(), policy_reports.c.id.desc())
            .limit(1)
        )
        with opened(self._engine) as conn:
            report = one(conn, newest)
            found = [artifact_of(row) for row in many(conn, stored)]
        return found, None if report is None else report_of(report)

    def pull_request(self, ticket_id: str) -> PullRequest | None:
        is_open = pull_requests.c.state == PullRequestState.OPEN
        query = select(pull_requests).where(pull_requests.c.ticket_id == ticket_id)
        with opened(self._engine) as conn:
            row = one(conn, query.order_by(is_open.desc(), pull_requests.c.id.desc()).limit(1))
        return None if row is None else pull_request_of(row)

    def repository(self, name: str) -> Repository:
        with opened(self._engine) as conn:
            row = one(conn, select(repositories).where(repositories.c.name == name))
        if row is None:
            raise NotFound(f"no repository {name[:100]!r}", repository=name[:100])
        return repository_of(row)
