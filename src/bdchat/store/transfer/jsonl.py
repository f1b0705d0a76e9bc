"""Entries of a file that make a chat only together, brought together: llama.cpp's and Jan's lines of messages, the rows
of AnythingLLM. Pure but for the reading. Memory: one chat; of rows, the file up to the bound of a chat.

The shapes that come out are those of programs/llamacpp.py, jan.py and anythingllm.py.
"""

from collections.abc import Iterator
from typing import Any

from bdchat.store.transfer.chat import MAX_MESSAGES
from bdchat.store.transfer.json_items import JSONItems, TooLarge
from bdchat.store.transfer.programs import anythingllm, jan
from bdchat.store.transfer.reasons import because

MAX_THREADS = 20_000  # of Jan, whose names are kept until their messages come
_HARNESS = "llama"  # "llama.app"; others write the same lines


class Gathered:
    """Iterate once. `threads`: Jan's, of all files of a ZIP, by id; owned by who reads the ZIP. `num_bytes`: what the
    last entry weighs, about; `num_parts`: entries that were parts of others, so far."""

    def __init__(self, items: JSONItems, threads: dict[str, dict[str, Any]], *, max_item_bytes: int) -> None:
        self.num_bytes = 0
        self.num_parts = 0
        self._items = items
        self._threads = threads
        self._max_item_bytes = max_item_bytes
        self._open: dict[str, Any] | None = None
        self._open_bytes = 0
        self._rows: dict[tuple[str, str], list[Any]] = {}
        self._row_bytes = 0

    def __iter__(self) -> Iterator[Any]:
        """Raises what reading does; what was begun is then left: half a chat is none."""
        for item in self._items:
            if isinstance(item, dict) and anythingllm.is_row(item):
                self._rows.setdefault((_name(item, "workspace"), _name(item, "username")), []).append(item)
                self._row_bytes += self._items.num_bytes
                self.num_parts += 1
                if self._row_bytes > self._max_item_bytes:
                    yield from self._rows_so_far()
            elif isinstance(item, dict) and (begun := self._begun(item)) is not None:
                yield from self._opened()
                self._open, self._open_bytes = begun, self._items.num_bytes
                self.num_parts += 1
            elif isinstance(item, dict) and (message := self._message(item)) is not None:
                self._add(message)
            elif isinstance(item, dict) and jan.is_thread(item) and isinstance(item.get("id"), str):
                if len(self._threads) < MAX_THREADS:
                    self._threads[item["id"]] = item
                self.num_parts += 1
            else:
                yield from self._opened()
                self.num_bytes = self._items.num_bytes
                yield item
        yield from self._opened()
        yield from self._rows_so_far()

    def _begun(self, item: dict[str, Any]) -> dict[str, Any] | None:
        """A new chat that the entry begins."""
        if item.get("type") == "session" and _name(item, "harness").startswith(_HARNESS):
            return {"conv": item, "messages": []}
        if jan.is_message(item):
            thread_id = item.get("thread_id")
            is_same = self._open is not None and "thread" in self._open and self._open["thread_id"] == thread_id
            thread = self._threads.pop(thread_id, None) if isinstance(thread_id, str) and not is_same else None
            return None if is_same else {"thread": thread, "thread_id": thread_id, "messages": [item]}
        return None

    def _message(self, item: dict[str, Any]) -> Any:
        """What the entry adds to the chat that was begun."""
        if self._open is None:
            return None
        if "conv" in self._open:
            return item.get("message") if item.get("type") == "message" else None
        return item if jan.is_message(item) else None

    def _add(self, message: Any) -> None:
        assert self._open is not None
        self.num_parts += 1
        self._open_bytes += self._items.num_bytes
        messages = self._open["messages"]
        if self._open_bytes <= self._max_item_bytes and len(messages) <= MAX_MESSAGES:
            messages.append(message)
        else:
            messages.clear()  # and what comes is counted only

    def _opened(self) -> Iterator[Any]:
        if self._open is None:
            return
        found, self._open = self._open, None
        self.num_bytes = min(self._open_bytes, self._max_item_bytes)
        if self._open_bytes > self._max_item_bytes:
            about = found["conv"].get("name") if "conv" in found else (found["thread"] or {}).get("title")
            yield TooLarge(about, because("too_large"))
        else:
            yield found

    def _rows_so_far(self) -> Iterator[Any]:
        rows, self._rows = self._rows, {}
        self.num_bytes, self._row_bytes = self._row_bytes, 0
        for (workspace, _), some in rows.items():
            yield {"workspace": workspace, "rows": some}
            self.num_bytes = 0


def _name(item: dict[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""
