"""A letter: its headers, its text or HTML, and the names of what is attached, which stays closed."""

import codecs
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from encodings.aliases import aliases
from typing import IO

from bdchat.reading.bounds import Bounds, Unreadable
from bdchat.reading.paging import FlowBlock, flowed
from bdchat.reading.pieces import PageText
from bdchat.reading.texts.decoding import cleaned, decode, read_bytes
from bdchat.reading.texts.html import html_blocks

for _name in {*aliases.values(), "raw_unicode_escape", "unicode_escape"} - {"mbcs", "oem"}:
    codecs.lookup(_name)  # loaded now: later the process can open no file, and a letter may name any of them
_SHOWN = ("From", "To", "Cc", "Date")
MAX_PARTS = 1000
MAX_HEADER_CHARACTERS = 2000
_GAP = re.compile(r"\n[ \t]*\n\s*")


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    raw = read_bytes(data, bounds)
    if raw.startswith(b"From "):  # as a mailbox begins a letter
        raw = raw.partition(b"\n")[2]
    try:
        yield from flowed(_blocks(message_from_bytes(raw), bounds))
    except (MessageError, RecursionError) as error:
        raise Unreadable("damaged", type(error).__name__) from error


def _blocks(letter: "Message[str, str]", bounds: Bounds) -> Iterator[FlowBlock]:
    if subject := _header(letter, "Subject"):
        yield FlowBlock("heading", subject, 1)
    shown = [f"{name}: {value}" for name in _SHOWN if (value := _header(letter, name))]
    if shown:
        yield FlowBlock("paragraph", "\n".join(shown))
    plain: list[FlowBlock] = []
    html: list[FlowBlock] = []
    attached: list[str] = []
    for number, part in enumerate(letter.walk()):
        if number >= MAX_PARTS:
            bounds.note("attachments_ignored")
            break
        if part.is_multipart():
            continue
        name = _decoded(part.get_filename() or "")
        kind = part.get_content_type()
        if name or part.get_content_disposition() == "attachment" or kind not in {"text/plain", "text/html"}:
            attached.append(name or kind)
            continue
        text = _text(part)
        if kind == "text/plain":
            plain += [FlowBlock("paragraph", each.strip("\n")) for each in _GAP.split(text) if each.strip()]
        else:
            html += html_blocks(text, bounds)
    yield from plain or html
    if attached:
        bounds.note("attachments_ignored", len(attached))
        yield FlowBlock("note", "\n".join(f"[{name}]" for name in attached))


def _text(part: "Message[str, str]") -> str:
    payload = part.get_payload(decode=True)
    charset = part.get_content_charset()
    return cleaned(decode(payload, charset)) if isinstance(payload, bytes) else ""


def _header(letter: "Message[str, str]", name: str) -> str:
    values = (str(value) for key, value in letter.raw_items() if key.lower() == name.lower())
    return _decoded(next(values, ""))


def _decoded(value: str) -> str:
    """RFC 2047's words, or bytes that an old program has put there bare: the parser has them as surrogates."""
    value = value[:MAX_HEADER_CHARACTERS]
    try:
        raw = value.encode("ascii", "surrogateescape")
        parts = [(raw, None)] if not raw.isascii() else decode_header(value)
    except (UnicodeEncodeError, HeaderParseError, ValueError):
        parts = [(value, None)]
    text = "".join(decode(part, charset) if isinstance(part, bytes) else part for part, charset in parts)
    return " ".join(cleaned(text).split())
