"""bdchat's export format, version 1 (bdchat.schema.json describes it): rows → document → chat. Pure.

{"bdchat_export": 1, …, "sessions": [{…, "messages": [{…}, …]}, …]}. Lossless but for what belongs to one server alone:
ids are there to tell messages apart and name parents, and are made anew when read; so are `client_message_id`, links,
members and the log of generations, which are not in it. Messages stand in the order of their time, siblings therefore
in theirs. An answer that was being written is "interrupted".
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated, Any, Literal

import msgspec

from bdchat.store.tables import AUTHOR, ChatSession, Message, MessageMetadata, SessionConfig
from bdchat.store.transfer.chat import (
    MAX_AT_MS,
    MAX_FOLDER_CHARS,
    MAX_INTEGER,
    MAX_ORIGIN_CHARS,
    MAX_TITLE_CHARS,
    BadChat,
    Chat,
    TransferMessage,
    origin_of,
    text_of,
)

VERSION = 1
VERSION_KEY = "bdchat_export"
MAX_DETAIL_CHARS = 300
MAX_SOURCES = 1000  # of a message
MAX_DOCUMENTS = 200  # of a chat
MAX_EXTRA_BYTES = 256 * 1024  # of a message's model_params and of its extra, each
CONFIG_COLUMNS = ("model", "temperature", "top_p", "max_tokens", "system_prompt", "context_overflow")
METADATA_COLUMNS = tuple(name for name in MessageMetadata.model_fields if name != "message_id")

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=MAX_AT_MS)]
Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 53) - 1)]
SmallCount = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
Name = Annotated[str, msgspec.Meta(max_length=1000)]
FileHash = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$", max_length=64)]


class MetadataPart(msgspec.Struct, forbid_unknown_fields=True):
    model: Name
    model_version: Name
    prompt_template: Name
    model_params: dict[str, Any]
    prompt_tokens: Count
    cached_tokens: Count
    completion_tokens: Count
    queue_ms: Count
    prefill_ms: Count
    decode_ms: Count
    num_dropped_messages: Count
    extra: dict[str, Any]


class SourcePart(msgspec.Struct, forbid_unknown_fields=True):
    """What the prompt was given of a document. `sha256`: of the file, by which it is found again; "": nobody knows."""

    number: Annotated[int, msgspec.Meta(ge=1, le=MAX_INTEGER)]
    sha256: FileHash
    document_name: Name
    page: SmallCount
    start: SmallCount
    end: SmallCount
    is_whole: bool
    text: str
    heading: str
    header: str


class FilePart(msgspec.Struct, forbid_unknown_fields=True):
    """A file that the chat asks. Its bytes are not in the document; an export with files has them beside it."""

    sha256: FileHash
    name: Name
    media_type: Name
    num_bytes: Count


class MessagePart(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    message_id: Id
    parent_id: Id | None
    role: Literal["system", "user", "assistant", "tool"]
    author: Name | None  # "": the owner; null: nobody; else somebody with whom it was shared
    content: str
    status: Literal["complete", "stopped", "interrupted", "failed"]
    finish_reason: Name | None
    token_count: SmallCount | None
    processing_time_ms: SmallCount | None
    created_at_ms: Milliseconds
    metadata: MetadataPart | None
    sources: Annotated[list[SourcePart], msgspec.Meta(max_length=MAX_SOURCES)] = []


class SessionHead(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    session_id: Id
    source_id: Annotated[str, msgspec.Meta(max_length=200)] | None
    title: Annotated[str, msgspec.Meta(max_length=MAX_TITLE_CHARS)]
    title_source: Literal["", "auto", "user"]
    folder: Annotated[str, msgspec.Meta(max_length=MAX_FOLDER_CHARS)]
    is_pinned: bool
    is_archived: bool
    head_message_id: Id | None
    created_at_ms: Milliseconds
    updated_at_ms: Milliseconds
    config: dict[str, Any] | None  # as GET …/config, without what is not set
    documents: Annotated[list[FilePart], msgspec.Meta(max_length=MAX_DOCUMENTS)] = []


class SessionPart(SessionHead, forbid_unknown_fields=True, kw_only=True):
    messages: list[MessagePart]


def schema() -> bytes:
    """The JSON Schema of the format."""
    return files("bdchat.store.transfer").joinpath("bdchat.schema.json").read_bytes()


# --- out --------------------------------------------------------------------------------------------------------------


def head_part(session: ChatSession, config: SessionConfig | None, *, is_own: bool) -> SessionHead:
    """Folder, pin and archive are the owner's own affair."""
    return SessionHead(
        session_id=session.session_id,
        source_id=session.source_id,
        title=session.title,
        title_source=session.title_source,  # type: ignore[arg-type]
        folder=session.folder if is_own else "",
        is_pinned=is_own and session.is_pinned,
        is_archived=is_own and session.is_archived,
        head_message_id=session.head_message_id,
        created_at_ms=session.created_at_ms,
        updated_at_ms=session.updated_at_ms,
        config=_config_part(config) if config is not None else None,
    )


