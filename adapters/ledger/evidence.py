"""Artifacts, reports and pull requests of runs: EvidenceLedger over SQL."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Engine, select, tuple_, update

from adapters.ledger.engine import opened
from adapters.ledger.leases import check_held
from adapters.ledger.schema_evidence import artifacts, baselines, policy_reports, pull_requests
from adapters.ledger.transaction import Unit, insert_or_skip, transact, upsert
from domain.execution import ArtifactRef, LeaseRef
from domain.forge import PullRequest, PullRequestState
from domain.governance import CheckResult, PolicyReport
from domain.lifecycle import Component


class Evidence:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_artifact(self, lease: LeaseRef, ref: ArtifactRef, *, now: datetime) -> None:
        values = {**ref.model_dump(mode="json"), "run_id": lease.run_id, "created_at": now}
        self._fenced(lease, now, lambda unit: insert_or_skip(unit.conn, artifacts, values))

    def save_report(self, lease: LeaseRef, report: PolicyReport, *, now: datetime) -> None:
        told = report.model_dump(mode="json", exclude={"run_id", "judged_at"})
        values = {**told, "run_id": lease.run_id, "judged_at": report.judged_at}
        keys = ("run_id", "tree_sha")
        self._fenced(lease, now, lambda unit: upsert(unit.conn, policy_reports, values, keys=keys))

    def save_pull_request(self, lease: LeaseRef, pull_request: PullRequest, *, now: datetime) -> None:
        self._fenced(lease, now, lambda unit: _save_pull_request(unit, lease, pull_request))

    def save_baseline(self, repository: str, base_sha: str, verify_sha256: str, checks: Sequence[CheckResult]) -> None:
        keys = {"repository": repository, "base_sha": base_sha, "verify_sha256": verify_sha256}
        values = {**keys, "checks": [check.model_dump(mode="json") for check in checks]}
        with opened(self._engine, writing=True) as conn:
            upsert(conn, baselines, values, keys=tuple(keys))

    def find_baseline(self, repository: str, base_sha: str, verify_sha256: str) -> tuple[CheckResult, ...] | None:
        query = select(baselines.c.checks).where(
            baselines.c.repository == repository,
            baselines.c.base_sha == base_sha,
            baselines.c.verify_sha256 == verify_sha256,
        )
        with opened(self._engine) as conn:
            found = conn.execute(query).scalar_one_or_none()
        return None if found is None else tuple(CheckResult.model_validate(check) for check in found)

    def _fenced(self, lease: LeaseRef, now: datetime, write: Callable[[Unit], object]) -> None:
        def work(unit: Unit) -> None:
            check_held(unit, lease)
            write(unit)

        transact(self._engine, work, now=now, by=Component.EXECUTION)


def _save_pull_request(unit: Unit, lease: LeaseRef, pull_request: PullRequest) -> None:
    """One open pull request a ticket: storing another one closes what was open under another number."""
    told = pull_request.model_dump(mode="json", exclude={"created_at", "updated_at", "edits"})
    times = {"created_at": pull_request.created_at, "updated_at": pull_request.updated_at}
    ids = {"ticket_id": lease.ticket_id, "run_id": lease.run_id, "fence": lease.fence}
    names = (pull_requests.c.repository, pull_requests.c.number)
    others = (
        update(pull_requests)
        .where(pull_requests.c.ticket_id == lease.ticket_id, pull_requests.c.state == PullRequestState.OPEN)
        .where(tuple_(*names) != tuple_(pull_request.repository, pull_request.number))
    )
    unit.conn.execute(others.values(state=PullRequestState.CLOSED, updated_at=unit.now))
    keys = ("repository", "number")
    upsert(unit.conn, pull_requests, {**told, **times, **ids}, keys=keys, keep=("created_at",))
