"""Prompt messages of a stored completion, read one at a time so that the texts are never all in memory. In a store's
reader.

Those of a chat lie in the chat: their ids and lengths are enough to say which they were. Those of a completion outside
chats lie in its request, which is read again for each piece of a long one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bdchat.api.durable.context import conversation, without_oldest
from bdchat.api.durable.plans import messages_of_request
from bdchat.api.http.long_answer import GAP
from bdchat.engine.request import ChatMessage
from bdchat.store.accounting.byte_length import INLINE_BYTES, PAGE_BYTES
from bdchat.store.chats import answers, generations, messages
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.tables import Generation, Message

Read = Callable[[Db, int, int], str]


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """`read` None: `content` is all of it."""

    item_id: str
    role: str
    name: str | None
    num_bytes: int
    content: str = ""
    read: Read | None = None

    def to_wire(self) -> dict[str, Any]:
        return {
            "id": self.item_id,
            "role": self.role,
            "content": self.content if self.read is None else GAP,
            "name": self.name,
            "content_parts": None,
        }


def shown_messages(db: Db, row: Generation) -> list[ShownMessage]:
    """In the order in which they were shown."""
    found = _of_chat(db, row) if row.session_id is not None else _of_request(row)
    return list(found)


def page_of(
    shown: Sequence[ShownMessage], limit: int, *, after: str | None, is_newest_first: bool
) -> tuple[list[ShownMessage], bool]:
    """And whether there are more: it ends before the one with which the texts are more than PAGE_BYTES, and holds one
    at least. Raises NotFound for an unknown `after`."""
    rest = list(reversed(shown)) if is_newest_first else list(shown)
    if after is not None:
        ids = [message.item_id for message in rest]
        if after not in ids:
            raise NotFound("message", after)
        rest = rest[ids.index(after) + 1 :]
    num_fitting = num_bytes = 0
    for message in rest[:limit]:
        num_bytes += message.num_bytes
        if num_fitting and num_bytes > PAGE_BYTES:
            break
        num_fitting += 1
    return rest[:num_fitting], num_fitting < len(rest)


def _of_request(row: Generation) -> Iterator[ShownMessage]:
    num_inline_bytes = 0
    for number, message in enumerate(messages_of_request(row)):
        num_bytes = len(message.content.encode(errors="replace"))
        item_id = f"{row.generation_id}-{number}"
        num_inline_bytes += num_bytes
        if num_inline_bytes <= INLINE_BYTES:
            yield ShownMessage(item_id, message.role, message.name, num_bytes, message.content)
        else:
            read = partial(_part_of_request, row.generation_id, number)
            yield ShownMessage(item_id, message.role, message.name, num_bytes, read=read)


def _part_of_request(generation_id: str, number: int, db: Db, start: int, num_chars: int) -> str:
    content = messages_of_request(generations.get(db, generation_id))[number].content
    return content[start : start + num_chars]


def _of_chat(db: Db, row: Generation) -> Iterator[ShownMessage]:
    """The path as it was shown, without what documents brought, as ids instead of texts; the system's messages are
    the row's own."""
    path = answers.sizes_before(db, row)
    sizes = {size.message_id: size.num_bytes for size in path}
    skeleton = [
        Message(message_id=size.message_id, role=size.role, content=size.message_id if size.num_bytes else "")
        for size in path
    ]
    system = [ChatMessage(role="system", content=content) for content in row.wire.get("system", ())]
    num_dropped = int(row.wire.get("num_dropped_messages", 0))
    of_system = {id(message) for message in system}
    for number, message in enumerate(without_oldest(conversation(system, skeleton), num_dropped)):
        item_id = f"{row.generation_id}-{number}"
        if id(message) in of_system:
            num_bytes = len(message.content.encode(errors="replace"))
            yield ShownMessage(item_id, message.role, None, num_bytes, message.content)
        elif not message.content:
            yield ShownMessage(item_id, message.role, None, 0)
        else:
            read = partial(_part_of_message, message.content)
            yield ShownMessage(item_id, message.role, None, sizes[message.content], read=read)


def _part_of_message(message_id: str, db: Db, start: int, num_chars: int) -> str:
    return messages.text_of(db, message_id, start, num_chars)
