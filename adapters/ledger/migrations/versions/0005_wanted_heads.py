"""Heads of pull requests wait in the ledger until governance has judged them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STATES = "state IN ('wanted', 'asked', 'told', 'failed', 'gone')"
AT_WORK = sa.text("state IN ('wanted', 'asked')")


def upgrade() -> None:
    op.create_table(
        "wanted_heads",
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("head_sha", "policy_sha256", "state")),
        *(sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False) for name in ("fence", "tries")),
        *(sa.Column(name, MOMENT, nullable=False) for name in ("wanted_at", "not_before")),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("seconds", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), server_default=sa.text("'default'"), nullable=False),
        sa.Column("schema_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(STATES, name=op.f("ck_wanted_heads_state")),
        sa.PrimaryKeyConstraint("repository", "number", name=op.f("pk_wanted_heads")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_wanted_heads_at_work",
        "wanted_heads",
        ["wanted_at"],
        unique=False,
        postgresql_where=AT_WORK,
        sqlite_where=AT_WORK,
    )


def downgrade() -> None:
    op.drop_table("wanted_heads")
