"""What an account may ask of the models at once and in a minute, keys for bulk work, and prompts that an admin pins."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user", sa.Column("max_running", sa.Integer(), nullable=True))
    op.add_column("user", sa.Column("max_queued", sa.Integer(), nullable=True))
    op.add_column("user", sa.Column("tokens_per_minute", sa.Integer(), nullable=True))
    op.add_column("api_key", sa.Column("is_bulk", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "pinned_prompt",
        sa.Column("pin_id", sa.String(64), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("system_prompt", sa.Text(), server_default="", nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(64), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.user_id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("pin_id"),
    )
    op.create_index(op.f("ix_pinned_prompt_created_by"), "pinned_prompt", ["created_by"])
