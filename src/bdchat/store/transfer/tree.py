"""Rebuilds the tree of a chat from each message's parent. Pure.

Missing parents make roots; a circle begins at the message that was met first; placeholders are left out and their
children hang on the nearest message above. Nothing here recurses: a chat may be 50,000 deep.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bdchat.store.transfer.chat import MAX_MESSAGES, BadChat, Chat, TransferMessage

Parents = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Tree:
    """`messages` in the file's order; `parents` and `at_ms` beside them. `top_down`: their numbers, parents first."""

    messages: Sequence[TransferMessage]
    parents: Sequence[int | None]
    at_ms: Sequence[int]
    top_down: Sequence[int]
    head: int | None
    num_branches: int
    fingerprint: str


class Fingerprint:
    """Of what is said, by whom and when, below what: two chats with the same one are the same chat. Times as they were
    given, so that it does not depend on when it is made."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, role: str, content: str, parent: int | None, created_at_ms: int | None) -> None:
        """`parent`: its number in that order."""
        encoded = content.encode()
        self._digest.update(f"{role} {parent} {created_at_ms} {len(encoded)} ".encode())
        self._digest.update(encoded)

    def text(self) -> str:
        return self._digest.hexdigest()[:32]


def rebuild(chat: Chat, *, now_ms: int) -> Tree:
    """Raises BadChat when it has too many messages, or two with the same id."""
    nodes = {message.message_id: message for message in chat.messages}
    if len(chat.messages) > MAX_MESSAGES:
        raise BadChat("too_many_messages", num=MAX_MESSAGES)
    if len(nodes) != len(chat.messages):
        raise BadChat("same_ids")
    parents = _without_circles(nodes)
    order = _top_down(parents)
    visible = _without_placeholders(nodes, parents, order)
    ids = [message_id for message_id, node in nodes.items() if node.content is not None]
    numbers = {message_id: number for number, message_id in enumerate(ids)}
    times = _times(nodes, visible, [each for each in order if each in numbers], chat, now_ms)
    at_ms = [times[each] for each in ids]
    above = [visible[each] for each in ids]
    is_parent = set(above)
    leaves = [each for each in ids if each not in is_parent]
    newest = max(leaves, key=lambda each: (times[each], numbers[each]), default=None)
    parent_numbers = [None if each is None else numbers[each] for each in above]
    return Tree(
        messages=[nodes[each] for each in ids],
        parents=parent_numbers,
        at_ms=at_ms,
        top_down=[numbers[each] for each in order if each in numbers],
        head=_head(chat.head_id, visible, numbers, newest),
        num_branches=len(leaves),
        fingerprint=_fingerprint([nodes[each] for each in ids], parent_numbers),
    )


def _fingerprint(messages: Sequence[TransferMessage], parents: Sequence[int | None]) -> str:
    fingerprint = Fingerprint()
    for message, parent in zip(messages, parents, strict=True):
        fingerprint.add(message.role, message.content or "", parent, message.created_at_ms)
    return fingerprint.text()


def _without_circles(nodes: dict[str, TransferMessage]) -> Parents:
    def above(message_id: str) -> str | None:
        parent_id = nodes[message_id].parent_id
        return parent_id if parent_id in nodes else None

    parents: Parents = {}
    for start in nodes:
        trail: dict[str, None] = {}
        here: str | None = start
        while here is not None and here not in parents and here not in trail:
            trail[here] = None
            here = above(here)
        parents |= {message_id: above(message_id) for message_id in trail}
        if here is not None and here in trail:
            parents[here] = None
    return parents


def _top_down(parents: Parents) -> list[str]:
    children: dict[str | None, list[str]] = {}
    for message_id, parent_id in parents.items():
        children.setdefault(parent_id, []).append(message_id)
    order = list(children.get(None, ()))
    for message_id in order:  # grows while it is read
        order += children.get(message_id, ())
    return order


def _without_placeholders(nodes: dict[str, TransferMessage], parents: Parents, order: Sequence[str]) -> Parents:
    """Message → the nearest message above it; of a placeholder too."""
    visible: Parents = {}
    for message_id in order:
        parent_id = parents[message_id]
        is_shown = parent_id is None or nodes[parent_id].content is not None
        visible[message_id] = parent_id if is_shown or parent_id is None else visible[parent_id]
    return visible


def _times(
    nodes: dict[str, TransferMessage], visible: Parents, order: Sequence[str], chat: Chat, now_ms: int
) -> dict[str, int]:
    """A message without a time has its parent's."""
    times: dict[str, int] = {}
    first = chat.created_at_ms if chat.created_at_ms is not None else chat.updated_at_ms
    for message_id in order:
        parent_id, own = visible[message_id], nodes[message_id].created_at_ms
        inherited = times[parent_id] if parent_id is not None else first if first is not None else now_ms
        times[message_id] = own if own is not None else inherited
    return times


def _head(head_id: str | None, visible: Parents, numbers: dict[str, int], newest: str | None) -> int | None:
    """What the file says is shown, else the newest end."""
    named = head_id if head_id is None or head_id in numbers else visible.get(head_id)
    shown = newest if named is None else named
    return None if shown is None else numbers[shown]
