"""Bytes → text: which encoding it is, by the bytes alone.

A byte order mark says it. Else UTF-8, which nothing else is by chance. Else UTF-16 where NULs show it. Else the double
bytes of the old East Asian encodings, told apart by where each has its common characters; else Windows' Western one.
"""

import codecs
import re
from typing import IO

from bdchat.reading.bounds import Bounds, Unreadable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLD = ("cp949", "euc_jp", "shift_jis", "gb18030", "big5")
# All are loaded now: later the process can open no file. E-mail names more than a text is searched for.
for _name in (
    "utf-7",
    "utf-16-le",
    "utf-16-be",
    "iso2022_kr",
    "iso2022_jp",
    "johab",
    "cp932",
    "gbk",
    "koi8-r",
    "cp1251",
):
    codecs.lookup(_name)
for _name in (*_OLD, *(name for _, name in _MARKS), "ascii", "latin-1", "cp1252", "iso8859-2", "iso8859-15", "euc_kr"):
    codecs.lookup(_name)
SAMPLE_BYTES = 256 * 1024
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_DROPPED = dict.fromkeys([*range(9), 0x0B, *range(0x0E, 0x20), 0x7F, 0xFEFF], None) | {0x0C: "\n\n"}
MOST_CONTROLS = 1 / 500  # of a text's characters; a stray NUL is no picture


def read_text(data: IO[bytes], bounds: Bounds) -> str:
    """The whole file, its lines ended by "\\n". Raises Unreadable."""
    return cleaned(decode(read_bytes(data, bounds)))


def read_bytes(data: IO[bytes], bounds: Bounds) -> bytes:
    """The whole file. Raises Unreadable."""
    most = 2 * bounds.limits.text_bytes  # two bytes of UTF-16 or CP949 may be less in UTF-8
    raw = data.read(most + 1)
    if len(raw) > most:
        raise Unreadable("too_much_text")
    return raw


def cleaned(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_DROPPED)


def decode(raw: bytes, declared: str | None = None) -> str:
    """`declared`: what a header or a <meta> says; bytes that are UTF-8 are so whatever is said."""
    return raw.decode(encoding_of(raw, declared), "replace")


def encoding_of(raw: bytes, declared: str | None = None) -> str:
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    if declared is not None and declared.lower().replace("_", "-").startswith("iso-2022") and _decodes(raw, declared):
        return declared  # it is written in ASCII
    if _is_utf8(raw):
        return "utf-8"
    sample = raw[:SAMPLE_BYTES]
    if wide := _wide(sample):
        return wide
    if declared is not None and _decodes(sample, declared):
        return declared
    return next((name for name in _OLD if _fits(sample, name)), "cp1252")


def looks_like_text(sample: bytes) -> bool:
    """`sample`: a file's beginning."""
    text = decode(sample)
    if not text:
        return False
    num_strange = len(_CONTROLS.findall(text)) + text.count("\ufffd")
    return num_strange <= len(text) * MOST_CONTROLS


def _is_utf8(raw: bytes) -> bool:
    """A last character may be cut, and one in thousands be wrong."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        if raw[:SAMPLE_BYTES].isascii():
            return len(raw) > SAMPLE_BYTES
        text = raw[:SAMPLE_BYTES].decode("utf-8", "replace")
        num_good = sum(1 for character in text if ord(character) > 0x7F and character != "\ufffd")
        return num_good > 20 * text.count("\ufffd")
    return True


def _decodes(raw: bytes, name: str) -> bool:
    try:
        codecs.lookup(name)
        raw[: len(raw) - 4].decode(name)
    except (LookupError, UnicodeError, OSError, ValueError):  # OSError: a codec that is not loaded, see above
        return False
    return True


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark: no control characters in one byte order, and spaces or line ends there."""
    if b"\0" not in sample:
        return None
    sample = sample[: len(sample) // 2 * 2]
    for name in ("utf-16-le", "utf-16-be"):
        try:
            text = sample.decode(name)
        except UnicodeDecodeError:
            continue
        num_usual = sum(1 for character in text if _is_usual(ord(character)))
        if text and num_usual >= 0.9 * len(text) and not _CONTROLS.search(text) and re.search(r"\s", text):
            return name
    return None


def _is_usual(code: int) -> bool:
    return (
        code < 0x250
        or 0x2000 <= code < 0x2100
        or 0x3000 <= code < 0x3400
        or 0x4E00 <= code < 0xA000
        or (0xAC00 <= code < 0xD7A4 or 0xFF00 <= code < 0xFFF0)
    )


def _fits(sample: bytes, name: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(name)().decode(sample)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    others = [ord(character) for character in text if ord(character) > 0x7F]
    if not others:
        return False
    if name == "cp949":
        # Korean stands in rows B0 to C8 (the 2,350 syllables); common Chinese in B0 to D7, Japanese in A4 and A5
        pairs = [match[0][0] for match in _PAIR.finditer(sample)]
        return sum(0xB0 <= lead <= 0xC8 for lead in pairs) >= 0.8 * sum(lead >= 0xA4 for lead in pairs) and (
            sum(0xAC00 <= code < 0xD7A4 for code in others) >= 0.5 * len(others)
        )
    if name in {"euc_jp", "shift_jis"}:
        return sum(0x3040 <= code < 0x3100 for code in others) >= 0.2 * len(others)
    return sum(0x4E00 <= code < 0xA000 or 0x3000 <= code < 0x3020 for code in others) >= 0.7 * len(others)
