"""The bytes that each account stores, the guest's ("") too. What is counted, whose it is, and the triggers.

A trigger adds to the books in the statement that writes, whoever writes: a flush, a bulk insert, a cascade; what is
undone undoes its entry. So the books are the sum of the rows at any time, and `recount` says the same (a test compares
them after a random load). What is in the books, quotas.py bounds.

Counted are the texts, bytes and JSON that requests bring or make, and ROW_BYTES for the rest of a row. A chat is its
owner's, whoever writes in it, and so is a collection. Not counted, because no request decides how much there is of it:
logins (a number per account), usage (a row per day and model), the audit log (its age and number), the server's own
facts.
"""

# ruff: noqa: S608  # statements are made of the names in this file

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, LargeBinary, literal_column, text
from sqlmodel import SQLModel

from bdchat.store import document_tables as documents
from bdchat.store import tables

# Measured in SQLite's file, indexes included: 300 to 340 bytes for a chat, link, key or generation without text, 880
# for a message of one word with its entry for search.
MAX_TERM_BYTES = 1_000_000  # PostgreSQL's tsvector holds 1 MiB; text beyond (430 kB of Korean) is not found
ROW_BYTES = 512
TERMS_PER_TEXT = 8  # at most, as they are counted below: Korean of syllables that never come again has 6.8
SHARDS = 64
_OF_SESSION = "(SELECT s.user_id FROM chat_session s WHERE s.session_id = {row}.session_id)"
_OF_MESSAGE = (
    "(SELECT s.user_id FROM message m JOIN chat_session s ON s.session_id = m.session_id"
    " WHERE m.message_id = {row}.message_id)"
)
_OF_DOCUMENT = "(SELECT d.user_id FROM document d WHERE d.document_id = {row}.document_id)"
_OF_COLLECTION = "(SELECT c.user_id FROM collection c WHERE c.collection_id = {row}.collection_id)"
_OF_GENERATION = (
    "(SELECT CASE WHEN g.session_id IS NULL THEN g.user_id ELSE s.user_id END FROM generation g"
    " LEFT JOIN chat_session s ON s.session_id = g.session_id WHERE g.generation_id = {row}.generation_id)"
)


@dataclass(frozen=True, slots=True)
class Counted:
    """`owner`: SQL of whose a row is. `parts`: what hangs on it, as (table, column): it is deleted first, because whose
    it is could not be told any more afterwards."""

    kind: type[SQLModel]
    columns: tuple[str, ...]
    owner: str
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def table(self) -> str:
        return str(self.kind.__tablename__)

    @property
    def named(self) -> str:
        """Its columns in SQL, each once."""
        return ", ".join(dict.fromkeys(self.columns))

    def owner_of(self, row: str) -> str:
        return self.owner.format(row=row)

    def bytes_of(self, row: str, dialect: str) -> str:
        """SQL. In bytes: a Hangul syllable is three."""
        columns = self.kind.__table__.c  # type: ignore[attr-defined]
        lengths = [_length(f"{row}.{name}", columns[name].type, dialect) for name in self.columns]
        return " + ".join([str(ROW_BYTES), *lengths])


