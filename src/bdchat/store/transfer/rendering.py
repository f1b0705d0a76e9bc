"""Renders an exported chat in each format, piece by piece. Pure: it is given a chat's head and its messages in turn.

bdchat: the whole tree (document.py). markdown: the path that is shown. jsonl: the same path as one training example,
{"messages": […]}, that ends with an answer; a chat without any gives no line.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal, Protocol

import msgspec

from bdchat import __version__
from bdchat.store.chats.messages import EDITED
from bdchat.store.transfer.document import VERSION, VERSION_KEY, MessagePart, SessionHead

Format = Literal["bdchat", "markdown", "jsonl"]
SUFFIXES: dict[Format, str] = {"bdchat": ".json", "markdown": ".md", "jsonl": ".jsonl"}
MEDIA: dict[Format, str] = {
    "bdchat": "application/json",
    "markdown": "text/markdown; charset=utf-8",
    "jsonl": "application/x-ndjson",
}
Language = Literal["en", "ko"]
_WORDS: dict[Language, dict[str, str]] = {  # of a Markdown file; by role, and by what else it says
    "en": {
        "user": "User",
        "assistant": "Assistant",
        "system": "System",
        "tool": "Tool",
        "prompt": "System prompt",
        "edited": "edited",
        "count": "{} messages",
        "untitled": "Untitled",
    },
    "ko": {
        "user": "사용자",
        "assistant": "답변",
        "system": "시스템",
        "tool": "도구",
        "prompt": "시스템 프롬프트",
        "edited": "수정됨",
        "count": "메시지 {}개",
        "untitled": "제목 없음",
    },
}
MAX_NAME_CHARS = 60
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)  # names that Windows keeps
_UNFIT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # what turns the writing direction round among them
_encode = msgspec.json.Encoder().encode


class Renderer(Protocol):
    """Of one file with any number of chats. Every call returns the bytes that come next."""

    def begin(self) -> bytes: ...

    def open_chat(self, head: SessionHead, num_messages: int) -> bytes: ...

    def add(self, parts: Sequence[MessagePart]) -> bytes: ...

    def close_chat(self) -> bytes: ...

    def end(self) -> bytes: ...


class BdchatRenderer:
    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._has_chats = False
        self._has_messages = False

    def begin(self) -> bytes:
        head = _encode({VERSION_KEY: VERSION, "exported_at_ms": self._now_ms, "server_version": __version__})
        return head[:-1] + b',"sessions":['

    def open_chat(self, head: SessionHead, num_messages: int) -> bytes:
        comma, self._has_chats, self._has_messages = b",\n" if self._has_chats else b"\n", True, False
        return comma + _encode(head)[:-1] + b',"messages":['

    def add(self, parts: Sequence[MessagePart]) -> bytes:
        encoded = b",\n".join(map(_encode, parts))
        comma, self._has_messages = b",\n" if self._has_messages and parts else b"", self._has_messages or bool(parts)
        return comma + encoded

    def close_chat(self) -> bytes:
        return b"]}"

    def end(self) -> bytes:
        return b"\n]}\n"


class JSONLRenderer:
    def __init__(self) -> None:
        self._is_open = False
        self._has_messages = False

    def begin(self) -> bytes:
        return b""

    def open_chat(self, head: SessionHead, num_messages: int) -> bytes:
        self._is_open, self._has_messages = num_messages > 0, False
        prompt = (head.config or {}).get("system_prompt")
        if not self._is_open:
            return b""
        return b'{"messages":[' + (self._message("system", prompt) if isinstance(prompt, str) and prompt else b"")

    def add(self, parts: Sequence[MessagePart]) -> bytes:
        return b"".join(self._message(part.role, part.content) for part in parts)

    def close_chat(self) -> bytes:
        return b"]}\n" if self._is_open else b""

    def end(self) -> bytes:
        return b""

    def _message(self, role: str, content: str) -> bytes:
        comma, self._has_messages = b"," if self._has_messages else b"", True
        return comma + _encode({"role": role, "content": content})


class MarkdownRenderer:
    """Times are the zone's, headings the language's."""

    def __init__(self, zone: tzinfo = UTC, language: Language = "en") -> None:
        self._zone = zone
        self._words = _WORDS[language]

    def begin(self) -> bytes:
        return b""

    def open_chat(self, head: SessionHead, num_messages: int) -> bytes:
        title = " ".join(head.title.split()) or self._words["untitled"]
        prompt = (head.config or {}).get("system_prompt")
        count = self._words["count"].format(num_messages)
        lines = [f"# {title}", f"{day_and_time(head.updated_at_ms, self._zone)} · {count}"]
        if isinstance(prompt, str) and prompt:
            lines += [f"## {self._words['prompt']}", prompt]
        return ("\n\n".join(lines) + "\n").encode()

    def add(self, parts: Sequence[MessagePart]) -> bytes:
        return "".join(f"\n## {self._speaker(part)}\n\n{part.content.rstrip()}\n" for part in parts).encode()

    def close_chat(self) -> bytes:
        return b""

    def end(self) -> bytes:
        return b""

    def _speaker(self, part: MessagePart) -> str:
        name = self._words.get(part.role, part.role.capitalize())
        about = part.author if part.role == "user" else part.metadata.model if part.metadata is not None else ""
        notes = [about, self._words["edited"] if part.finish_reason == EDITED else ""]
        about = ", ".join(note for note in notes if note)
        return " ".join(f"{name} ({about})".split()) if about else name


def day_and_time(at_ms: int, zone: tzinfo) -> str:
    """With its distance from UTC: "2026-11-22 08:30 UTC+09:00"."""
    at = datetime.fromtimestamp(at_ms / 1000, zone).replace(second=0, microsecond=0)
    text = at.isoformat(sep=" ", timespec="minutes")
    return f"{text[:16]} UTC{text[16:].removesuffix('+00:00')}"


def is_example_part(part: dict[str, Any]) -> bool:
    """A message that is worth learning from: one that says something and did not fail."""
    return bool(part["num_bytes"]) and part["status"] != "failed"


def safe_file_name(name: str, *, max_chars: int = 200) -> str:
    """As `safe_name`, of a file: longer, and its suffix stays."""
    stem, dot, suffix = name.rpartition(".")
    if not dot or not suffix.isascii() or not suffix.isalnum() or len(suffix) > 10:
        stem, suffix = name, ""
    text = "".join(char for char in unicodedata.normalize("NFC", stem) if unicodedata.category(char) not in _UNFIT)
    stem = " ".join(_FORBIDDEN.sub(" ", text).split()).strip(". ")[:max_chars].strip(". ") or "file"
    stem = f"_{stem}" if _RESERVED.fullmatch(stem) else stem
    return f"{stem}.{suffix}" if suffix else stem


def safe_name(title: str, *, fallback: str = "chat") -> str:
    """A title as a file's name on any system, without its suffix: no paths, no tricks, in whatever script."""
    text = "".join(char for char in unicodedata.normalize("NFC", title) if unicodedata.category(char) not in _UNFIT)
    name = " ".join(_FORBIDDEN.sub(" ", text).split()).strip(". ")[:MAX_NAME_CHARS].strip(". ")
    if not name:
        return fallback
    return f"_{name}" if _RESERVED.fullmatch(name) else name
