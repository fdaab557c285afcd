"""Runs know how much of their merged change people made."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("human_edit_rate", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "human_edit_rate")