def message_part(
    message: Message,
    metadata: MessageMetadata | None,
    *,
    owner_id: str,
    author_name: str | None,
    sources: Sequence[SourcePart] = (),
) -> MessagePart:
    """`author_name`: of an author who is not the owner, when that account still exists."""
    columns = {name: getattr(metadata, name) for name in METADATA_COLUMNS} if metadata is not None else NO_METADATA
    imported_author = columns["extra"].get(AUTHOR)
    columns = {**columns, "extra": {name: value for name, value in columns["extra"].items() if name != AUTHOR}}
    author = "" if message.author_id == owner_id else author_name if message.author_id is not None else imported_author
    return MessagePart(
        message_id=message.message_id,
        parent_id=message.parent_id,
        role=message.role,  # type: ignore[arg-type]
        author=author,
        content=message.content,
        status="interrupted" if message.status == "running" else message.status,  # type: ignore[arg-type]
        finish_reason=message.finish_reason,
        token_count=message.token_count,
        processing_time_ms=message.processing_time_ms,
        created_at_ms=message.created_at_ms,
        metadata=MetadataPart(**columns) if columns != NO_METADATA else None,
        sources=list(sources),
    )


def _config_part(config: SessionConfig) -> dict[str, Any]:
    columns = {name: getattr(config, name) for name in CONFIG_COLUMNS}
    return {name: value for name, value in columns.items() if value not in (None, "")} | config.params


def _no_metadata() -> dict[str, Any]:
    defaults = MessageMetadata(message_id="")
    return {name: getattr(defaults, name) for name in METADATA_COLUMNS}


NO_METADATA = _no_metadata()

# --- in ---------------------------------------------------------------------------------------------------------------


def chat_of(value: dict[str, Any], header: dict[str, Any]) -> Chat:
    """Raises BadChat, which names the field. `config` is as it was given: who knows its fields must check it."""
    if header.get(VERSION_KEY) != VERSION:
        raise BadChat("other_version", version=VERSION)
    try:
        part = msgspec.convert(value, SessionPart)
    except (msgspec.ValidationError, RecursionError) as error:
        field, detail = _complaint(error)
        raise BadChat("malformed", field=field, detail=detail) from error
    origin = (part.source_id or "").partition("#")[0]
    return Chat(
        origin=origin if ":" in origin and len(origin) <= MAX_ORIGIN_CHARS else origin_of("bdchat", part.session_id),
        title=part.title,
        title_source=part.title_source,
        folder=part.folder,
        is_pinned=part.is_pinned,
        is_archived=part.is_archived,
        created_at_ms=part.created_at_ms,
        updated_at_ms=part.updated_at_ms,
        head_id=part.head_message_id,
        session_id=part.session_id,
        config=part.config,
        messages=[_message(message) for message in part.messages],
        documents=list(dict.fromkeys(each.sha256 for each in part.documents if each.sha256)),
    )


def _complaint(error: Exception) -> tuple[str, str]:
    """The field and what is wrong with it: msgspec says "Expected `str`, got `int` - at `$.messages[0].content`"."""
    detail, _, path = str(error)[:MAX_DETAIL_CHARS].partition(" - at `")
    return path.removeprefix("$").removeprefix(".").rstrip("`") or "session", detail


def _message(part: MessagePart) -> TransferMessage:
    metadata = {name: getattr(part.metadata, name) for name in METADATA_COLUMNS} if part.metadata else {}
    for name in ("model_params", "extra"):
        if metadata and len(msgspec.json.encode(metadata[name])) > MAX_EXTRA_BYTES:
            raise BadChat("part_too_large", name=name, num_bytes=MAX_EXTRA_BYTES)
    if part.author:
        metadata["extra"] = {**metadata.get("extra", {}), AUTHOR: part.author}
    return TransferMessage(
        message_id=part.message_id,
        parent_id=part.parent_id,
        role=part.role,
        content=text_of(part.content),
        created_at_ms=part.created_at_ms,
        is_by_owner=part.author == "",
        status=part.status,
        finish_reason=part.finish_reason,
        token_count=part.token_count,
        processing_time_ms=part.processing_time_ms,
        metadata=metadata,
        sources=_sources(part.sources),
    )


def _sources(parts: Sequence[SourcePart]) -> list[dict[str, Any]]:
    if len({part.number for part in parts}) != len(parts):
        raise BadChat("malformed", field="sources", detail="two have the same number")
    texts = ("text", "heading", "header")
    return [msgspec.structs.asdict(part) | {name: text_of(getattr(part, name)) for name in texts} for part in parts]
