"""Finds the texts of control tokens in user text, and keeps them plain text through a template.

A template is a program: after it has run, nobody can tell its own `<|im_end|>` from one that a user typed. So a mark,
one character that occurs nowhere in the request or the template, is put behind the first character of every control
text in user-supplied strings before the template runs; afterwards each control text that covers a mark is the user's.
Ends of strings that could become one together with their neighbours are marked too. Text without such hits is never
changed, so ordinary prompts are rendered and tokenised exactly as if this file did not exist. Pure; any thread.
"""

import bisect
import itertools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bdchat.engine.text.tokenizer import Segment

# Noncharacters: valid in UTF-8, never assigned, so hardly ever in text. One that does occur is passed over: user
# text always survives as it is.
_MARKS = tuple(chr(c) for c in range(0xFDD0, 0xFDF0))


class Span(NamedTuple):
    start: int
    end: int


def json_escape(mark: str) -> str:
    """How the mark looks after a template's tojson(ensure_ascii=True)."""
    return f"\\u{ord(mark):04x}"


class ControlText:
    """`control_texts`: every text that the tokenizer would turn into a control token. `generable_texts`: those of them
    that a model writes as visible text itself (user-defined tokens such as `<think>`): an assistant's message may
    contain them, so templates can split at them and its tokens stay those that are cached."""

    def __init__(self, control_texts: Iterable[str], generable_texts: Iterable[str] = ()) -> None:
        self._texts = frozenset(text for text in control_texts if text)
        self._lowered = frozenset(text.lower() for text in self._texts)
        self._generable = frozenset(generable_texts)
        self._lengths: dict[str, tuple[int, ...]] = {}
        for text in self._texts | self._lowered:
            for first in {text[0], text[0].upper(), text[0].lower()}:
                self._lengths[first] = tuple(sorted({*self._lengths.get(first, ()), len(text)}))
        self._beginning = _beginning_pattern(self._texts) if self._texts else None
        self._heads = frozenset(text[:k] for text in self._lowered for k in range(1, len(text)))
        self._tails = frozenset(text[k:] for text in self._lowered for k in range(1, len(text)))
        self._inner = "\0".join(sorted(self._lowered))
        self._max_length = max((len(text) for text in self._texts), default=0)

    def mark_positions(self, text: str, *, is_name: bool = False, is_generated: bool = False) -> list[int]:
        """Where marks belong. Case is ignored: a template may change it. `is_name`: the whole text may stand inside
        a control text (`'<|' + name + '|>'`). `is_generated`: an assistant's text, see generable_texts."""
        if not text or not self._texts:
            return []
        positions = set()
        for start, end in self._occurrences(text, ignore_case=True):
            if not (is_generated and text[start:end] in self._generable):
                positions.add(start + 1)
        for k in range(1, min(self._max_length - 1, len(text)) + 1):
            if text[-k:].lower() in self._heads:
                positions.add(len(text) - k + 1)
            if text[:k].lower() in self._tails:
                positions.add(1)
        if is_name and len(text) <= self._max_length and text.lower() in self._inner:
            positions.add(1)
        return sorted(positions)

    @staticmethod
    def choose_mark(texts: Sequence[str]) -> str | None:
        """A mark that occurs in none of the texts. None: somebody used them all."""
        for mark in _MARKS:
            if not any(mark in text or json_escape(mark) in text for text in texts):
                return mark
        return None

    @staticmethod
    def insert_marks(text: str, positions: Sequence[int], mark: str) -> str:
        cuts = [0, *positions, len(text)]
        return mark.join(text[a:b] for a, b in itertools.pairwise(cuts))

    def split(self, render: str, mark: str) -> list[Segment]:
        """A render with marks → segments without. Segments meet only at the template's own control tokens, where a
        tokenizer cuts anyway; an untrusted one holds all the text between two of them."""
        pieces = re.split(f"{mark}|{re.escape(json_escape(mark))}", render)
        clean = "".join(pieces)
        marks, length = [], 0
        for piece in pieces[:-1]:
            length += len(piece)
            marks.append(length)
        spans = list(self._occurrences(clean, ignore_case=False))
        foreign = [span for span in spans if _covers(span, marks)]
        if not foreign:
            return [Segment(clean, trusted=True)] if clean else []
        foreign_starts = [span.start for span in foreign]

        def is_own(span: Span) -> bool:
            first = bisect.bisect_left(foreign_starts, span.start - self._max_length)
            last = bisect.bisect_left(foreign_starts, span.end)
            return not _covers(span, marks) and not any(other.end > span.start for other in foreign[first:last])

        return _segments(clean, [span for span in spans if is_own(span)], foreign_starts)

    def _occurrences(self, text: str, *, ignore_case: bool) -> Iterable[Span]:
        """All of them, overlapping ones too, by start."""
        if self._beginning is None:
            return
        wanted = self._lowered if ignore_case else self._texts
        for found in self._beginning.finditer(text):
            start = found.start()
            for length in self._lengths[found.group()]:
                piece = text[start : start + length]
                if (piece.lower() if ignore_case else piece) in wanted:
                    yield Span(start, start + len(piece))


def _beginning_pattern(texts: Iterable[str]) -> re.Pattern[str]:
    """Matches the first character of anything that begins like a control text, in any case, judged by two
    characters: scanning costs little where few begin like one."""
    seconds: dict[str, set[str]] = {}
    for text in texts:
        for first in {text[0], text[0].upper(), text[0].lower()}:
            seconds.setdefault(first, set()).update((text[1:2], text[1:2].upper(), text[1:2].lower()))
    branches = []
    for first, follow in sorted(seconds.items()):
        may_end = "" in follow
        chars = "".join(sorted(char for char in follow if len(char) == 1))
        branches.append(re.escape(first) + ("" if may_end else f"(?=[{re.escape(chars)}])"))
    return re.compile("|".join(branches))


def _covers(span: Span, marks: Sequence[int]) -> bool:
    i = bisect.bisect_right(marks, span.start)
    return i < len(marks) and marks[i] <= span.end


def _segments(clean: str, own: Sequence[Span], foreign_starts: Sequence[int]) -> list[Segment]:
    segments: list[Segment] = []
    trusted_from = position = 0

    def close_gap(gap_end: int) -> None:
        nonlocal trusted_from
        first = bisect.bisect_left(foreign_starts, position)
        if first == len(foreign_starts) or foreign_starts[first] >= gap_end:
            return
        if trusted_from < position:
            segments.append(Segment(clean[trusted_from:position], trusted=True))
        segments.append(Segment(clean[position:gap_end], trusted=False))
        trusted_from = gap_end

    for span in own:
        if span.start > position:
            close_gap(span.start)
        position = max(position, span.end)
    close_gap(len(clean))
    if trusted_from < len(clean):
        segments.append(Segment(clean[trusted_from:], trusted=True))
    return segments
