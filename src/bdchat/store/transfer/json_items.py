"""A JSON file of any size as its chats, one value at a time. The one door to ijson. Runs in a thread of the caller's.

A file is an array of chats, an object that holds such an array ("sessions", "conversations", "chats"), one chat, or
several of these, a line each. Bounds hold whatever the bytes are: of one value at most `max_item_bytes` (as objects
weigh, not as text), of one string at most MAX_STRING_BYTES, MAX_DEPTH levels, those of a tree of messages not counted,
in which each lies in its parent's "children". What yajl would not take, exports have nevertheless: mending.py. Texts
that come out hold no NUL.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ijson

from bdchat.store.transfer.mending import Readable, mended
from bdchat.store.transfer.reasons import Reason, Refused, because

MAX_STRING_BYTES = 16 * 1024 * 1024  # images lie in some exports as text; what follows is left out
MAX_DEPTH = 100
TREE_KEY = "children"
MAX_TREE_DEPTH = 100_000  # a path of as many messages as a chat may have, two levels each
MAX_PASSED_DEPTH = 1_000_000  # of what is passed over: yajl keeps a byte per level
VALUE_BYTES = 64  # about what a small object weighs
LISTS = frozenset({"sessions", "conversations", "chats"})
_STRING_END = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class BrokenJSON(Refused):
    """The file cannot be read from here on; what came before was good."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Stands for a value that was not kept."""

    title: object  # what it said of itself
    reason: Reason


class JSONItems:
    """Iterate once. `header`: what an object said beside its array of chats, so far; `num_bytes`: what the last item
    weighs, about."""

    def __init__(self, source: Readable, *, max_item_bytes: int) -> None:
        self.header: dict[str, Any] = {}
        self.num_bytes = 0
        self._source = source
        self._max_item_bytes = max_item_bytes
        self._value = _Value(max_item_bytes)

    def __iter__(self) -> Iterator[Any]:
        """Chats as they came (objects, mostly), or TooLarge. Raises BrokenJSON."""
        events = self._events()
        is_empty = True
        for event, _ in events:
            is_empty = False
            if event == "start_array":
                yield from self._array(events)
            elif event == "start_map":
                self.header = {}
                yield from self._envelope(events)
            else:
                raise BrokenJSON("single_value")
        if is_empty:
            raise BrokenJSON("no_json", detail="it is empty")

    def _array(self, events: Iterator[tuple[str, Any]]) -> Iterator[Any]:
        for event, value in events:
            if event == "end_array":
                return
            item = self._value.take(event, value, events)
            self.num_bytes = self._value.num_bytes
            yield item

    def _envelope(self, events: Iterator[tuple[str, Any]]) -> Iterator[Any]:
        has_list = False
        problem: Reason | None = None
        key = ""
        num_held_bytes = 0
        for event, value in events:
            if event == "end_map":
                break
            if event == "map_key":
                key = _text(value)
            elif event == "start_array" and key in LISTS:
                has_list = True
                yield from self._array(events)
            else:
                num_bytes = num_held_bytes + VALUE_BYTES + 2 * len(key)
                taken = self._value.take(event, value, events, num_bytes=num_bytes)
                if isinstance(taken, TooLarge):
                    problem = taken.reason
                elif self._value.num_bytes > self._max_item_bytes:  # many values, each of them small enough
                    problem = because("too_large")
                else:
                    self.header[key] = taken
                    num_held_bytes = self._value.num_bytes
        self.num_bytes = num_held_bytes
        if not has_list:
            yield TooLarge(self.header.get("title"), problem) if problem else self.header

    def _events(self) -> Iterator[tuple[str, Any]]:
        found = ijson.sendable_list()
        # use_float=True overflows on integers of 20 digits
        parser = ijson.basic_parse_coro(found, use_float=False, multiple_values=True)
        try:
            for chunk in _fed(mended(self._source), found):
                parser.send(chunk)
                yield from found
            found.clear()
            parser.close()
            yield from found
        except (ijson.JSONError, ValueError) as error:
            yield from found
            raise BrokenJSON("no_json", detail=_detail(error)) from error


