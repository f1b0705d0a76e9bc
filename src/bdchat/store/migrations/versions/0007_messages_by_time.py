"""What somebody wrote is listed by when it was written: an imported message's id is as young as its import."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_message_author", table_name="message")
    op.create_index("ix_message_author", "message", ["author_id", "created_at_ms", "message_id"])
