"""Webhook deliveries are stored once and decided on later; governance's reports are kept."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STATES = "state IN ('waiting', 'done', 'ignored', 'failed')"


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
    op.drop_table("webhook_inbox")  # never written to
    _create_deliveries()
    _create_governance_reports()


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        *_texts("id", "forge", "event", "action", "repository"),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        *_texts("state", "outcome"),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("retry_at", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *_stamps(),
        sa.CheckConstraint(STATES, name=op.f("ck_deliveries_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_deliveries_waiting", "deliveries", ["received_at", "id"], unique=False, **_where("state = 'waiting'")
    )
    op.create_index(op.f("ix_deliveries_received_at_id"), "deliveries", ["received_at", "id"], unique=False)


def _create_governance_reports() -> None:
    op.create_table(
        "governance_reports",
        *_texts("id", "repository"),
        sa.Column("number", sa.Integer(), nullable=True),
        *_texts("base_sha", "head_sha", "policy_sha256", "verdict"),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("verdicts", sa.JSON(), nullable=False),
        sa.Column("tools", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("judged_at", MOMENT, nullable=False),
        sa.Column("superseded_by", sa.Text(), nullable=True),
        *_texts("advice"),
        *_stamps(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_governance_reports")),
    )
    pull = ["repository", "number"]
    op.create_index(
        "uq_governance_reports_head",
        "governance_reports",
        [*pull, "head_sha", "policy_sha256"],
        unique=True,
        **_where("number IS NOT NULL"),
    )
    for columns in ([*pull, "judged_at"], ["judged_at"]):
        name = op.f(f"ix_governance_reports_{'_'.join(columns)}")
        op.create_index(name, "governance_reports", columns, unique=False)


def downgrade() -> None:
    op.drop_table("governance_reports")
    op.drop_table("deliveries")
    op.create_table(
        "webhook_inbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *_texts("delivery_id", "source", "event"),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("processed_at", MOMENT, nullable=True),
        *_stamps(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_inbox")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_webhook_inbox_delivery_id")),
        sqlite_autoincrement=True,
    )