class _Value:
    """Builds one value of events. `num_bytes`: what the last one weighs, about."""

    def __init__(self, max_bytes: int) -> None:
        self.num_bytes = 0
        self._max_bytes = max_bytes

    def take(self, event: str, value: Any, events: Iterator[tuple[str, Any]], *, num_bytes: int = 0) -> Any:
        """The value that begins with this event. `num_bytes`: what it adds to."""
        self.num_bytes = num_bytes
        root: list[Any] = []
        stack: list[Any] = [root]
        keys: list[str] = [""]
        levels = [False]  # of a tree of messages, beside `stack`
        num_tree_levels = 0
        while True:
            if event == "map_key":
                keys[-1] = _text(value)
            elif event in {"end_map", "end_array"}:
                stack.pop()
                keys.pop()
                num_tree_levels -= levels.pop()
            else:
                is_opening = event in {"start_map", "start_array"}
                made = ({} if event == "start_map" else []) if is_opening else _scalar(event, value)
                holder = stack[-1]
                if type(holder) is dict:
                    holder[keys[-1]] = made
                else:
                    holder.append(made)
                if is_opening:
                    is_level = keys[-1] == TREE_KEY if type(holder) is dict else levels[-1] and type(made) is dict
                    is_level = is_level and (type(holder) is list or type(made) is list)
                    levels.append(is_level)
                    num_tree_levels += is_level
                    stack.append(made)
                    keys.append("")
            self.num_bytes += VALUE_BYTES + (2 * len(value) if type(value) is str else 0)
            if len(stack) == 1:
                return root[0]
            is_too_deep = len(stack) - num_tree_levels > MAX_DEPTH or num_tree_levels > MAX_TREE_DEPTH
            if self.num_bytes > self._max_bytes or is_too_deep:
                return self._skip(root[0], len(stack) - 1, events)
            event, value = next(events)

    def _skip(self, root: Any, depth: int, events: Iterator[tuple[str, Any]]) -> TooLarge:
        is_deep = self.num_bytes <= self._max_bytes
        title = root.get("title") if isinstance(root, dict) else None
        root.clear()
        while depth:
            event, _ = next(events)
            depth += 1 if event in {"start_map", "start_array"} else -1 if event in {"end_map", "end_array"} else 0
            if depth > MAX_PASSED_DEPTH:
                raise BrokenJSON("too_deep", num=MAX_PASSED_DEPTH)
        reason = because("too_deep", num=MAX_DEPTH) if is_deep else because("too_large")
        return TooLarge(title, reason)


def _scalar(event: str, value: Any) -> Any:
    if event == "string":
        return _text(value)
    if isinstance(value, Decimal):
        number = float(value)
        return number if number - number == 0 else None  # 1e400
    return value


def _text(value: str) -> str:
    return value.replace("\x00", "\ufffd") if "\x00" in value else value


def _fed(chunks: Iterator[bytes], found: list[Any]) -> Iterator[bytes]:
    """What the parser is sent; `found` is what it made of the chunk before, and is emptied. While it finds nothing it
    is inside a string: yajl reads all of that again with each chunk, so chunks then grow until the string ends; and
    what is beyond MAX_STRING_BYTES is passed over."""
    num_silent_bytes = 0
    waiting: list[bytes] = []
    for chunk in chunks:
        waiting.append(chunk)
        num_wanted_bytes = min(num_silent_bytes, MAX_STRING_BYTES - num_silent_bytes + 1)
        if sum(map(len, waiting)) < num_wanted_bytes and not _STRING_END.match(chunk):
            continue
        sent = b"".join(waiting)
        waiting = []
        found.clear()
        yield sent
        num_silent_bytes = 0 if found or sent.isspace() else num_silent_bytes + len(sent)
        if num_silent_bytes > MAX_STRING_BYTES:
            num_silent_bytes = 0
            waiting = [b'"' + _after_string(chunks)]
    found.clear()
    if rest := b"".join(waiting):
        yield rest


def _after_string(chunks: Iterator[bytes]) -> bytes:
    for chunk in chunks:
        if end := _STRING_END.match(chunk):
            return chunk[end.end() :]
    return b""


def _detail(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return text.strip().splitlines()[0][:200] if text.strip() else "unreadable"
