"""Text → the terms that relevance counts, packed into bytes. Pure.

The terms are those of search.hangul, less the letter that ends a run: it is there for prefixes, and relevance counts
whole pairs; an English word is without its ending. A term is a number of 27 bits, with how often it is there in the
five bits below: what is asked of a passage is how often each term is in it, and 800 bytes tell that where a full-text
index needs three times as much and many times the time (DECISIONS.md). Two terms share a number once in 134 million
pairs: it costs a place, not a hit.
"""

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from sys import byteorder
from zlib import crc32

from bdchat.store.search.hangul import fold, runs

COUNT_BITS = 5
MAX_COUNT = (1 << COUNT_BITS) - 1  # of more, relevance makes nothing: it is all but full at ten


@dataclass(frozen=True, slots=True)
class CountedTerms:
    """`num_terms`: with repetitions. `terms`: for each one an unsigned 32-bit number, little endian."""

    num_terms: int
    terms: bytes


def counted(text: str, heading: str = "", header: str = "") -> CountedTerms:
    """Of a passage: what stands above it is as good as in it."""
    counts = Counter(term for part in (heading, header, text) for term in terms_of(part))
    packed = array("I", (number(term) << COUNT_BITS | min(times, MAX_COUNT) for term, times in counts.items()))
    if byteorder == "big":
        packed.byteswap()
    return CountedTerms(counts.total(), packed.tobytes())


def asked_numbers(query: str) -> list[int]:
    """Of the terms of a question, each once, ascending; without the words that only make it a question, unless there
    are no others."""
    asked = set(terms_of(query))
    return sorted(map(number, asked - _ASKING or asked))


def terms_of(text: str) -> Iterator[str]:
    for run in runs(fold(text)):
        for term in run.terms(with_last=False):
            yield _without_ending(term) if term.isascii() and term.isalpha() else term


def _without_ending(word: str) -> str:
    """Alike for "insured", "insures" and "insuring": a stem to compare, no word."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    for ending in ("ing", "ed", "es", "s", "ly"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] == "e" else word


def number(term: str) -> int:
    return crc32(term.encode()) >> COUNT_BITS


_SMALL_WORDS = """
a an and are as at be by can do does for from how i if in is it its may me must my of on or that the then there to up
was we what when where which who why will with you your than this they not no am did have has had so into out until
"""
# Korean has none: what makes a question there ends its last word, in pairs that few texts have.
_ASKING = frozenset(_without_ending(word) for word in _SMALL_WORDS.split())
