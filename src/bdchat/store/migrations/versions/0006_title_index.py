"""An index over the titles' terms alone: which chats have a word in their title is then asked of no message."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# SQLite finds the terms in the index itself; PostgreSQL's takes no row of that length.
COLUMNS = {"sqlite": "session_id, entry_id, terms", "postgresql": "session_id"}


def upgrade() -> None:
    columns = COLUMNS[op.get_bind().dialect.name]
    op.execute(f"CREATE INDEX search_index_titles ON search_entry ({columns}) WHERE message_id IS NULL")
