"""Units of a page → its passages: 350 to 450 tokens where there is enough text, cut where it has a border."""

from itertools import pairwise

from bdchat.reading.passages.headings import HeadingPath
from bdchat.reading.passages.sizes import num_tokens
from bdchat.reading.passages.units import BEHIND_HEADING, BLOCK, HEADING, Unit, units
from bdchat.reading.pieces import PageText, PassageDraft

MAX_PASSAGE = 450  # tokens; an embedder of 512 positions then has room for the headings
FULL = 350  # a passage this long may end at a sentence
LONG_ENOUGH = 280  # … and this long at a paragraph or a table
SECTION = 160  # … and this long where a heading begins: sections shorter than that share a passage
SHORT = 100  # a last piece below this is joined to the one before
MAX_JOINED = 490
MAX_OVERLAP = 80  # tokens of the sentence that a passage has in common with the one before


def passages(page: PageText, headings: HeadingPath) -> list[PassageDraft]:
    """In order. Every character but white space is in one of them, one sentence of prose in two. Moves `headings` on;
    the caller hands the same object in with every page of a file."""
    parts = list(units(page, headings))
    return [_draft(page, parts, first, behind) for first, behind in pairwise([*_starts(parts), len(parts)])]


def _draft(page: PageText, parts: list[Unit], first: int, behind: int) -> PassageDraft:
    start = parts[first - 1].start if _overlaps(parts, first) else parts[first].start
    end = parts[behind - 1].end
    told = next((part for part in parts[first:behind] if not part.is_heading), parts[first])
    header = parts[first].header
    tokens = num_tokens(page.text[start:end]) + num_tokens(header)
    return PassageDraft(page.number, start, end, told.heading, header, max(1, round(tokens)))


def _overlaps(parts: list[Unit], first: int) -> bool:
    """Whether the passage that begins with this part repeats the sentence before it."""
    if first == 0:
        return False
    before, part = parts[first - 1], parts[first]
    return before.is_prose and part.is_prose and part.border != HEADING and before.tokens <= MAX_OVERLAP


def _begun(parts: list[Unit], first: int) -> float:
    """Tokens of a passage before its own parts are counted."""
    return parts[first - 1].tokens if _overlaps(parts, first) else num_tokens(parts[first].header)


def _starts(parts: list[Unit]) -> list[int]:
    starts: list[int] = []
    first = 0
    while first < len(parts):
        starts.append(first)
        first = _next_start(parts, first)
    if len(starts) > 1 and _size(parts, starts[-1], len(parts)) < SHORT:
        _join_last(parts, starts)
    return starts


def _next_start(parts: list[Unit], first: int) -> int:
    total = _begun(parts, first)
    best, best_border = first + 1, BEHIND_HEADING - 1
    for at in range(first, len(parts)):
        border = parts[at].border
        if at > first:
            if border == HEADING and total >= SECTION:
                return at
            is_early = total < (LONG_ENOUGH if border >= BLOCK else FULL)
            rank = BEHIND_HEADING if is_early else border
            if rank >= best_border:
                best, best_border = at, rank
            if total + parts[at].tokens > MAX_PASSAGE:
                return _not_behind_heading(parts, first, best)
        total += parts[at].tokens
    return len(parts)


def _not_behind_heading(parts: list[Unit], first: int, at: int) -> int:
    """A heading goes with what it is the heading of."""
    moved = at
    while moved > first + 1 and parts[moved].border == BEHIND_HEADING:
        moved -= 1
    return at if moved == first + 1 and parts[first].is_heading else moved


def _join_last(parts: list[Unit], starts: list[int]) -> None:
    """The last piece is short: one with the one before, or both cut anew in the middle."""
    before = starts[-2]
    size = _size(parts, before, len(parts))
    if size <= MAX_JOINED:
        starts.pop()
        return
    total = _begun(parts, before)
    for at in range(before, starts[-1]):
        if at > before and total >= size / 2 and parts[at].border != BEHIND_HEADING:
            starts[-1] = at
            return
        total += parts[at].tokens


def _size(parts: list[Unit], first: int, behind: int) -> float:
    return _begun(parts, first) + sum(part.tokens for part in parts[first:behind])
