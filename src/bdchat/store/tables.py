"""The tables (SQLModel), each defined once. Times are milliseconds since 1970 (UTC); ids are store.ids' or what a
docstring says.

JSON columns hold what nobody queries. Text is immutable where a docstring says so; nothing else relies on it. The
migrations make the same schema (a test compares them), on SQLite and on PostgreSQL.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    false,
)
from sqlmodel import Field

from bdchat.store.columns import Row, count, json_object, long_text, row_id, time_ms

STAGED_AT_MS = 0  # deleted_at_ms of a chat that is still being written (store.staging)


# --- people -----------------------------------------------------------------------------------------------------------


class User(Row, table=True):
    """`username_key` and `email_key` are the name and the email as they are compared: NFKC, case-folded. No email is
    another's name: either signs in."""

    __table_args__ = (Index("user_email_key", "email_key", unique=True),)

    user_id: str = row_id(primary_key=True)
    username: str
    username_key: str = Field(unique=True)
    display_name: str = ""
    email: str | None = None
    email_key: str | None = None
    password_hash: str  # argon2id, PHC format
    # An admin made it: nothing else is served to a login before it has been changed.
    must_change_password: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    role: str = "user"  # "admin" | "user"
    is_disabled: bool = False
    locale: str = ""  # "ko" | "en" | "" = the browser's
    preferences: dict[str, Any] = json_object()
    quota_bytes: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))  # None = the setting's
    max_running: int | None = None  # answers at once of a model; these three too: None = the setting's, 0 = no bound
    max_queued: int | None = None
    tokens_per_minute: int | None = None
    created_at_ms: int = time_ms()
    last_seen_at_ms: int | None = time_ms(nullable=True)


class LoginToken(Row, table=True):
    """One signed-in browser or program. The token itself is nowhere: `token_hash` is its SHA-256, in hex."""

    __tablename__ = "login_token"

    login_id: str = row_id(primary_key=True)
    token_hash: str = Field(unique=True)
    user_id: str = row_id("user.user_id")
    client: str = ""  # the User-Agent's beginning, for the list of signed-in devices
    ip: str = ""
    created_at_ms: int = time_ms()
    last_used_at_ms: int = time_ms()
    expires_at_ms: int = time_ms()


class KnownDevice(Row, table=True):
    """A browser that has signed in to the account before: strangers' wrong passwords do not slow it down. Its cookie's
    token is no credential, and is kept as SHA-256."""

    __tablename__ = "known_device"

    device_hash: str = row_id(primary_key=True)
    user_id: str = row_id("user.user_id")
    last_used_at_ms: int = time_ms()


class ApiKey(Row, table=True):
    """`bd-…`; `key_hash` is the whole key's SHA-256, `prefix` its first characters, to be recognised by."""

    __tablename__ = "api_key"

    key_id: str = row_id(primary_key=True)
    key_hash: str = Field(unique=True)
    prefix: str
    user_id: str = row_id("user.user_id")
    name: str = ""
    scopes: str = "chat"  # space-separated: chat, sessions, admin
    # Nobody waits for what it asks: batch, unless a request says otherwise.
    is_bulk: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    created_at_ms: int = time_ms()
    last_used_at_ms: int | None = time_ms(nullable=True)
    expires_at_ms: int | None = time_ms(nullable=True)
    revoked_at_ms: int | None = time_ms(nullable=True)


class Invitation(Row, table=True):
    """A code that lets one person register; kept as its SHA-256."""

    invitation_id: str = row_id(primary_key=True)
    code_hash: str = Field(unique=True)
    created_by: str = row_id("user.user_id")
    note: str = ""
    created_at_ms: int = time_ms()
    expires_at_ms: int = time_ms()
    used_at_ms: int | None = time_ms(nullable=True)
    used_by: str | None = row_id("user.user_id", nullable=True, on_delete="SET NULL")


class AuditEntry(Row, table=True):
    """Who did what. Append-only; survives its user, hence no reference."""

    __tablename__ = "audit_entry"

    entry_id: str = row_id(primary_key=True)
    at_ms: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    actor_id: str = ""
    actor_name: str = ""
    action: str = Field(index=True)  # "login", "login.failed", "user.create", …
    target: str = ""
    detail: dict[str, Any] = json_object()
    ip: str = ""


class UsageBucket(Row, table=True):
    """Sums per user, quarter of an hour and model, so that days can be those of any time zone; bare API calls included.
    After more than a year per UTC day, at its noon. `user_id` "" is the local guest; no reference: usage outlives the
    user."""

    __tablename__ = "usage_bucket"

    user_id: str = Field(primary_key=True)
    start_ms: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    model: str = Field(primary_key=True)
    num_requests: int = count()
    num_messages: int = count()  # stored user messages
    prompt_tokens: int = count()
    cached_tokens: int = count()  # the part of prompt_tokens that was not computed
    completion_tokens: int = count()
    engine_ms: int = count()  # prefill and decode


