"""Relevance by words: BM25 over the passages of a scope. Reads in a reader's thread; owns what it keeps of scopes.

What is counted is the scope alone: how rare a term is among strangers' documents neither helps nor leaks. The terms of
a scope are read once and kept, sorted by term, until one of its documents changes: a question then costs some binary
searches. The permission stands in both queries; of what is kept, only what the first one names is used.
"""

import contextlib
import ctypes
import sys
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from bdchat.store.db import Db
from bdchat.store.document_tables import Document, Passage
from bdchat.store.documents.scope import Scope
from bdchat.store.documents.terms import COUNT_BITS, MAX_COUNT, asked_numbers

if TYPE_CHECKING:  # 15 MB of a server's start that most never need
    from numpy.typing import NDArray

K1 = 1.2
B = 0.75
KEPT_BYTES = 40 * 1024 * 1024  # of term counts: some 40,000 passages
_ROW_BITS = 32 - COUNT_BITS  # 134 million passages in a scope
_DOCUMENTS_AT_ONCE = 2000  # of one statement
_ROWS_AT_ONCE = 500
_TRIMMED_BYTES = 1024 * 1024  # of term counts: some 1,000 passages

Version = tuple[tuple[Any, ...], ...]  # of a scope: (document_id, num_passages, updated_at_ms) of each document


@dataclass(frozen=True, slots=True)
class Relevance:
    """`scores`: (num_passages,) float64, BM25 of each; 0 where no term is found. `coverage`: how much of what was asked
    is in the best passage, each term by its rarity, 0 to 1."""

    scores: "NDArray[Any]"
    coverage: float


