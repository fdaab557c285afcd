"""Rows → domain values. Columns are named as the fields are; what a row lacks is fetched once for all rows."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select

from adapters.ledger.schema import run_dagster_runs, runs, ticket_dependencies, tickets
from domain.deliveries import Delivery
from domain.errors import NotFound
from domain.execution import Artifact, Event, Lease, Run
from domain.forge import PullRequest
from domain.governance import Approval, PolicyReport
from domain.governed import GovernanceReport
from domain.lifecycle import DEPENDENCY_MET
from domain.repositories import Repository
from domain.tickets import Manifest, Ticket


def manifest_json(manifest: Manifest) -> tuple[dict[str, Any], str]:
    """Return a manifest as stored, and the SHA-256 of its canonical form, which a key added later does not change."""
    told = manifest.model_dump(mode="json", exclude_defaults=True)
    digest = hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return manifest.model_dump(mode="json"), digest


def many(conn: Connection, query: Select[Any]) -> Sequence[RowMapping]:
    return conn.execute(query).mappings().all()


def one(conn: Connection, query: Select[Any]) -> RowMapping | None:
    return conn.execute(query).mappings().one_or_none()


def tickets_of(conn: Connection, rows: Sequence[RowMapping]) -> list[Ticket]:
    waiting = [row["id"] for row in rows if row["unmet_deps"]]
    blocked: dict[str, list[str]] = defaultdict(list)
    if waiting:
        query = (
            select(ticket_dependencies.c.ticket_id, ticket_dependencies.c.depends_on)
            .join(tickets, tickets.c.id == ticket_dependencies.c.depends_on)
            .where(ticket_dependencies.c.ticket_id.in_(waiting), tickets.c.stage.not_in(sorted(DEPENDENCY_MET)))
            .order_by(tickets.c.seq)
        )
        for row in many(conn, query):
            blocked[row["ticket_id"]].append(row["depends_on"])
    return [Ticket.model_validate({**row, "blocked_on": tuple(blocked[row["id"]])}) for row in rows]


def ticket_by_id(conn: Connection, ticket_id: str) -> Ticket:
    """Raises NotFound."""
    found = tickets_of(conn, many(conn, select(tickets).where(tickets.c.id == ticket_id)))
    if not found:
        raise NotFound(f"no ticket {ticket_id}", ticket=ticket_id)
    return found[0]


def runs_of(conn: Connection, rows: Sequence[RowMapping]) -> list[Run]:
    bound: dict[str, list[str]] = defaultdict(list)
    if rows:
        query = (
            select(run_dagster_runs)
            .where(run_dagster_runs.c.run_id.in_([row["id"] for row in rows]))
            .order_by(run_dagster_runs.c.fence, run_dagster_runs.c.bound_at)
        )
        for row in many(conn, query):
            bound[row["run_id"]].append(row["dagster_run_id"])
    return [Run.model_validate({**row, "dagster_run_ids": tuple(bound[row["id"]])}) for row in rows]


def run_by_id(conn: Connection, run_id: str) -> Run:
    """Raises NotFound."""
    found = runs_of(conn, many(conn, select(runs).where(runs.c.id == run_id)))
    if not found:
        raise NotFound(f"no run {run_id}", run=run_id)
    return found[0]


def lease_of(row: RowMapping) -> Lease:
    return Lease.model_validate(dict(row))


def event_of(row: RowMapping) -> Event:
    return Event.model_validate(dict(row))


def artifact_of(row: RowMapping) -> Artifact:
    return Artifact.model_validate({**row, "ref": {key: row[key] for key in ("sha256", "kind", "size", "name")}})


def report_of(row: RowMapping) -> PolicyReport:
    return PolicyReport.model_validate(dict(row))


def approval_of(row: RowMapping) -> Approval:
    return Approval.model_validate(dict(row))


def pull_request_of(row: RowMapping) -> PullRequest:
    return PullRequest.model_validate(dict(row))


def repository_of(row: RowMapping) -> Repository:
    return Repository.model_validate(dict(row))


def delivery_of(row: RowMapping) -> Delivery:
    return Delivery.model_validate(dict(row))


def governance_report_of(row: RowMapping) -> GovernanceReport:
    return GovernanceReport.model_validate(dict(row))
