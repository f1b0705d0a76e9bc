"""Bytes of tokens → text that is safe to show. One per choice, used by the engine loop only. Knows no token ids.

Laws: only whole code points leave; bytes that can no longer become a code point leave as U+FFFD; a code point cut off
by the end of the answer is dropped; no character of a stop string ever leaves; what was held back because it might have
become one is released at the end. The text depends on the bytes alone, never on how they were cut into tokens, so that
after an engine restart the same tokens can be pushed again and only what was not sent yet comes out.
"""

import codecs
from collections.abc import Sequence
from typing import NamedTuple


class TextChunk(NamedTuple):
    text: str
    stop: str | None = None  # the stop string that ended the answer; nothing may be pushed after it


class Detokenizer:
    """The first stop string to be completed wins; of two completed by the same character the longer one.

    `num_chars_sent` characters, which the caller has already seen, are swallowed (resume). `drop_leading_space`: the
    first character is dropped when it is a space (SentencePiece writes every first word with one)."""

    def __init__(self, stops: Sequence[str] = (), *, num_chars_sent: int = 0, drop_leading_space: bool = False) -> None:
        assert all(stops), "an empty stop string matches everywhere"
        self._stops = tuple(stops)
        self._stop_heads = tuple({stop[0] for stop in stops})
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""  # always a proper prefix of a stop string
        self._num_chars_sent = num_chars_sent
        self._drop_leading_space = drop_leading_space
        self.num_chars_emitted = 0  # swallowed ones included
        self.stop: str | None = None

    @property
    def num_chars_held(self) -> int:
        return len(self._held)

    def push(self, token_bytes: bytes) -> TextChunk:
        assert self.stop is None, "pushed after a stop string matched"
        new_text = self._decoder.decode(token_bytes)
        if not new_text:
            return TextChunk("")
        if self._drop_leading_space:
            self._drop_leading_space = False
            new_text = new_text.removeprefix(" ")
        text = self._held + new_text
        if not self._held and not self._may_hold_stop(text):
            return TextChunk(self._emit(text))
        found = self._find_stop(text)
        if found is not None:
            start, self.stop = found
            self._held = ""
            return TextChunk(self._emit(text[:start]), self.stop)
        held_from = self._find_possible_stop(text)
        self._held = text[held_from:]
        return TextChunk(self._emit(text[:held_from]))

    def finish(self) -> str:
        """The answer is over, whatever ended it: releases what was held back, drops an incomplete code point."""
        text, self._held = self._held, ""
        self._decoder.reset()
        return self._emit(text)

    def _may_hold_stop(self, text: str) -> bool:
        """Of nearly every token's text no, which is known before all stop strings are looked for."""
        return any(head in text for head in self._stop_heads)

    def _find_stop(self, text: str) -> tuple[int, str] | None:
        matches = [(start + len(stop), start, stop) for stop in self._stops if (start := text.find(stop)) >= 0]
        if not matches:
            return None
        _, start, stop = min(matches)
        return start, stop

    def _find_possible_stop(self, text: str) -> int:
        """Where the longest suffix begins that is a proper prefix of a stop string; len(text) when there is none."""
        held_from = len(text)
        for stop in self._stops:
            start = text.find(stop[0], max(0, len(text) - len(stop) + 1))
            while 0 <= start < held_from:
                if stop.startswith(text[start:]):
                    held_from = start
                start = text.find(stop[0], start + 1)
        return held_from

    def _emit(self, text: str) -> str:
        num_unseen = self.num_chars_emitted + len(text) - self._num_chars_sent
        self.num_chars_emitted += len(text)
        if num_unseen >= len(text):
            return text
        return text[len(text) - num_unseen :] if num_unseen > 0 else ""