@dataclass(frozen=True, slots=True)
class ScopeTerms:
    """`postings` of term number `numbers[at]` are those from `starts[at]` to the next start: row and count in one."""

    passage_ids: "NDArray[Any]"  # (num_passages,) int64, ascending
    lengths: "NDArray[Any]"  # (num_passages,) float64: terms with repetitions
    numbers: "NDArray[Any]"  # (num_terms,) uint32, ascending, each once
    starts: "NDArray[Any]"  # (num_terms + 1,) int64
    postings: "NDArray[Any]"  # (num_postings,) uint32: row above, count in the COUNT_BITS below

    @classmethod
    def of(cls, passages: Iterable[tuple[int, int, bytes]]) -> "ScopeTerms":
        """(passage_id, num_terms, terms) of each passage; taken one by one, so that no heap of small pieces is left."""
        import numpy

        ids, lengths, sizes, packed = array("q"), array("d"), array("q"), bytearray()
        for passage_id, num_terms, terms in passages:
            ids.append(passage_id)
            lengths.append(num_terms)
            sizes.append(len(terms) // 4)
            packed += terms
        order = numpy.argsort(numpy.array(ids, numpy.int64))
        rows = numpy.empty(len(order), numpy.uint64)  # of each passage as it came
        rows[order] = numpy.arange(len(order), dtype=numpy.uint64)
        keys: NDArray[Any] = numpy.frombuffer(packed, "<u4").astype(numpy.uint64) << numpy.uint64(_ROW_BITS)
        keys |= numpy.repeat(rows, numpy.array(sizes, numpy.int64))  # term, count, row
        keys.sort()
        numbers, starts = numpy.unique(keys >> numpy.uint64(COUNT_BITS + _ROW_BITS), return_index=True)
        times = ((keys >> numpy.uint64(_ROW_BITS)) & numpy.uint64(MAX_COUNT)).astype(numpy.uint32)
        places = (keys & numpy.uint64((1 << _ROW_BITS) - 1)).astype(numpy.uint32)
        return cls(
            numpy.array(ids, numpy.int64)[order],
            numpy.array(lengths, numpy.float64)[order],
            numbers.astype(numpy.uint32),
            numpy.append(starts, len(keys)),
            (places << numpy.uint32(COUNT_BITS)) | times,
        )

    @property
    def num_bytes(self) -> int:
        parts = (self.passage_ids, self.lengths, self.numbers, self.starts, self.postings)
        return sum(int(part.nbytes) for part in parts)

    def relevance(self, query: str) -> "Relevance":
        import numpy

        num_passages = len(self.passage_ids)
        scores = numpy.zeros(num_passages)
        if not num_passages:
            return Relevance(scores, 0.0)
        shares = K1 * (1 - B + B * self.lengths / max(float(self.lengths.mean()), 1.0))
        asked = asked_numbers(query)
        found_in: list[tuple[float, NDArray[Any]]] = []  # rarity and rows of each term
        places = numpy.searchsorted(self.numbers, numpy.array(asked, numpy.uint32)).tolist()
        for number, at in zip(asked, places, strict=True):
            is_there = at < len(self.numbers) and int(self.numbers[at]) == number
            found = self.postings[self.starts[at] : self.starts[at + 1]] if is_there else self.postings[:0]
            rows = (found >> numpy.uint32(COUNT_BITS)).astype(numpy.int64)  # each once
            times = (found & numpy.uint32(MAX_COUNT)).astype(numpy.float64)
            rarity = float(numpy.log1p((num_passages - len(rows) + 0.5) / (len(rows) + 0.5)))
            scores[rows] += rarity * times * (K1 + 1) / (times + shares[rows])
            found_in.append((rarity, rows))
        best = int(scores.argmax())
        covered = sum(rarity for rarity, rows in found_in if (rows == best).any())
        return Relevance(scores, covered / max(sum(rarity for rarity, _ in found_in), 1e-9))


class LexicalIndex:
    """One per server process. Any thread."""

    def __init__(self, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._kept: OrderedDict[Version, ScopeTerms] = OrderedDict()  # least recently used first
        self._lock = Lock()

    @property
    def num_bytes(self) -> int:
        with self._lock:
            return sum(terms.num_bytes for terms in self._kept.values())

    def terms_of(self, db: Db, scope: Scope) -> ScopeTerms:
        version = _version(db, scope)
        with self._lock:
            kept = self._kept.get(version)
            if kept is not None:
                self._kept.move_to_end(version)
                return kept
        terms = _read(db, scope, [document_id for document_id, *_ in version])
        if terms.num_bytes >= _TRIMMED_BYTES:
            _give_back()
        with self._lock:
            self._forget_older(version)
            self._kept[version] = terms
            while self._kept and sum(each.num_bytes for each in self._kept.values()) > self._kept_bytes:
                self._kept.popitem(last=False)
        return terms

    def _forget_older(self, version: Version) -> None:
        """Of the same documents, as they were before: while files are read, each page makes a new one."""
        ids = [document_id for document_id, *_ in version]
        for other in [kept for kept in self._kept if [document_id for document_id, *_ in kept] == ids]:
            del self._kept[other]


def _give_back() -> None:
    """What sorting took and freed: glibc keeps it in each thread's arena, 80 MB after a few scopes."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another libc has no such thing, and needs none
            ctypes.CDLL(None).malloc_trim(0)


def _version(db: Db, scope: Scope) -> Version:
    query = (
        select(Document.document_id, Document.num_passages, Document.updated_at_ms)
        .where(scope.is_readable, col(Document.num_passages) > 0)
        .order_by(col(Document.document_id))
    )
    return tuple(tuple(row) for row in db.exec(query))


def _read(db: Db, scope: Scope, document_ids: list[str]) -> ScopeTerms:
    """`document_ids`: those that the version names, so that what is kept under it is of them alone."""
    readable = select(Document.document_id).where(scope.is_readable)
    return ScopeTerms.of(_rows(db, document_ids, readable))


def _rows(db: Db, document_ids: list[str], readable: Any) -> Iterator[tuple[int, int, bytes]]:
    for at in range(0, len(document_ids), _DOCUMENTS_AT_ONCE):
        some = document_ids[at : at + _DOCUMENTS_AT_ONCE]
        query = select(Passage.passage_id, Passage.num_terms, Passage.terms).where(
            col(Passage.document_id).in_(some), col(Passage.document_id).in_(readable)
        )
        found = db.connection().execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
        yield from ((passage_id, num_terms, terms) for passage_id, num_terms, terms in found)
