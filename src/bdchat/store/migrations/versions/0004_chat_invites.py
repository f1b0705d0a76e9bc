"""Invitations to chats, which the invited accept or decline. Who is in a chat already stays in it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chat_invite",
        sa.Column("invitation_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("username_key", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("is_declined", sa.Boolean(), nullable=False),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["chat_session.session_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("invitation_id"),
        sa.UniqueConstraint("session_id", "username_key"),
    )
    with op.batch_alter_table("chat_invite", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chat_invite_session_id"), ["session_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_chat_invite_username_key"), ["username_key"], unique=False)
