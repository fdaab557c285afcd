"""Reports of governance: GovernanceLedger over SQL."""

from sqlalchemy import Connection, Engine, delete, func, select, update

from adapters.ledger.engine import opened
from adapters.ledger.rows import governance_report_of, many, one
from adapters.ledger.schema_reviews import governance_reports
from adapters.ledger.transaction import upsert
from domain.errors import NotFound
from domain.governed import GovernanceReport


class GovernanceReports:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(self, report: GovernanceReport) -> None:
        values = {**report.model_dump(mode="json"), "judged_at": report.judged_at}
        with opened(self._engine, writing=True) as conn:
            if report.number is not None:
                _take_turn(conn, report)
                _make_room(conn, report)
            upsert(conn, governance_reports, values, keys=("id",))

    def find(self, report_id: str) -> GovernanceReport:
        with opened(self._engine) as conn:
            row = one(conn, select(governance_reports).where(governance_reports.c.id == report_id))
        if row is None:
            raise NotFound(f"no governance report {report_id!r}", report=report_id)
        return governance_report_of(row)

    def reports(
        self, *, repository: str | None = None, number: int | None = None, limit: int = 100
    ) -> list[GovernanceReport]:
        columns = governance_reports.c
        query = select(governance_reports).order_by(columns.judged_at.desc(), columns.id.desc()).limit(limit)
        if repository is not None:
            query = query.where(columns.repository == repository)
        if number is not None:
            query = query.where(columns.number == number)
        with opened(self._engine) as conn:
            return [governance_report_of(row) for row in many(conn, query)]


def _take_turn(conn: Connection, report: GovernanceReport) -> None:
    """Two heads of one pull request saved at once would not see each other; SQLite's writers take turns anyway."""
    if conn.dialect.name == "postgresql":
        pull = f"governance {report.repository} {report.number}"
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(pull, 0))))


def _make_room(conn: Connection, report: GovernanceReport) -> None:
    columns = governance_reports.c
    pull = (columns.repository == report.repository) & (columns.number == report.number) & (columns.id != report.id)
    same_head = columns.head_sha == report.head_sha
    again = pull & same_head & (columns.policy_sha256 == report.policy_sha256)
    conn.execute(delete(governance_reports).where(again))
    if report.superseded_by is None:
        older = pull & ~same_head & columns.superseded_by.is_(None)
        conn.execute(update(governance_reports).where(older).values(superseded_by=report.head_sha))
