"""An import file → its chats, one at a time, whatever program wrote it. Runs in a thread of the caller's.

Formats are told by what an entry looks like, not by names. What is not a chat, or cannot be one, comes out as a
Problem: nothing is passed over in silence, and one chat's fault is no other's. Memory: one chat, however large the file
is.
"""

import traceback
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import IO, Any

from bdchat.store.transfer import document
from bdchat.store.transfer.allowance import Allowance, Exhausted, Stopped
from bdchat.store.transfer.archive import BadArchive, BadFile, JSONFile, json_files, looks_like_zip
from bdchat.store.transfer.chat import MAX_TITLE_CHARS, BadChat, Chat, line_of
from bdchat.store.transfer.json_items import BrokenJSON, JSONItems, TooLarge
from bdchat.store.transfer.jsonl import Gathered
from bdchat.store.transfer.programs import (
    anythingllm,
    chatgpt,
    claude,
    gemini,
    jan,
    librechat,
    llamacpp,
    lmstudio,
    openwebui,
)
from bdchat.store.transfer.reasons import Reason, because

MAX_CHAT_BYTES = 64 * 1024 * 1024  # of one chat as objects, about; its JSON is a third of that
# Each knows its own by more than a list of messages, which all have.
_PROGRAMS: tuple[tuple[Callable[[dict[str, Any]], bool], Callable[[dict[str, Any]], Chat]], ...] = tuple(
    (program.is_chat, program.chat_of)
    for program in (chatgpt, claude, librechat, lmstudio, llamacpp, jan, openwebui, anythingllm, gemini)
)
_MESSAGE_KEYS = frozenset(
    {"messages", "mapping", "chat_messages", "messagesTree", "history", "conversation", "turns", "responses"}
)
_HOLDERS = ("chat", "conv", "thread")
_SPEAKERS = ("role", "sender", "author", "from", "speaker", "is_user", "isUser")
_WORDS = ("content", "text", "message", "value", "parts", "mes")
_QUESTIONS = ("prompt", "question", "query", "instruction")
_ANSWERS = ("response", "answer", "completion", "output")
MAX_SEARCHED = 1000  # values, for whether somebody said something in them


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
    threads: dict[str, dict[str, Any]] = {}
    try:
        for file in json_files(source, allowance):
            num_files += 1
            yield from _of_file(file, allowance, threads)
    except Stopped:
        return
    except (BadArchive, Exhausted) as error:
        yield Problem(error.reason, "")
        return
    if not num_files:
        yield Problem(because("zip_without_json"), "")


def _of_file(file: JSONFile, allowance: Allowance, threads: dict[str, dict[str, Any]]) -> Iterator[FoundChat | Problem]:
    items = JSONItems(file.content, max_item_bytes=MAX_CHAT_BYTES)
    entries = Gathered(items, threads, max_item_bytes=MAX_CHAT_BYTES)
    num_chats = num_others = num_strange = 0
    try:
        for entry in entries:
            found = _found(entry, items.header, file.name)
            num_chats += found is not None
            is_strange = found is None and _is_message(entry)
            num_strange += is_strange
            num_others += found is None and not is_strange
            if isinstance(found, FoundChat):
                allowance.found_chat(entries.num_bytes)
            if found is None:
                allowance.found_no_chat()
            else:
                yield found
    except (BrokenJSON, BadFile) as error:
        yield Problem(error.reason, file.name)
        return
    if num_strange:
        yield Problem(because("unknown_program"), file.name)
    if not num_chats and not num_strange and not entries.num_parts:
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
    for is_chat, chat_of in _PROGRAMS:
        if is_chat(item):
            return chat_of(item)
    if not _is_message(item) and _looks_like_chat(item):
        raise BadChat("unknown_program")
    return None


def _looks_like_chat(item: dict[str, Any]) -> bool:
    """Somebody said something in it; but whose shape it is, is not known."""
    waiting: list[Any] = [item]
    for value in waiting:  # grows while it is read
        inner = list(value.values() if isinstance(value, dict) else value)[:MAX_SEARCHED]
        if any(_is_message(each) for each in inner):
            return True
        if isinstance(value, dict) and any(_holds_objects(value.get(key)) for key in _MESSAGE_KEYS):
            return True
        waiting += [each for each in inner if isinstance(each, dict | list)][: MAX_SEARCHED - len(waiting)]
    return False


def _holds_objects(value: Any) -> bool:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(each, dict) and each for each in values)


def _is_message(item: Any) -> bool:
    """Somebody said something, or asked and was answered: an entry of its own, as some programs write them."""
    if not isinstance(item, dict):
        return False
    held = item.get("message")
    said = held if isinstance(held, dict) else item
    if any(key in said for key in _SPEAKERS) and any(key in said for key in _WORDS):
        return True
    return any(key in said for key in _QUESTIONS) and any(key in said for key in _ANSWERS)


def _title(item: dict[str, Any]) -> str:
    inner: dict[str, Any] = next((item[key] for key in _HOLDERS if isinstance(item.get(key), dict)), {})
    named = (holder.get(key) for holder in (item, inner) for key in ("title", "name", "workspace"))
    return line_of(next((name for name in named if isinstance(name, str) and name), ""), MAX_TITLE_CHARS)
