"""Repairs the bytes of an outside file chunk by chunk, so that yajl and Python accept the JSON. Pure but for the
reading.

Exports have what JSON has not: bytes that are no UTF-8, control characters, halves of surrogate pairs, NaN, Infinity.
And a number may be JSON that no program holds, a million digits or an exponent of twenty: ijson makes Python's numbers
in C, where those end the whole file with a SystemError. They become null, as 1e400 does. No chunk ends within an
escape, a pair of escapes or a number. Memory: two chunks.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Protocol

CHUNK_BYTES = 64 * 1024
MAX_NUMBER_BYTES = 1000  # Python's int() takes 4,300 digits, in time that is square in them
MAX_EXPONENT_DIGITS = 18  # of a Decimal
_CONTROLS = dict.fromkeys(range(32), " ")
_HALVES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_FIRST_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")
_ESCAPE_BYTES = 6
_BARE = b"+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # numbers, true, NaN
_DIGITS_AS_ZEROS = bytes(ord("0") if char in b"0123456789" else ord(" ") for char in range(256))
_MANY_DIGITS = b"0" * (MAX_EXPONENT_DIGITS + 1)
_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_TOKENS = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)|(-?(?:NaN|Infinity))|(-?[0-9][-+.eE0-9]*+)',
    re.DOTALL,
)
_LONG_EXPONENT = re.compile(rb"[eE][-+]?[0-9]{%d}" % len(_MANY_DIGITS))


class Readable(Protocol):
    def read(self, num_bytes: int, /) -> bytes: ...


def mended(source: Readable) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    is_in_string = False
    rest = b""
    while read := source.read(CHUNK_BYTES):
        text = decoder.decode(read)
        chunk = rest + (text if text.isprintable() else text.translate(_CONTROLS)).encode()
        cut = _num_whole_bytes(chunk)
        ends_in_string = is_in_string ^ (_num_quotes(chunk[:cut]) % 2 == 1)
        if not ends_in_string:
            cut = len(chunk[:cut].rstrip(_BARE))
        rest = chunk[cut:] if ends_in_string else chunk[cut:][: MAX_NUMBER_BYTES + 1]  # a longer one is none anyway
        if cut:  # nothing would be the end
            yield _checked(chunk[:cut], is_in_string=is_in_string)
        is_in_string = ends_in_string
    rest += decoder.decode(b"", final=True).encode()
    if rest:
        yield _checked(rest, is_in_string=is_in_string)


def _num_whole_bytes(chunk: bytes) -> int:
    """Up to an escape that is not complete, or one that the next may belong to."""
    at = chunk.rfind(b"\\", max(0, len(chunk) - _ESCAPE_BYTES))
    if at < 0 or not _begins_escape(chunk, at):
        return len(chunk)
    is_whole = len(chunk) - at >= (_ESCAPE_BYTES if chunk[at + 1 : at + 2] == b"u" else 2)
    if is_whole and not (len(chunk) - at == _ESCAPE_BYTES and _FIRST_HALF.match(chunk, at)):
        return len(chunk)
    before = at - _ESCAPE_BYTES
    is_second = not is_whole and before >= 0 and _FIRST_HALF.match(chunk, before) and _begins_escape(chunk, before)
    return before if is_second else at


def _begins_escape(chunk: bytes, at: int) -> bool:
    """Whether the backslash there is none that is escaped itself."""
    return (at + 1 - len(chunk[: at + 1].rstrip(b"\\"))) % 2 == 1


def _num_quotes(chunk: bytes) -> int:
    if b"\\" in chunk:
        chunk = chunk.replace(b"\\\\", b"").replace(b'\\"', b"")
    return chunk.count(b'"')


def _checked(chunk: bytes, *, is_in_string: bool) -> bytes:
    if b"\\ud" in chunk or b"\\uD" in chunk:
        chunk = _HALVES.sub(lambda found: b"\\ufffd" if found[1] else found[0], chunk)
    if b"NaN" not in chunk and b"Infinity" not in chunk and _MANY_DIGITS not in chunk.translate(_DIGITS_AS_ZEROS):
        return chunk
    start = _STRING_REST.match(chunk) if is_in_string else None
    at = start.end() if start else 0
    return chunk[:at] + _TOKENS.sub(_held, chunk[at:])


def _held(token: re.Match[bytes]) -> bytes:
    number = token[2]
    is_beyond = token[1] or (number and (len(number) > MAX_NUMBER_BYTES or _LONG_EXPONENT.search(number)))
    return b"null" if is_beyond else token[0]
