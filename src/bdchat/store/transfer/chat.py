"""A chat to be imported, whatever program wrote it, and its limits. Pure.

A parser (document, programs/) makes a `Chat` of an outside value, whose texts json_items.py has cleaned, and bounds
each with `text_of`; tree.py makes a tree of its messages; writing.py makes rows of that.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bdchat.store.transfer.reasons import Refused

MAX_MESSAGES = 50_000  # of one chat, in all branches
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
MAX_TITLE_CHARS = 200
MAX_FOLDER_CHARS = 100
MAX_AT_MS = (1 << 42) - 2  # search numbers its entries by time: until 2109
MAX_INTEGER = (1 << 31) - 1  # PostgreSQL's INTEGER
MAX_ORIGIN_CHARS = 160  # with "#" and a fingerprint it is a source_id, of 200
_SURE_ID = re.compile(r"[A-Za-z0-9_.-]{1,120}", re.ASCII)


class BadChat(Refused):
    """Why a chat cannot be taken in. The others can."""


@dataclass(slots=True)
class TransferMessage:
    """`content` None: a placeholder, whose children hang on its parent. `metadata`: columns of MessageMetadata."""

    message_id: str  # the outside program's
    parent_id: str | None
    role: str
    content: str | None
    created_at_ms: int | None = None
    is_by_owner: bool = True
    status: str = "complete"
    finish_reason: str | None = None
    token_count: int | None = None
    processing_time_ms: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)  # document.SourcePart's fields


@dataclass(slots=True)
class Chat:
    """`origin`: program and the chat's id there, "chatgpt:…"; `session_id`: where bdchat wrote it, its id there.
    `not_kept`: how many of what is in the file and not in the messages, by kind (reasons.KINDS_NOT_KEPT)."""

    origin: str
    title: str = ""
    title_source: str = "user"
    folder: str = ""
    is_pinned: bool = False
    is_archived: bool = False
    created_at_ms: int | None = None
    updated_at_ms: int | None = None
    head_id: str | None = None
    session_id: str | None = None
    config: dict[str, Any] | None = None  # columns of SessionConfig
    messages: list[TransferMessage] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)  # SHA-256 of the files that it asks
    not_kept: dict[str, int] = field(default_factory=dict)


def origin_of(program: str, chat_id: object) -> str:
    """ "chatgpt:6745…"; an id that is too long or odd by its hash. Without any: the content alone tells it."""
    if not isinstance(chat_id, str) or not chat_id:
        return f"{program}:"
    return f"{program}:{chat_id if _SURE_ID.fullmatch(chat_id) else hashlib.sha256(chat_id.encode()).hexdigest()}"


def text_of(value: object) -> str:
    """Text, "" for what is none. Raises BadChat when it is too long."""
    if not isinstance(value, str):
        return ""
    if len(value) > MAX_MESSAGE_BYTES or (
        len(value) * 4 > MAX_MESSAGE_BYTES and len(value.encode()) > MAX_MESSAGE_BYTES
    ):
        raise BadChat("message_too_large", num_bytes=MAX_MESSAGE_BYTES)
    return value


def line_of(value: object, max_chars: int) -> str:
    """A title or a name, of a text of any length: one line, cut where it is too long."""
    text = " ".join(value.split(None, max_chars)) if isinstance(value, str) else ""  # so many words are too long
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def ms_of(seconds: object) -> int | None:
    """Seconds since 1970 (or milliseconds: some exports have those) as milliseconds; None for what is no time."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= MAX_AT_MS:
        return None  # not a number is not between two
    milliseconds = int(seconds if seconds > 1e11 else seconds * 1000)  # 1e11 s is the year 5138, 1e11 ms was 1973
    return milliseconds if milliseconds <= MAX_AT_MS else None


def time_of(value: object) -> int | None:
    """A number as `ms_of` reads it, or a date as ISO 8601 writes it (UTC where no zone is said); else None."""
    if not isinstance(value, str):
        return ms_of(value)
    try:
        at = datetime.fromisoformat(value.strip()[:64])
    except ValueError:
        return None
    try:
        return ms_of((at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp())
    except OverflowError:  # the year 1 in a zone east of it
        return None


def count_of(value: object) -> int:
    """A number of tokens, or 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else 0