# --- chats ------------------------------------------------------------------------------------------------------------


class ChatSession(Row, table=True):
    """`head_message_id` is the leaf whose path is shown. Deleted ones stay 30 days (undo), then are purged;
    one "deleted" at STAGED_AT_MS never was there for anybody."""

    __tablename__ = "chat_session"
    __table_args__ = (
        Index("ix_session_recent", "user_id", "updated_at_ms", "session_id"),
        UniqueConstraint("user_id", "source_id"),  # imported twice is one chat
    )

    session_id: str = row_id(primary_key=True)
    user_id: str = row_id("user.user_id")
    title: str = ""
    title_source: str = ""  # "" none yet, or the first words of its first message | "auto" the model's | "user"
    folder: str = ""
    is_pinned: bool = False
    is_archived: bool = False
    head_message_id: str | None = Field(default=None, max_length=64)  # no reference: they would be circular
    num_messages: int = count()
    created_at_ms: int = time_ms()
    updated_at_ms: int = time_ms()  # the last message or change of title
    deleted_at_ms: int | None = time_ms(nullable=True)
    source_id: str | None = Field(default=None, max_length=200)  # where it was imported from: "chatgpt:…"


class SessionConfig(Row, table=True):
    """None = the model's or the server's default."""

    __tablename__ = "session_config"

    session_id: str = row_id("chat_session.session_id", primary_key=True)
    model: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    system_prompt: str = long_text()
    context_overflow: str = "drop_oldest"  # "error" | "drop_oldest": whole turns, the system prompt stays
    params: dict[str, Any] = json_object()  # further fields of /v1/chat/completions, already validated


class SessionMember(Row, table=True):
    """Somebody whom the owner invited and who came in. The owner has no row."""

    __tablename__ = "session_member"

    session_id: str = row_id("chat_session.session_id", primary_key=True)
    user_id: str = row_id("user.user_id", primary_key=True)
    role: str = "reader"  # "reader" | "writer"
    created_at_ms: int = time_ms()


class ChatInvite(Row, table=True):
    """A name that the owner has asked and that has not come in; whether anybody has it is not known here. What was
    declined or withdrawn stays until it is too old: nobody is asked again and again."""

    __tablename__ = "chat_invite"
    __table_args__ = (UniqueConstraint("session_id", "username_key"),)

    invitation_id: str = row_id(primary_key=True)
    session_id: str = row_id("chat_session.session_id")
    username: str  # as the owner typed it
    username_key: str = Field(index=True)
    role: str = "reader"  # "reader" | "writer"
    is_declined: bool = False
    is_withdrawn: bool = False
    created_at_ms: int = time_ms()


class ShareLink(Row, table=True):
    """A read-only view for whoever has the link; its token is kept as SHA-256."""

    __tablename__ = "share_link"

    link_id: str = row_id(primary_key=True)
    token_hash: str = Field(unique=True)
    session_id: str = row_id("chat_session.session_id")
    created_at_ms: int = time_ms()
    expires_at_ms: int | None = time_ms(nullable=True)
    revoked_at_ms: int | None = time_ms(nullable=True)


class Message(Row, table=True):
    """A node of the session's tree. A user's message never changes. An answer's `content` is empty while it is being
    generated (its text is in the events), is set when that ends, and can only grow after (continue)."""

    __table_args__ = (
        UniqueConstraint("session_id", "client_message_id"),  # sent twice is one message
        Index("ix_message_children", "session_id", "parent_id", "message_id"),
        Index("ix_message_author", "author_id", "created_at_ms", "message_id"),  # what somebody wrote, newest first
    )

    message_id: str = row_id(primary_key=True)
    session_id: str = row_id("chat_session.session_id")
    parent_id: str | None = row_id("message.message_id", nullable=True, on_delete="NO ACTION")  # cascades go 1,000 deep
    author_id: str | None = Field(default=None, max_length=64)  # the user who wrote or asked for it
    role: str  # "system" | "user" | "assistant" | "tool"
    content: str = long_text()
    status: str = "complete"  # "complete" | "running" | "stopped" | "interrupted" | "failed"
    finish_reason: str | None = None  # "stop" | "length" | "cancelled" | "edited": a person changed what a model said
    token_count: int | None = None
    processing_time_ms: int | None = None  # from the request to the last token
    client_message_id: str | None = Field(default=None, max_length=128)
    created_at_ms: int = time_ms()


# In MessageMetadata.extra:
AUTHOR = "author"  # the name of who wrote an imported message, when that is not the owner
SPENT = "spent"  # what the answer took, as `bdchat.timings` tells it, in whole numbers


