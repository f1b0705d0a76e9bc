"""Documents: files in the database, what was read of them, collections, and what chats were told of them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

IS_KEPT = sa.text("deleted_at_ms IS NULL AND sha256 <> ''")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def name(column: str, target: str | None = None) -> sa.Column[str]:
    rule = [sa.ForeignKey(target, ondelete="CASCADE")] if target else []
    return sa.Column(column, sa.String(64), *rule, nullable=False)


def text(column: str) -> sa.Column[str]:
    return sa.Column(column, sa.Text(), server_default="", nullable=False)


def count(column: str) -> sa.Column[int]:
    return sa.Column(column, sa.BigInteger(), server_default="0", nullable=False)


def time(column: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(column, sa.BigInteger(), nullable=nullable)


def json(column: str, default: str) -> sa.Column[str]:
    return sa.Column(column, sa.JSON(), server_default=default, nullable=False)


def upgrade() -> None:
    _documents()
    _passages()
    _collections()
    _chats()


def _documents() -> None:
    op.create_table(
        "document",
        name("document_id"),
        name("user_id", "user.user_id"),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        count("num_bytes"),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=False),
        text("error_detail"),
        sa.Column("num_pages", sa.Integer(), nullable=True),
        count("num_pages_read"),
        count("num_passages"),
        count("num_tokens"),
        json("notes", "{}"),
        sa.Column("lease_owner", sa.String(), nullable=False),
        count("lease_expires_at_ms"),
        time("created_at_ms"),
        time("updated_at_ms"),
        time("deleted_at_ms", nullable=True),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_index("ix_document_user_id", "document", ["user_id"])
    op.create_index("ix_document_status", "document", ["status", "lease_expires_at_ms"])
    op.create_index("ix_document_deleted", "document", ["deleted_at_ms"])
    op.create_index(
        "document_content",
        "document",
        ["user_id", "sha256"],
        unique=True,
        sqlite_where=IS_KEPT,
        postgresql_where=IS_KEPT,
    )
    op.create_table(
        "document_part",
        name("document_id", "document.document_id"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "number"),
    )


def _passages() -> None:
    op.create_table(
        "document_page",
        name("document_id", "document.document_id"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        text("text"),
        sa.Column("width", sa.Float(), nullable=False),
        sa.Column("height", sa.Float(), nullable=False),
        json("boxes", "[]"),
        json("blocks", "[]"),
        sa.Column("is_scanned", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "number"),
    )
    op.create_table(
        "passage",
        sa.Column("passage_id", NUMBER, autoincrement=True, nullable=False),
        name("document_id", "document.document_id"),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        text("heading"),
        text("header"),
        count("num_tokens"),
        count("num_terms"),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("passage_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passage_page", "passage", ["document_id", "page", "start"])
    op.create_table(
        "passage_vector",
        sa.Column(
            "passage_id",
            NUMBER,
            sa.ForeignKey("passage.passage_id", ondelete="CASCADE"),
            autoincrement=False,
            nullable=False,
        ),
        name("document_id", "document.document_id"),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("passage_id"),
    )
    op.create_index("ix_passage_vector_document", "passage_vector", ["document_id", "fingerprint"])


def _collections() -> None:
    op.create_table(
        "collection",
        name("collection_id"),
        name("user_id", "user.user_id"),
        sa.Column("name", sa.String(), nullable=False),
        text("description"),
        time("created_at_ms"),
        time("updated_at_ms"),
        time("deleted_at_ms", nullable=True),
        sa.PrimaryKeyConstraint("collection_id"),
    )
    op.create_index("ix_collection_user_id", "collection", ["user_id"])
    op.create_index("ix_collection_deleted", "collection", ["deleted_at_ms"])
    op.create_table(
        "collection_member",
        name("collection_id", "collection.collection_id"),
        name("user_id", "user.user_id"),
        sa.Column("role", sa.String(), nullable=False),
        time("created_at_ms"),
        sa.PrimaryKeyConstraint("collection_id", "user_id"),
    )
    op.create_index("ix_collection_member_user", "collection_member", ["user_id"])
    op.create_table(
        "collection_document",
        name("collection_id", "collection.collection_id"),
        name("document_id", "document.document_id"),
        sa.Column("added_by", sa.String(64), nullable=False),
        time("created_at_ms"),
        sa.PrimaryKeyConstraint("collection_id", "document_id"),
    )
    op.create_index("ix_collection_document_document", "collection_document", ["document_id"])


def _chats() -> None:
    for other in ("document", "collection"):
        op.create_table(
            f"chat_{other}",
            name("session_id", "chat_session.session_id"),
            name(f"{other}_id", f"{other}.{other}_id"),
            name("added_by"),
            time("created_at_ms"),
            sa.PrimaryKeyConstraint("session_id", f"{other}_id"),
        )
        op.create_index(f"ix_chat_{other}_{other}", f"chat_{other}", [f"{other}_id"])
    op.create_table(
        "message_source",
        name("message_id", "message.message_id"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        name("document_id"),
        sa.Column("passage_id", sa.BigInteger(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("is_whole", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("document_name", sa.String(), nullable=False),
        text("text"),
        text("heading"),
        text("header"),
        sa.PrimaryKeyConstraint("message_id", "number"),
    )
    op.create_index("ix_message_source_document", "message_source", ["document_id"])