COUNTED = (
    Counted(tables.User, ("username", "display_name", "preferences"), "{row}.user_id"),
    Counted(tables.ApiKey, ("name", "scopes"), "{row}.user_id"),
    Counted(tables.Invitation, ("note",), "{row}.created_by"),
    Counted(
        tables.ChatSession,
        ("title", "folder", "source_id"),
        "{row}.user_id",
        parts=(
            ("message", "session_id"),
            ("generation", "session_id"),
            ("session_config", "session_id"),
            ("session_member", "session_id"),
            ("chat_invite", "session_id"),
            ("share_link", "session_id"),
            ("search_entry", "session_id"),
            ("chat_document", "session_id"),
            ("chat_collection", "session_id"),
        ),
    ),
    Counted(tables.SessionConfig, ("model", "system_prompt", "params"), _OF_SESSION),
    Counted(tables.SessionMember, (), _OF_SESSION),
    Counted(tables.ChatInvite, ("username",), _OF_SESSION),
    Counted(tables.ShareLink, (), _OF_SESSION),
    Counted(
        tables.Message,
        ("content", "client_message_id"),
        _OF_SESSION,
        parts=(
            ("message_metadata", "message_id"),
            ("generation", "message_id"),
            ("search_entry", "message_id"),
            ("message_source", "message_id"),
        ),
    ),
    Counted(
        tables.MessageMetadata,
        ("model", "model_version", "prompt_template", "model_params", "extra"),
        _OF_MESSAGE,
    ),
    Counted(
        tables.Generation,
        ("request", "wire", "prefix", "content", "tokens", "usage", "error"),
        "CASE WHEN {row}.session_id IS NULL THEN {row}.user_id ELSE " + _OF_SESSION + " END",
        parts=(("generation_event", "generation_id"),),
    ),
    Counted(tables.GenerationEvent, ("data",), _OF_GENERATION),
    # The terms are in the table, and in the index, where each that occurs once takes two to three times its length.
    Counted(tables.SearchEntry, ("terms", "terms", "terms"), _OF_SESSION),
    Counted(
        documents.Document,
        ("name", "error_detail", "notes"),
        "{row}.user_id",
        parts=(
            ("passage", "document_id"),
            ("document_page", "document_id"),
            ("document_part", "document_id"),
        ),
    ),
    Counted(documents.DocumentPart, ("data",), _OF_DOCUMENT),
    Counted(documents.DocumentPage, ("label", "text", "boxes", "blocks"), _OF_DOCUMENT),
    Counted(
        documents.Passage,
        ("heading", "header", "terms"),
        _OF_DOCUMENT,
        parts=(("passage_vector", "passage_id"),),
    ),
    Counted(documents.PassageVector, ("vector",), _OF_DOCUMENT),
    Counted(
        documents.Collection,
        ("name", "description"),
        "{row}.user_id",
        parts=(("collection_member", "collection_id"), ("collection_document", "collection_id")),
    ),
    Counted(documents.CollectionMember, (), _OF_COLLECTION),
    Counted(documents.CollectionDocument, (), _OF_COLLECTION),
    Counted(documents.ChatDocument, (), _OF_SESSION),
    Counted(documents.ChatCollection, (), _OF_SESSION),
    Counted(documents.MessageSource, ("document_name", "text", "heading", "header"), _OF_MESSAGE),
)
BY_KIND = {counted.kind: counted for counted in COUNTED}


def num_bytes(kind: type[SQLModel], values: Mapping[str, Any]) -> int:
    """What a row of these columns counts once it is written, or a few bytes more."""
    return ROW_BYTES + sum(value_bytes(values.get(name)) for name in BY_KIND[kind].columns)


def index_bytes(num_text_bytes: int) -> int:
    """What finding a text of so many bytes may count: Korean is found by its syllables and by each two of them."""
    return ROW_BYTES + min(3 * MAX_TERM_BYTES, TERMS_PER_TEXT * num_text_bytes)


def value_bytes(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, str):
        return len(value.encode(errors="replace"))
    return len(json.dumps(value))  # as SQLAlchemy writes it


def kept_bytes(kind: type[SQLModel], dialect: str) -> Any:
    """A column of a query of `kind`: what the row counts."""
    counted = BY_KIND[kind]
    return literal_column(f"({counted.bytes_of(counted.table, dialect)})")


def recount(connection: Connection) -> dict[str, int]:
    """What the books must say, by owner. Reads every row."""
    return {owner: int(total) for owner, total in connection.execute(text(_sums(connection.dialect.name)))}


def install(connection: Connection) -> None:
    """After a migration: makes the triggers anew and fills the books. In the migration's transaction."""
    dialect = connection.dialect.name
    for statement in _removals(connection):
        connection.exec_driver_sql(statement)
    make = _sqlite_triggers if dialect == "sqlite" else _postgres_triggers
    for counted in COUNTED:
        for statement in make(counted):
            connection.exec_driver_sql(statement)
    connection.execute(text("DELETE FROM storage_book"))
    connection.execute(text(f"INSERT INTO storage_book (owner_id, shard, num_bytes) {_sums(dialect, shard='0, ')}"))


# --- SQL --------------------------------------------------------------------------------------------------------------


def _length(column: str, kind: Any, dialect: str) -> str:
    if dialect == "sqlite":
        return f"coalesce(length(CAST({column} AS BLOB)), 0)"
    return f"coalesce(octet_length({column if isinstance(kind, LargeBinary) else f'{column}::text'}), 0)"


