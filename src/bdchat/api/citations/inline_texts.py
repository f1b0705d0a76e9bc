"""Texts that a request brings along: cut into passages and ranked by words, in memory. Pure; they are never stored as
documents.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from bdchat.api.citations.passage import PromptPassage
from bdchat.api.citations.support import content_terms
from bdchat.store.documents.lexical import K1, B

PASSAGE_CHARS = 1200  # 300 to 450 tokens
UNTITLED = "text"
_BREAK = re.compile(r"\n\s*\n|(?<=[.!?。…])\s+|\n")


def passages_of(title: str, text: str, *, is_whole: bool = False) -> list[PromptPassage]:
    """In the order of the text, cut at a paragraph's, sentence's or line's end. `is_whole`: all of it as one."""
    name = title.strip() or UNTITLED
    if is_whole:
        return [_passage(name, text, 0, len(text), is_whole=True)]
    found: list[PromptPassage] = []
    start = 0
    while start < len(text):
        end = _end(text, start)
        if text[start:end].strip():
            found.append(_passage(name, text, start, end))
        start = end
    return found


def ranked(passages: Sequence[PromptPassage], query: str, *, limit: int) -> list[PromptPassage]:
    """The best first, by BM25 over content words; without those that share none."""
    terms = [content_terms(f"{passage.document_name} {passage.text}") for passage in passages]
    asked = content_terms(query)
    num_with = Counter(term for some in terms for term in some & asked)
    mean = sum(map(len, terms)) / max(1, len(terms))

    def score(some: frozenset[str]) -> float:
        weight = 1 / (1 + K1 * (1 - B + B * len(some) / mean)) if mean else 0.0
        return sum(
            math.log(1 + (len(terms) - num_with[term] + 0.5) / (num_with[term] + 0.5)) * (K1 + 1) * weight
            for term in some & asked
        )

    scored = [(score(some), number) for number, some in enumerate(terms)]
    best = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: (-pair[0], pair[1]))
    return [passages[number] for _, number in best[:limit]]


def _end(text: str, start: int) -> int:
    if len(text) - start <= PASSAGE_CHARS:
        return len(text)
    ends = [match.end() for match in _BREAK.finditer(text, start + PASSAGE_CHARS // 2, start + PASSAGE_CHARS)]
    return ends[-1] if ends else start + PASSAGE_CHARS


def _passage(name: str, text: str, start: int, end: int, *, is_whole: bool = False) -> PromptPassage:
    return PromptPassage(
        number=0,
        document_id="",
        document_name=name,
        text=text[start:end],
        start=start,
        end=end,
        is_whole=is_whole,
    )
