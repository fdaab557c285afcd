"""Reads for dispatch, recovery and status: Oversight over SQL."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine, ScalarSelect, func, select

from adapters.ledger.engine import opened
from adapters.ledger.rows import approval_of, lease_of, many, repository_of
from adapters.ledger.schema import leases, pauses, repositories, runs, service_beats, tickets
from adapters.ledger.schema_evidence import approvals, policy_reports
from adapters.ledger.transaction import Unit, transact, upsert
from domain.execution import EventDraft, Lease
from domain.governance import Approval, ApprovalState, Verdict
from domain.lifecycle import Component, RunState
from domain.outcomes import RunOutcome
from domain.repositories import Repository

_ASSIGNED: Final = runs.c.assignment[("order", "profile", "profile", "name")].as_string()


class OversightReader:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def repositories(self) -> list[Repository]:
        with opened(self._engine) as conn:
            return [repository_of(row) for row in many(conn, select(repositories).order_by(repositories.c.name))]

    def live_leases(self) -> list[Lease]:
        query = select(leases).where(leases.c.released_at.is_(None)).order_by(leases.c.id)
        with opened(self._engine) as conn:
            return [lease_of(row) for row in many(conn, query)]

    def approvals(self, *, run_id: str | None = None, undispatched: bool = False) -> list[Approval]:
        query = select(approvals).order_by(approvals.c.id)
        if run_id is not None:
            query = query.where(approvals.c.run_id == run_id)
        if undispatched:
            waiting = select(runs.c.id).where(runs.c.state == RunState.AWAITING_APPROVAL)
            newest = (
                select(func.max(approvals.c.id)).where(approvals.c.run_id.in_(waiting)).group_by(approvals.c.run_id)
            )
            leased = select(leases.c.run_id).where(leases.c.released_at.is_(None))
            query = query.where(approvals.c.state == ApprovalState.APPROVED, approvals.c.id.in_(newest))
            query = query.where(approvals.c.run_id.not_in(leased))
        with opened(self._engine) as conn:
            return [approval_of(row) for row in many(conn, query)]

    def pauses(self) -> dict[str, str]:
        with opened(self._engine) as conn:
            return {row["scope"]: row["reason"] for row in many(conn, select(pauses).order_by(pauses.c.scope))}

    def outcomes(self, *, since: datetime | None = None, limit: int = 2000) -> list[RunOutcome]:
        query = (
            select(
                runs.c.id.label("run_id"),
                *(runs.c[name] for name in ("ticket_id", "harness", "attempt", "state", "reason_code", "usage")),
                runs.c.created_at.label("started_at"),
                runs.c.finished_at.label("ended_at"),
                runs.c.harness_until,
                runs.c.human_edit_rate,
                tickets.c.repository,
                func.coalesce(_ASSIGNED, tickets.c.manifest["profile"].as_string()).label("profile"),
                _newest_verdict().label("verdict"),
            )
            .join(tickets, tickets.c.id == runs.c.ticket_id)
            .order_by(runs.c.created_at.desc(), runs.c.id)
            .limit(limit)
        )
        if since is not None:
            query = query.where(runs.c.created_at >= since)
        with opened(self._engine) as conn:
            rows = many(conn, query)
        return [_outcome_of(dict(row)) for row in rows]

    def beat(self, component: str, *, now: datetime, told: EventDraft | None = None) -> None:
        def work(unit: Unit) -> None:
            upsert(unit.conn, service_beats, {"component": component, "at": now}, keys=("component",))
            if told is not None:
                event = unit.event(told.name, told.payload, ticket_id=None, run_id=None)
                unit.events.append({**event, "actor": told.actor, "component": told.component})

        transact(self._engine, work, now=now, by=Component.DISPATCH)

    def last_beat(self, component: str) -> datetime | None:
        query = select(service_beats.c.at).where(service_beats.c.component == component)
        with opened(self._engine) as conn:
            return conn.execute(query).scalar_one_or_none()


def _outcome_of(row: dict[str, Any]) -> RunOutcome:
    verdict = row.pop("verdict")
    verified = row["state"] == RunState.SUCCEEDED and verdict in (Verdict.PASS, Verdict.WARN)
    return RunOutcome.model_validate({**row, "verified": verified})


def _newest_verdict() -> ScalarSelect[str]:
    """Select the verdict of the newest report of the run in the outer query."""
    newest = select(policy_reports.c.verdict).where(policy_reports.c.run_id == runs.c.id)
    return newest.order_by(policy_reports.c.judged_at.desc(), policy_reports.c.id.desc()).limit(1).scalar_subquery()
