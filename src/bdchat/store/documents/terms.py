"""Text → the terms that relevance counts, packed into bytes. Pure.

The terms are those of search.hangul, less the letter that ends a run: it is there for prefixes, and relevance counts
whole pairs. A term is a number of 27 bits, with how often it is there in the five bits below: what is asked of a
passage is how often each term is in it, and 800 bytes tell that where a full-text index needs three times as much and
forty times the time (DECISIONS.md). Two terms share a number once in 134 million pairs: it costs a place, not a hit.
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
    """Of the terms of a question, each once, ascending."""
    return sorted({number(term) for term in terms_of(query)})


def terms_of(text: str) -> Iterator[str]:
    for run in runs(fold(text)):
        yield from run.terms(with_last=False)


def number(term: str) -> int:
    return crc32(term.encode()) >> COUNT_BITS
