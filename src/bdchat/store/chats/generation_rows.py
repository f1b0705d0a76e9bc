"""Queries of stored completions, for lists and documents. Functions of a Session that only read.

A row of Generation holds the request that made it and its tokens, megabytes that nobody is shown: they are not read
here, and neither are long texts, which `part_of` gives piece by piece.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, case, func
from sqlalchemy.orm import defer
from sqlmodel import col, select

from bdchat.store.accounting.byte_length import PAGE_BYTES, byte_length
from bdchat.store.chats import generations
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.tables import Generation

SMALL_BYTES = 2048  # of a text that comes with its row
COMPLETION_PREFIX = "chatcmpl-"
RESPONSE_PREFIX = "resp_"
IS_UNASKED = "is_unasked"  # in a response's wire: stored because its request said nothing of it
_AT_ONCE = 8  # rows that are fetched together: a page may end with any of them
_NOT_SHOWN = ("request", "tokens", "wire", "prefix", "content")


@dataclass(frozen=True, slots=True)
class GenerationFilter:
    """Which stored completions are listed."""

    limit: int
    after: str | None = None  # a generation_id: those beyond it
    is_newest_first: bool = False
    model: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)  # every pair must be there
    has_sessions: bool = True  # False: only those outside chats


@dataclass(frozen=True, slots=True)
class GenerationRow:
    """`content`, `prefix` None: longer than SMALL_BYTES."""

    row: Generation  # without request, tokens, wire, prefix and content
    metadata: dict[str, str]
    num_dropped_messages: int
    service_tier: str | None
    reading: dict[str, Any]  # of `wire`: what the request wanted of the answer's parts
    sources: list[Any]  # of `wire`: what its prompt was given of documents, outside of chats
    content: str | None
    prefix: str | None
    num_bytes: int  # of content and prefix


def page(db: Db, user_id: str, filters: GenerationFilter) -> tuple[list[GenerationRow], bool]:
    """The user's own, ended ones included, in the order of their making, and whether there are more: a page ends before
    the one with which the texts are more than PAGE_BYTES, and holds one at least."""
    name = col(Generation.generation_id)
    ids = select(name).where(col(Generation.user_id) == user_id)
    if filters.model is not None:
        ids = ids.where(col(Generation.model) == filters.model)
    if not filters.has_sessions:
        ids = ids.where(col(Generation.session_id).is_(None))
    for key, value in filters.metadata.items():
        ids = ids.where(_has_metadata(db, key, value))
    if filters.after is not None:
        ids = ids.where(name < filters.after if filters.is_newest_first else name > filters.after)
    ids = ids.where(~name.startswith(RESPONSE_PREFIX, autoescape=True))  # they are another wire's
    order = name.desc() if filters.is_newest_first else name.asc()
    these = ids.order_by(order).limit(filters.limit + 1).subquery()
    query = _rows().join(these, name == these.c.generation_id).order_by(order)
    found: list[GenerationRow] = []
    num_bytes = 0
    with db.execute(query.execution_options(yield_per=_AT_ONCE)) as rows:
        for row in rows:
            each = _generation_row(row)
            num_bytes += each.num_bytes
            if len(found) == filters.limit or (found and num_bytes > PAGE_BYTES):
                return found, True
            found.append(each)
    return found, False


def get(db: Db, generation_id: str) -> GenerationRow:
    """By its id alone: for who has asked whose it is. Raises NotFound."""
    found = db.execute(_rows().where(col(Generation.generation_id) == generation_id)).first()
    if found is None:
        raise NotFound("completion", generation_id)
    return _generation_row(found)


def get_readable(db: Db, user_id: str, generation_id: str) -> GenerationRow:
    """As generations.get_readable. Raises NotFound."""
    found = get(db, generation_id)
    generations.check_readable(db, user_id, found.row)
    return found


def part_of(db: Db, generation_id: str, name: Literal["content", "prefix"], *, start: int, num_chars: int) -> str:
    """Raises NotFound."""
    part = func.substr(getattr(Generation, name), start + 1, num_chars)
    found = db.exec(select(part).where(col(Generation.generation_id) == generation_id)).first()
    if found is None:
        raise NotFound("completion", generation_id)
    return str(found)


def request_of(db: Db, generation_id: str) -> bytes:
    """Raises NotFound."""
    found = db.exec(select(Generation.request).where(col(Generation.generation_id) == generation_id)).first()
    if found is None:
        raise NotFound("completion", generation_id)
    return found


def response_of(db: Db, generation_id: str) -> dict[str, Any] | None:
    """What the row of a response keeps of its request. None: it is no response. Raises NotFound."""
    wire = select(col(Generation.wire)["response"]).where(col(Generation.generation_id) == generation_id)
    found = db.execute(wire).first()
    if found is None:
        raise NotFound("response", generation_id)
    kept: dict[str, Any] | None = found[0]
    return kept


def oldest_unasked(db: Db, user_id: str) -> list[str]:
    """The oldest quarter of the ended responses that nobody asked to be stored."""
    name, wire = col(Generation.generation_id), col(Generation.wire)
    is_unasked = wire["response"][IS_UNASKED].as_boolean().is_(True)
    over = (col(Generation.user_id) == user_id, col(Generation.state) != generations.RUNNING, is_unasked)
    found = list(db.exec(select(name).where(*over).order_by(name)))
    return found[: (len(found) + 3) // 4]


def _rows() -> Any:
    wire = col(Generation.wire)
    columns = [wire[name] for name in ("metadata", "num_dropped_messages", "service_tier", "reading", "sources")]
    for text in (col(Generation.content), col(Generation.prefix)):
        columns += [byte_length(text), case((byte_length(text) <= SMALL_BYTES, text), else_=None)]
    query: Any = select(Generation, *columns)
    return query.options(*(defer(getattr(Generation, name), raiseload=True) for name in _NOT_SHOWN))


def _generation_row(found: Any) -> GenerationRow:
    row, metadata, num_dropped, service_tier, reading, sources, *texts = found
    num_content_bytes, content, num_prefix_bytes, prefix = texts
    num_bytes = int(num_content_bytes) + int(num_prefix_bytes)
    return GenerationRow(
        row,
        metadata or {},
        int(num_dropped or 0),
        service_tier,
        reading or {},
        sources or [],
        content,
        prefix,
        num_bytes,
    )


def _has_metadata(db: Db, key: str, value: str) -> ColumnElement[bool]:
    """The key is compared, never part of a path: it may be any text."""
    if db.get_bind().dialect.name == "postgresql":
        return cast("ColumnElement[bool]", col(Generation.wire)["metadata"][key].as_string() == value)
    pairs = func.json_each(func.json_extract(col(Generation.wire), "$.metadata")).table_valued("key", "value")
    return select(pairs.c.key).where(pairs.c.key == key, pairs.c.value == value).exists()