def _sums(dialect: str, *, shard: str = "") -> str:
    rows = " UNION ALL ".join(
        f"SELECT {counted.owner_of('r')} AS owner_id, {counted.bytes_of('r', dialect)} AS num_bytes"
        f' FROM "{counted.table}" r'
        for counted in COUNTED
    )
    return f"SELECT owner_id, {shard}sum(num_bytes) FROM ({rows}) kept WHERE owner_id IS NOT NULL GROUP BY owner_id"


def _entry(owner: str, amount: str, shard: str) -> str:
    """Whoever's chat is just being deleted has no owner any more: its rows have been deleted before."""
    return (
        f"INSERT INTO storage_book (owner_id, shard, num_bytes) SELECT o.owner_id, {shard}, {amount}"
        f" FROM (SELECT {owner} AS owner_id) o WHERE o.owner_id IS NOT NULL"
        " ON CONFLICT (owner_id, shard) DO UPDATE SET num_bytes = storage_book.num_bytes + excluded.num_bytes;"
    )


def _sqlite_triggers(counted: Counted) -> list[str]:
    table, old, new = counted.table, counted.bytes_of("old", "sqlite"), counted.bytes_of("new", "sqlite")
    parts = " ".join(f'DELETE FROM "{part}" WHERE {column} = old.{column};' for part, column in counted.parts)
    made = [
        f'CREATE TRIGGER book_{table}_insert AFTER INSERT ON "{table}" BEGIN'
        f" {_entry(counted.owner_of('new'), new, '0')} END",
        f'CREATE TRIGGER book_{table}_delete AFTER DELETE ON "{table}" BEGIN'
        f" {_entry(counted.owner_of('old'), f'-({old})', '0')} END",
    ]
    if counted.columns:
        made.append(
            f'CREATE TRIGGER book_{table}_update AFTER UPDATE OF {counted.named} ON "{table}"'
            f" WHEN ({new}) <> ({old}) BEGIN {_entry(counted.owner_of('new'), f'({new}) - ({old})', '0')} END"
        )
    if parts:
        made.append(f'CREATE TRIGGER book_{table}_parts BEFORE DELETE ON "{table}" BEGIN {parts} END')
    return made


def _postgres_triggers(counted: Counted) -> list[str]:
    """Their names begin with a small letter: they run after the cascades, which are called RI_…"""
    table, old, new = counted.table, counted.bytes_of("OLD", "postgresql"), counted.bytes_of("NEW", "postgresql")
    shard = f"mod(pg_backend_pid(), {SHARDS})"
    bodies = {
        "insert": ("AFTER INSERT", _entry(counted.owner_of("NEW"), new, shard) + " RETURN NULL;"),
        "delete": ("AFTER DELETE", _entry(counted.owner_of("OLD"), f"-({old})", shard) + " RETURN NULL;"),
    }
    if counted.columns:
        entry = _entry(counted.owner_of("NEW"), f"({new}) - ({old})", shard)
        body = f"IF ({new}) <> ({old}) THEN {entry} END IF; RETURN NULL;"
        bodies["update"] = (f"AFTER UPDATE OF {counted.named}", body)
    if counted.parts:
        parts = " ".join(f'DELETE FROM "{part}" WHERE {column} = OLD.{column};' for part, column in counted.parts)
        bodies["parts"] = ("BEFORE DELETE", f"{parts} RETURN OLD;")
    made: list[str] = []
    for what, (when, body) in bodies.items():
        name = f"book_{table}_{what}"
        made.append(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
        made.append(f'CREATE TRIGGER {name} {when} ON "{table}" FOR EACH ROW EXECUTE FUNCTION {name}()')
    return made


def _removals(connection: Connection) -> list[str]:
    """Of an earlier version's triggers."""
    if connection.dialect.name == "sqlite":
        names = connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 5) = 'book_'")
        )
        return [f"DROP TRIGGER {name}" for (name,) in names]
    names = connection.execute(
        text(
            "SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
            " AND left(proname, 5) = 'book_'"
        )
    )
    return [f"DROP FUNCTION {name}() CASCADE" for (name,) in names]
