"""A stored response's row and log → how it is read. In a store's reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bdchat.api.durable.opening import kept_opening, reading_of
from bdchat.api.durable.reader import MAX_CHARS, last_event
from bdchat.api.durable.rows import unpack
from bdchat.api.generation.answer_reading import Reading
from bdchat.api.generation.events import LAST, LogEvent, Opened, Started
from bdchat.api.responses.response_events import ResponseEvents
from bdchat.api.responses.response_head import ResponseHead
from bdchat.engine.request import Delta
from bdchat.store.chats import generation_rows, generations
from bdchat.store.chats.generation_rows import GenerationRow
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.tables import Generation


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """`log_as_it_is`: its committed events; of one whose log was forgotten what makes up for them."""

    row: Generation
    head: ResponseHead
    reading: Reading
    custom_tools: tuple[str, ...]
    log_as_it_is: Sequence[LogEvent]
    is_forgotten: bool

    @property
    def response_id(self) -> str:
        return self.head.response_id

    @property
    def as_it_is(self) -> ResponseEvents:
        events = self.new_events()
        events.encode(self.log_as_it_is)
        return events

    def new_events(self) -> ResponseEvents:
        is_queued = bool(self.head.echo.get("background"))
        return ResponseEvents(self.head, self.reading, is_queued=is_queued, custom_tools=self.custom_tools)


def stored_response(db: Db, shown: GenerationRow) -> StoredResponse:
    """Raises NotFound: it is no response."""
    row = shown.row
    kept = generation_rows.response_of(db, row.generation_id)
    if kept is None:
        raise NotFound("response", row.generation_id)
    log = unpack(generations.events_after(db, row.generation_id, 0))
    is_forgotten = row.state != generations.RUNNING and not (log and isinstance(log[-1], LAST))
    return StoredResponse(
        row=row,
        head=ResponseHead(row.generation_id, row.created_at_ms // 1000, row.model, _echo(kept, shown)),
        reading=reading_of(db, shown),
        custom_tools=tuple(kept.get("custom_tools", ())),
        log_as_it_is=_made_up(db, row) if is_forgotten else log,
        is_forgotten=is_forgotten,
    )


def _echo(kept: dict[str, Any], shown: GenerationRow) -> dict[str, Any]:
    return {**kept.get("echo", {}), "metadata": shown.metadata}


def _made_up(db: Db, row: Generation) -> list[LogEvent]:
    """From what the row keeps: all its text at once, and its end."""
    text = generation_rows.part_of(db, row.generation_id, "content", start=0, num_chars=MAX_CHARS)
    opened = kept_opening(row.usage)
    events: list[LogEvent] = [Started(model=row.model, created_at_ms=row.created_at_ms)]
    events += [opened] if opened != Opened() else []
    events += [Delta(request_id=row.generation_id, index=0, text=text)] if text else []
    return [*events, last_event(row)]
