"""An import file → its chats, one at a time, whatever program wrote it. Runs in a thread of the caller's.

Formats are told by what an entry looks like, not by names. What is not a chat, or cannot be one, comes out as a
Problem: nothing is passed over in silence, and one chat's fault is no other's. Memory: one chat, however large the file
is.
"""

import traceback
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import IO, Any

from bdchat.store.transfer import chatgpt, document, openwebui
from bdchat.store.transfer.allowance import Allowance, Exhausted, Stopped
from bdchat.store.transfer.archive import BadArchive, BadFile, JSONFile, json_files, looks_like_zip
from bdchat.store.transfer.chat import MAX_TITLE_CHARS, BadChat, Chat, line_of
from bdchat.store.transfer.json_items import BrokenJSON, JSONItems, TooLarge
from bdchat.store.transfer.reasons import Reason, because

MAX_CHAT_BYTES = 64 * 1024 * 1024  # of one chat as objects, about; its JSON is a third of that


@dataclass(frozen=True, slots=True)
class FoundChat:
    chat: Chat
    file: str  # in a ZIP, else ""


@dataclass(frozen=True, slots=True)
class Problem:
    """With a chat (`title` tells which) or with a file (`title` None)."""

    reason: Reason
    file: str
    title: str | None = None
    is_failure: bool = True  # False: there was nothing for us in it
    fault: str | None = None  # ours, to be logged: its traceback


def looks_readable(source: IO[bytes]) -> bool:
    """JSON that may hold chats, or a ZIP. Reads the beginning only."""
    if looks_like_zip(source):
        return True
    source.seek(0)
    return source.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"[", b"{"}


def read_chats(source: IO[bytes], allowance: Allowance) -> Generator[FoundChat | Problem]:
    """While the allowance is working. Ends early when that is stopped."""
    num_files = 0
    try:
        for file in json_files(source, allowance):
            num_files += 1
            yield from _of_file(file, allowance)
    except Stopped:
        return
    except (BadArchive, Exhausted) as error:
        yield Problem(error.reason, "")
        return
    if not num_files:
        yield Problem(because("zip_without_json"), "")


def _of_file(file: JSONFile, allowance: Allowance) -> Iterator[FoundChat | Problem]:
    items = JSONItems(file.content, max_item_bytes=MAX_CHAT_BYTES)
    num_chats = num_others = 0
    try:
        for item in items:
            found = _found(item, items.header, file.name)
            num_chats += found is not None
            num_others += found is None
            if isinstance(found, FoundChat):
                allowance.found_chat(items.num_bytes)
            if found is None:
                allowance.found_no_chat()
            else:
                yield found
    except (BrokenJSON, BadFile) as error:
        yield Problem(error.reason, file.name)
        return
    if not num_chats:
        yield Problem(because("no_chats"), file.name, is_failure=False)
    elif num_others:
        yield Problem(because("other_entries", num=num_others), file.name, is_failure=False)


def _found(item: Any, header: dict[str, Any], file: str) -> FoundChat | Problem | None:
    """None: it is no chat."""
    if isinstance(item, TooLarge):
        return Problem(item.reason, file, title=line_of(item.title, MAX_TITLE_CHARS))
    if not isinstance(item, dict):
        return None
    try:
        chat = _chat(item, header)
    except BadChat as error:
        return Problem(error.reason, file, title=_title(item))
    except MemoryError:
        raise
    except Exception:  # a border: what a stranger's value does to our code is not the next chat's fault
        return Problem(because("unreadable"), file, title=_title(item), fault=traceback.format_exc())
    return None if chat is None else FoundChat(chat, file)


def _chat(item: dict[str, Any], header: dict[str, Any]) -> Chat | None:
    if "session_id" in item and isinstance(item.get("messages"), list):
        return document.chat_of(item, header)
    if chatgpt.is_chat(item):
        return chatgpt.chat_of(item)
    if openwebui.is_chat(item):
        return openwebui.chat_of(item)
    return None


def _title(item: dict[str, Any]) -> str:
    inner = item.get("chat")
    return line_of(item.get("title") or (inner.get("title") if isinstance(inner, dict) else None), MAX_TITLE_CHARS)
