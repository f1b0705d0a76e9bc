"""All tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Full text over search_entry.terms. Terms are split already: the ascii tokenizer takes every letter beyond ASCII as
# part of a word, so that both databases see the same terms. Column sizes serve ranking by relevance, which we do not.
SEARCH_INDEX = {
    "sqlite": (
        "CREATE VIRTUAL TABLE search_index USING fts5("
        "terms, content='search_entry', content_rowid='entry_id', tokenize='ascii', columnsize=0)",
        "CREATE TRIGGER search_index_insert AFTER INSERT ON search_entry BEGIN"
        " INSERT INTO search_index(rowid, terms) VALUES (new.entry_id, new.terms); END",
        "CREATE TRIGGER search_index_delete AFTER DELETE ON search_entry BEGIN"
        " INSERT INTO search_index(search_index, rowid, terms) VALUES ('delete', old.entry_id, old.terms); END",
        "CREATE TRIGGER search_index_update AFTER UPDATE ON search_entry BEGIN"
        " INSERT INTO search_index(search_index, rowid, terms) VALUES ('delete', old.entry_id, old.terms);"
        " INSERT INTO search_index(rowid, terms) VALUES (new.entry_id, new.terms); END",
    ),
    # Not to_tsvector: its parser depends on the locale, and positions would cost a megabyte's bound far earlier.
    "postgresql": (
        "CREATE INDEX search_index_terms ON search_entry USING gin (array_to_tsvector(string_to_array(terms, ' ')))",
    ),
}


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.String(), nullable=False),
        sa.Column("actor_name", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("detail", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_action"), ["action"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entry_at_ms"), ["at_ms"], unique=False)

    op.create_table(
        "server_state",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "usage_day",
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("num_requests", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("num_messages", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("engine_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("user_id", "day", "model"),
    )
    op.create_table(
        "user",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("username_key", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("is_disabled", sa.Boolean(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("preferences", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("quota_bytes", sa.BigInteger(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("user_id"),
        sa.UniqueConstraint("username_key"),
    )
    op.create_table(
        "api_key",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.user_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key_id"),
        sa.UniqueConstraint("key_hash"),
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_key_user_id"), ["user_id"], unique=False)

    op.create_table(
        "chat_session",
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_source", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("is_pinned", sa.Boolean(), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.Column("head_message_id", sa.String(length=64), nullable=True),
        sa.Column("num_messages", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("source_id", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.user_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id"),
        sa.UniqueConstraint("user_id", "source_id"),
    )
    with op.batch_alter_table("chat_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chat_session_user_id"), ["user_id"], unique=False)
        batch_op.create_index("ix_session_recent", ["user_id", "updated_at_ms", "session_id"], unique=False)

    op.create_table(
        "invitation",
        sa.Column("invitation_id", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("used_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["user.user_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["used_by"], ["user.user_id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("invitation_id"),
        sa.UniqueConstraint("code_hash"),
    )
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitation_created_by"), ["created_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_invitation_used_by"), ["used_by"], unique=False)

    op.create_table(
        "login_token",
        sa.Column("login_id", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.user_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("login_id"),
        sa.UniqueConstraint("token_hash"),
    )
    with op.batch_alter_table("login_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_token_user_id"), ["user_id"], unique=False)

    op.create_table(
        "message",
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.String(length=64), nullable=True),
        sa.Column("author_id", sa.String(length=64), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("finish_reason", sa.String(), nullable=True),
        sa.Column("token_count", sa.Integer(), nullable=True),
        sa.Column("processing_time_ms", sa.Integer(), nullable=True),
        sa.Column("client_message_id", sa.String(length=128), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["message.message_id"], ondelete="NO ACTION"),
        sa.ForeignKeyConstraint(["session_id"], ["chat_session.session_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id"),
        sa.UniqueConstraint("session_id", "client_message_id"),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index("ix_message_author", ["author_id", "message_id"], unique=False)
        batch_op.create_index("ix_message_children", ["session_id", "parent_id", "message_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_session_id"), ["session_id"], unique=False)

    op.create_table(
        "session_config",
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("temperature", sa.Float(), nullable=True),
        sa.Column("top_p", sa.Float(), nullable=True),
        sa.Column("max_tokens", sa.Integer(), nullable=True),
        sa.Column("system_prompt", sa.Text(), server_default="", nullable=False),
        sa.Column("context_overflow", sa.String(), nullable=False),
        sa.Column("params", sa.JSON(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["chat_session.session_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_table(
        "session_member",
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["chat_session.session_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.user_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", "user_id"),
    )
    op.create_table(
        "share_link",
        sa.Column("link_id", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["chat_session.session_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("link_id"),
        sa.UniqueConstraint("token_hash"),
    )
    with op.batch_alter_table("share_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_share_link_session_id"), ["session_id"], unique=False)

    op.create_table(
        "generation",
        sa.Column("generation_id", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=True),
        sa.Column("message_id", sa.String(length=64), nullable=True),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("wire", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("num_prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("prefix", sa.Text(), server_default="", nullable=False),
        sa.Column("content", sa.Text(), server_default="", nullable=False),
        sa.Column("tokens", sa.LargeBinary(), nullable=False),
        sa.Column("finish_reason", sa.String(), nullable=True),
        sa.Column("usage", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("error", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("num_resumes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=False),
        sa.Column("lease_expires_at_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["message.message_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["session_id"], ["chat_session.session_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("generation_id"),
    )
    with op.batch_alter_table("generation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_generation_message_id"), ["message_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_generation_session_id"), ["session_id"], unique=False)
        batch_op.create_index("ix_generation_state", ["state", "lease_expires_at_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_generation_user_id"), ["user_id"], unique=False)

    op.create_table(
        "message_metadata",
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("model_version", sa.String(), nullable=False),
        sa.Column("prompt_template", sa.String(), nullable=False),
        sa.Column("model_params", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("queue_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("prefill_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("decode_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("num_dropped_messages", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("extra", sa.JSON(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.message_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_table(
        "search_entry",
        sa.Column(
            "entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.message_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["session_id"], ["chat_session.session_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("entry_id"),
        sa.UniqueConstraint("message_id"),
    )
    with op.batch_alter_table("search_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_search_entry_session_id"), ["session_id"], unique=False)
    for statement in SEARCH_INDEX[op.get_bind().dialect.name]:
        op.execute(statement)

    op.create_table(
        "generation_event",
        sa.Column("generation_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["generation_id"], ["generation.generation_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("generation_id", "seq"),
    )
