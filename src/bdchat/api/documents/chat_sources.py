"""Where a message goes in a chat, with the passages that its path has brought. In a store's reader.

The rows of a message's sources never change, so that every later prompt begins with the same bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Self

from bdchat.api.citations.passage import PassagesOf, PromptPassage
from bdchat.store.chats import answers
from bdchat.store.chats.answers import MessagePlace
from bdchat.store.db import Db
from bdchat.store.document_tables import MessageSource
from bdchat.store.documents import sources
from bdchat.store.tables import Generation, Message

IDS_PER_QUERY = 5000  # a database takes no more names in one


@dataclass(frozen=True, slots=True)
class ChatPlace(MessagePlace):
    passages: PassagesOf

    @classmethod
    def at(cls, db: Db, place: MessagePlace) -> Self:
        named = {each.name: getattr(place, each.name) for each in fields(MessagePlace)}
        return cls(**named, passages=passages_of(db, place.path))


def passages_of(db: Db, path: Sequence[Message]) -> dict[str, tuple[PromptPassage, ...]]:
    """By message, of those that brought any."""
    return passages_by_id(db, [message.message_id for message in path if message.role == "user"])


def passages_by_id(db: Db, ids: Sequence[str]) -> dict[str, tuple[PromptPassage, ...]]:
    found: dict[str, tuple[PromptPassage, ...]] = {}
    for at in range(0, len(ids), IDS_PER_QUERY):
        for message_id, rows in sources.of_path(db, ids[at : at + IDS_PER_QUERY]).items():
            found[message_id] = tuple(map(passage_of, rows))
    return found


def passage_of(row: MessageSource) -> PromptPassage:
    return PromptPassage(**{name: getattr(row, name) for name in PromptPassage.__struct_fields__})


def rows_of(passages: Iterable[PromptPassage]) -> list[MessageSource]:
    """For sources.put, which says whose they are."""
    return [
        MessageSource(**{name: getattr(passage, name) for name in PromptPassage.__struct_fields__})
        for passage in passages
    ]


def asked_before(db: Db, generation: Generation) -> tuple[list[Message], PassagesOf]:
    """The path that a chat's answer continues, and what it brought: what its prompt is made of."""
    path = answers.asked_before(db, generation)
    return path, passages_of(db, path)


def last_number(passages: PassagesOf, path: Sequence[Message]) -> int:
    """Of the passages on a path, by which the next ones are counted on."""
    return max((each.number for message in path for each in passages.get(message.message_id, ())), default=0)
