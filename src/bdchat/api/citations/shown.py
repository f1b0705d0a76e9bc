"""A chat's messages with the passages that stand before their words, until the prompt is made of them. Pure.

What of a conversation is dropped is decided on messages that still have their passages apart: the instruction on how to
answer from them stands in the first block that is left.
"""

from collections.abc import Iterable, Sequence

import msgspec

from bdchat.api.citations.block import with_block
from bdchat.api.citations.passage import PromptPassage
from bdchat.engine.request import ChatMessage


class DocumentMessage(ChatMessage, frozen=True, kw_only=True):
    """`content`: the user's words alone."""

    passages: tuple[PromptPassage, ...] = ()


def with_passages(message: ChatMessage, passages: Sequence[PromptPassage]) -> ChatMessage:
    if not passages:
        return message
    return DocumentMessage(**msgspec.structs.asdict(message), passages=tuple(passages))


def shown(messages: Iterable[ChatMessage]) -> tuple[ChatMessage, ...]:
    """As the model is shown them."""
    made: list[ChatMessage] = []
    is_first = True
    for message in messages:
        if isinstance(message, DocumentMessage):
            content = with_block(message.content, message.passages, tells_how=is_first)
            fields = {name: getattr(message, name) for name in ChatMessage.__struct_fields__}
            made.append(ChatMessage(**fields | {"content": content}))
            is_first = False
        else:
            made.append(message)
    return tuple(made)


def passages_in(messages: Iterable[ChatMessage]) -> list[PromptPassage]:
    return [passage for message in messages if isinstance(message, DocumentMessage) for passage in message.passages]
