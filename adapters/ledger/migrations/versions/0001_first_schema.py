"""The first schema: every table, its partial indexes, and the triggers that keep history as it was written."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from adapters.ledger.migrations.triggers_0001 import create_triggers, drop_triggers

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LIVE = "released_at IS NULL"


def _stamps() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("product_id", sa.Text(), server_default=sa.text("'default'"), nullable=False),
        sa.Column("schema_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
    )


def _texts(*names: str) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, sa.Text(), nullable=False) for name in names)


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "baselines",
        *_texts("repository", "base_sha", "verify_sha256"),
        sa.Column("checks", sa.JSON(), nullable=False),
        *_stamps(),
        sa.PrimaryKeyConstraint("repository", "base_sha", "verify_sha256", name=op.f("pk_baselines")),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        *_stamps(),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "pauses",
        *_texts("scope", "reason", "actor"),
        sa.Column("paused_at", MOMENT, nullable=False),
        *_stamps(),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_pauses")),
    )
    op.create_table(
        "repositories",
        *_texts("name", "source", "forge", "remote"),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        *_stamps(),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_repositories")),
    )
    op.create_table(
        "service_beats",
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        *_stamps(),
        sa.PrimaryKeyConstraint("component", name=op.f("pk_service_beats")),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        *_texts("manifest_sha256", "idempotency_key", "repository", "harness", "lock", "risk"),
        sa.Column("priority_rank", sa.Integer(), nullable=False),
        sa.Column("unmet_deps", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("fence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts_base", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("completed_at", MOMENT, nullable=True),
        *_stamps(),
        sa.CheckConstraint("risk IN ('low', 'medium', 'high')", name=op.f("ck_tickets_risk")),
        sa.CheckConstraint(
            "stage IN ('queued', 'assigned', 'building', 'review', 'testing', 'shipped', 'failed', 'dead_letter')", name=op.f("ck_tickets_stage")
        ),
        sa.CheckConstraint("unmet_deps >= 0", name=op.f("ck_tickets_unmet_deps")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("product_id", "idempotency_key", name=op.f("uq_tickets_product_id_idempotency_key")),
        sa.UniqueConstraint("seq", name=op.f("uq_tickets_seq")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_tickets_ready", "tickets", ["stage", "priority_rank", "seq"], unique=False, **_where("stage = 'queued' AND unmet_deps = 0"))
    op.create_index(op.f("ix_tickets_stage_seq"), "tickets", ["stage", "seq"], unique=False)
    op.create_table(
        "webhook_inbox",
        sa.Column("id", SERIAL, nullable=False),
        *_texts("delivery_id", "source", "event"),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("processed_at", MOMENT, nullable=True),
        *_stamps(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_inbox")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_webhook_inbox_delivery_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "runs",
        *_texts("id", "ticket_id"),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("harness", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cancel_requested_by", sa.Text(), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("parent_run_id", sa.Text(), nullable=True),
        sa.Column("adopted_step", sa.Text(), nullable=True),
        sa.Column("environment", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("repository_commit", sa.Text(), nullable=True),
        sa.Column("sandbox", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("patch", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("validation", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("outcome", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("risk", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("usage", sa.JSON(), nullable=False),
        sa.Column("finished_steps", sa.JSON(), nullable=False),
        *_stamps(),
        sa.CheckConstraint("risk IN ('low', 'medium', 'high')", name=op.f("ck_runs_risk")),
        sa.CheckConstraint(
            "state IN ('claimed', 'running', 'awaiting_approval', 'succeeded', 'failed', 'timed_out', 'canceled')", name=op.f("ck_runs_state")
        ),
        sa.CheckConstraint("tier IN ('constrained', 'supervised', 'autonomous')", name=op.f("ck_runs_tier")),
        sa.ForeignKeyConstraint(["parent_run_id"], ["runs.id"], name=op.f("fk_runs_parent_run_id_runs")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_runs_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("ticket_id", "attempt", name=op.f("uq_runs_ticket_id_attempt")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(op.f("ix_runs_state_created_at"), "runs", ["state", "created_at"], unique=False)
    op.create_index("uq_runs_one_open", "runs", ["ticket_id"], unique=True, **_where("state IN ('claimed', 'running', 'awaiting_approval')"))
    op.create_table(
        "ticket_dependencies",
        *_texts("ticket_id", "depends_on"),
        *_stamps(),
        sa.CheckConstraint("ticket_id <> depends_on", name=op.f("ck_ticket_dependencies_itself")),
        sa.ForeignKeyConstraint(["depends_on"], ["tickets.id"], name=op.f("fk_ticket_dependencies_depends_on_tickets")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_dependencies_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("ticket_id", "depends_on", name=op.f("pk_ticket_dependencies")),
    )
    op.create_index(op.f("ix_ticket_dependencies_depends_on"), "ticket_dependencies", ["depends_on"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("id", SERIAL, nullable=False),
        *_texts("run_id", "ticket_id", "rule", "request_reason"),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("deadline", MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        *_stamps(),
        sa.CheckConstraint("state IN ('pending', 'approved', 'rejected')", name=op.f("ck_approvals_state")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_approvals_run_id_runs")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_approvals_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_approvals_run_id"), "approvals", ["run_id"], unique=False)
    op.create_index("uq_approvals_one_pending", "approvals", ["run_id"], unique=True, **_where("state = 'pending'"))
    op.create_table(
        "artifacts",
        sa.Column("id", SERIAL, nullable=False),
        *_texts("run_id", "sha256", "kind"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        *_stamps(),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_artifacts_run_id_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifacts")),
        sa.UniqueConstraint("run_id", "sha256", "kind", name=op.f("uq_artifacts_run_id_sha256_kind")),
    )
    op.create_table(
        "leases",
        sa.Column("id", SERIAL, nullable=False),
        *_texts("ticket_id", "run_id"),
        sa.Column("fence", sa.Integer(), nullable=False),
        *_texts("owner", "lock", "harness"),
        sa.Column("granted_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("dagster_run_id", sa.Text(), nullable=True),
        sa.Column("heartbeat_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("renewals", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("released_at", MOMENT, nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        *_stamps(),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_leases_run_id_runs"), initially="DEFERRED", deferrable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_leases_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leases")),
        sa.UniqueConstraint("ticket_id", "fence", name=op.f("uq_leases_ticket_id_fence")),
        postgresql_with={"fillfactor": 70},
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_leases_run_id"), "leases", ["run_id"], unique=False)
    op.create_index("uq_leases_one_live_lock", "leases", ["product_id", "lock"], unique=True, **_where(LIVE))
    op.create_index("uq_leases_one_live_ticket", "leases", ["ticket_id"], unique=True, **_where(LIVE))
    op.create_table(
        "policy_reports",
        sa.Column("id", SERIAL, nullable=False),
        *_texts("run_id", "base_sha", "tree_sha"),
        sa.Column("head_sha", sa.Text(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("verdicts", sa.JSON(), nullable=False),
        sa.Column("judged_at", MOMENT, nullable=False),
        *_stamps(),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_policy_reports_run_id_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_reports")),
        sa.UniqueConstraint("run_id", "tree_sha", name=op.f("uq_policy_reports_run_id_tree_sha")),
    )
    op.create_table(
        "pull_requests",
        sa.Column("id", SERIAL, nullable=False),
        *_texts("ticket_id", "run_id"),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        *_texts("url", "title", "branch", "base", "base_sha", "head_sha", "state"),
        sa.Column("reviewers", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("merged_by", sa.Text(), nullable=True),
        sa.Column("merge_sha", sa.Text(), nullable=True),
        *_stamps(),
        sa.CheckConstraint("state IN ('open', 'merged', 'closed')", name=op.f("ck_pull_requests_state")),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_pull_requests_run_id_runs")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_pull_requests_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_requests")),
        sa.UniqueConstraint("repository", "number", name=op.f("uq_pull_requests_repository_number")),
    )
    op.create_index("uq_pull_requests_one_open", "pull_requests", ["ticket_id"], unique=True, **_where("state = 'open'"))
    op.create_table(
        "run_dagster_runs",
        *_texts("dagster_run_id", "run_id"),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("bound_at", MOMENT, nullable=False),
        *_stamps(),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_dagster_runs_run_id_runs")),
        sa.PrimaryKeyConstraint("dagster_run_id", name=op.f("pk_run_dagster_runs")),
    )
    op.create_index(op.f("ix_run_dagster_runs_run_id"), "run_dagster_runs", ["run_id"], unique=False)
    op.create_table(
        "run_events",
        sa.Column("seq", SERIAL, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("event_version", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        *_texts("actor", "component"),
        sa.Column("payload", sa.JSON(), nullable=False),
        *_stamps(),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_events_run_id_runs")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_run_events_ticket_id_tickets")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_run_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_run_events_run_id_seq"), "run_events", ["run_id", "seq"], unique=False)
    op.create_index(op.f("ix_run_events_ticket_id_seq"), "run_events", ["ticket_id", "seq"], unique=False)
    op.execute("INSERT INTO counters (name, value) VALUES ('ticket', 0)")
    create_triggers(op.get_bind())


def downgrade() -> None:
    drop_triggers(op.get_bind())
    for table in (
        "run_events",
        "run_dagster_runs",
        "pull_requests",
        "policy_reports",
        "leases",
        "artifacts",
        "approvals",
        "ticket_dependencies",
        "runs",
        "webhook_inbox",
        "tickets",
        "service_beats",
        "repositories",
        "pauses",
        "counters",
        "baselines",
    ):
        op.drop_table(table)