class MessageMetadata(Row, table=True):
    """How an answer came to be. Made when it ends."""

    __tablename__ = "message_metadata"

    message_id: str = row_id("message.message_id", primary_key=True)
    model: str = ""
    model_version: str = ""  # system_fingerprint
    prompt_template: str = ""  # fingerprint or name of the chat template
    model_params: dict[str, Any] = json_object()  # sampling in force, seed included
    prompt_tokens: int = count()
    cached_tokens: int = count()
    completion_tokens: int = count()
    queue_ms: int = count()
    prefill_ms: int = count()
    decode_ms: int = count()
    num_dropped_messages: int = count()  # by the context-overflow policy
    extra: dict[str, Any] = json_object()  # SPENT; imported fields that have no column; AUTHOR


class Generation(Row, table=True):
    """One run of the model for a stored answer; `continue` makes another for the same message. While `state` is
    "running", `lease_owner` is the server process that computes it and must say so before `lease_expires_at_ms`."""

    __table_args__ = (Index("ix_generation_state", "state", "lease_expires_at_ms"),)

    generation_id: str = row_id(primary_key=True)  # OpenAI's id of the completion: "chatcmpl-…"
    session_id: str | None = row_id("chat_session.session_id", nullable=True)  # None: stored outside a session
    message_id: str | None = row_id("message.message_id", nullable=True)  # the answer
    user_id: str = Field(index=True, default="")  # "" = the local guest
    model: str = ""
    state: str = "running"  # "running" | "complete" | "stopped" | "interrupted" | "failed"
    request: bytes = Field(sa_column=Column(LargeBinary, nullable=False))  # engine GenerationRequest, msgspec JSON
    wire: dict[str, Any] = json_object()  # what OpenAI's stored-completion endpoints show: messages, metadata, params
    seed: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    num_prompt_tokens: int | None = None
    prefix: str = long_text()  # of the message's text, there before this run began (continue)
    content: str = long_text()  # its text, once it has ended
    tokens: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))  # sampled, int32 each: to go on
    finish_reason: str | None = None
    usage: dict[str, Any] = json_object()
    error: dict[str, Any] = json_object()  # OpenAI's error object, when failed
    last_seq: int = count()  # number of the newest event
    num_resumes: int = count()
    lease_owner: str = ""
    lease_expires_at_ms: int = count()
    created_at_ms: int = time_ms()
    finished_at_ms: int | None = time_ms(nullable=True)


class GenerationEvent(Row, table=True):
    """Numbered from 1 without gaps. Kept while the generation runs and for a while after, then only its text is."""

    __tablename__ = "generation_event"

    generation_id: str = Field(
        sa_column=Column(String(64), ForeignKey("generation.generation_id", ondelete="CASCADE"), primary_key=True)
    )
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    kind: str  # "started" | "delta" | "finished"
    data: dict[str, Any] = json_object()  # delta: {"index", "text", "tokens"}


class SearchEntry(Row, table=True):
    """What full-text search reads: a title or a message as words and Hangul bigrams. SQLite's FTS5 table and
    PostgreSQL's GIN index hang on it (migrations). `entry_id` sorts by `at_ms` (store.search)."""

    __tablename__ = "search_entry"

    entry_id: int = Field(
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)
    )
    session_id: str = row_id("chat_session.session_id")
    message_id: str | None = Field(
        default=None,
        sa_column=Column(String(64), ForeignKey("message.message_id", ondelete="CASCADE"), nullable=True, unique=True),
    )  # None: the title
    role: str = ""  # of the message; "title" for a title
    at_ms: int = time_ms()
    terms: str = long_text()


class StorageBook(Row, table=True):
    """How many bytes are kept for an account, or for the guest (""): the sum of its rows. Triggers keep it (books.py).
    `shard`: SQLite 0; on PostgreSQL by the writing process, for two that add to one row would wait for each other."""

    __tablename__ = "storage_book"

    owner_id: str = Field(sa_column=Column(String(64), primary_key=True))
    shard: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    num_bytes: int = count()


class PinnedPrompt(Row, table=True):
    """A system prompt that an admin has pinned: engines keep it read, whatever else they forget."""

    __tablename__ = "pinned_prompt"

    pin_id: str = row_id(primary_key=True)
    title: str
    system_prompt: str = long_text()
    model: str | None = None  # None = every chat model's
    created_by: str | None = row_id("user.user_id", nullable=True, on_delete="SET NULL")
    created_at_ms: int = time_ms()


class ServerState(Row, table=True):
    """Small facts that must outlive the process, by name."""

    __tablename__ = "server_state"

    name: str = Field(primary_key=True)
    value: dict[str, Any] = json_object()
