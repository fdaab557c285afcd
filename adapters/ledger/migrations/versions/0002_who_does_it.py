"""Runs know who was chosen for them and why, what they leave for the next, and who wants them paused."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAMES = ("interrupt_requested_by", "interrupt_reason", "assignment", "handover", "harness_until")


def upgrade() -> None:
    op.add_column("runs", sa.Column("interrupt_requested_by", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("interrupt_reason", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("assignment", sa.JSON(), nullable=True))
    op.add_column("runs", sa.Column("handover", sa.JSON(), nullable=True))
    op.add_column("runs", sa.Column("harness_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in reversed(NAMES):
        op.drop_column("runs", name)
