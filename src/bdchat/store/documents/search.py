"""Finds the passages of a scope that answer a question: by words, and where there are vectors, by meaning as well.
Event loop outside; counting happens in a reader's thread, the search for near vectors in Chroma's.

Each half offers candidates, and both halves' scores of every candidate decide: the words' from the terms that are kept
of the scope, the meaning's from the store's own vectors. So a passage that one half finds is judged by the other too,
and Chroma needs to find it only, never to score it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from sqlmodel import col, select

from bdchat.store.db import Db
from bdchat.store.document_tables import Document, DocumentPage, Passage, PassageVector
from bdchat.store.documents.lexical import LexicalIndex, Relevance, ScopeTerms
from bdchat.store.documents.mixing import Scale, mixed
from bdchat.store.documents.scope import Scope
from bdchat.store.documents.vectors import VectorIndex, VectorsUnavailable
from bdchat.store.sql.database import Database

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUM_CANDIDATES = 64  # of each half
NUM_SAMPLED = 256  # passages whose similarity tells what is usual in the scope
NUM_RERANKED = 24

Searched = Literal["words", "words_and_vectors"]
Rerank = Callable[[str, Sequence[str]], Awaitable[Sequence[float]]]  # question, texts → a score of each


class RerankFailed(Exception):
    """Raised by a `Rerank` that cannot answer now."""


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage. `lexical`: BM25; `similarity`: cosine, None where it has no vector or meaning was not searched."""

    passage_id: int
    document_id: str
    document_name: str
    page: int
    label: str  # of the page
    start: int
    end: int
    text: str
    heading: str
    header: str
    num_tokens: int
    score: float
    lexical: float
    similarity: float | None


@dataclass(frozen=True, slots=True)
class FoundPassages:
    """The best first. `notes`: "vectors_unavailable", "vectors_incomplete", "reranker_unavailable"."""

    hits: list[FoundPassage]
    searched: Searched
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _ByWords:
    terms: ScopeTerms
    relevance: Relevance

    @property
    def scores(self) -> "NDArray[Any]":
        return self.relevance.scores

    @property
    def scale(self) -> Scale:
        return Scale(float(self.scores.mean()), float(self.scores.std())) if len(self.scores) else Scale(0.0, 0.0)

    def best(self, number: int) -> list[int]:
        """passage_ids; of equal ones the earlier passage."""
        rows = (-self.scores).argsort(kind="stable")[:number]
        return [int(self.terms.passage_ids[row]) for row in rows if self.scores[row] > 0]

    def scores_of(self, passage_ids: Sequence[int]) -> dict[int, float]:
        """Of those that are in the scope."""
        rows = self.terms.passage_ids.searchsorted(list(passage_ids))
        return {
            passage_id: float(self.scores[row])
            for passage_id, row in zip(passage_ids, rows.tolist(), strict=True)
            if row < len(self.scores) and self.terms.passage_ids[row] == passage_id
        }

    def sample(self, number: int) -> list[int]:
        """passage_ids at even distances."""
        ids = self.terms.passage_ids
        return [int(each) for each in ids[:: max(1, -(-len(ids) // number))]]


@dataclass(frozen=True, slots=True)
class _AskedMeaning:
    fingerprint: str  # whose vectors are compared
    vector: "NDArray[Any]"
    near: list[int]  # passage_ids that Chroma has found


@dataclass(frozen=True, slots=True)
class _Judged:
    passage_id: int
    score: float
    lexical: float
    similarity: float | None


class PassageSearch:
    """One per server process: it keeps the terms of scopes that were asked."""

    def __init__(self, database: Database, vectors: VectorIndex | None) -> None:
        self._database = database
        self._vectors = vectors
        self._lexical = LexicalIndex()

    async def find(
        self,
        scope: Scope,
        query: str,
        query_vector: "NDArray[Any] | None" = None,
        *,
        limit: int,
        rerank: Rerank | None = None,
    ) -> FoundPassages:
        """`query_vector`: of the embedder whose vectors are searched; None: by words alone. Raises StoreUnavailable's
        kinds."""
        notes: list[str] = []
        by_words = await self._database.read(lambda db: self._by_words(db, scope, query))
        asked = await self._near(scope, query_vector, notes) if query_vector is not None else None
        candidates = list(dict.fromkeys([*by_words.best(NUM_CANDIDATES), *(asked.near if asked else ())]))
        num_wanted = max(limit, NUM_RERANKED) if rerank is not None else limit

        def read(db: Db) -> tuple[list[FoundPassage], bool]:
            judged, is_complete = _judged(db, by_words, candidates, asked)
            return _hits(db, scope, judged[:num_wanted]), is_complete

        hits, is_complete = await self._database.read(read)
        if not is_complete:
            notes.append("vectors_incomplete")
        if rerank is not None and len(hits) > 1:
            hits = await _reranked(hits, query, rerank, notes)
        return FoundPassages(hits[:limit], "words" if asked is None else "words_and_vectors", notes)

    def _by_words(self, db: Db, scope: Scope, query: str) -> _ByWords:
        terms = self._lexical.terms_of(db, scope)
        return _ByWords(terms, terms.relevance(query))

    async def _near(self, scope: Scope, vector: "NDArray[Any]", notes: list[str]) -> _AskedMeaning | None:
        if self._vectors is None or not scope.document_ids:
            return None
        fingerprint = self._vectors.fingerprint
        try:
            found = await self._vectors.query(vector, scope.document_ids, NUM_CANDIDATES)
        except VectorsUnavailable:
            notes.append("vectors_unavailable")
            return None
        return _AskedMeaning(fingerprint or "", vector, [passage_id for passage_id, _ in found])


def _judged(
    db: Db, by_words: _ByWords, candidates: Sequence[int], asked: _AskedMeaning | None
) -> tuple[list[_Judged], bool]:
    """All of them, the best first. False: some passages of the scope have no vector yet."""
    lexical = by_words.scores_of(candidates)  # what is not in the scope any more is none of it
    similarity: dict[int, float] = {}
    meaning, is_complete = Scale(0.0, 0.0), True
    if asked is not None:
        sampled = by_words.sample(NUM_SAMPLED)
        found = _similarities(db, {*sampled, *lexical}, asked)
        usual = [found[passage_id] for passage_id in sampled if passage_id in found]
        meaning, is_complete = Scale.of(usual), len(usual) == len(sampled)
        similarity = {passage_id: found[passage_id] for passage_id in lexical if passage_id in found}
    scores = mixed(lexical, similarity, by_words.scale, meaning, coverage=by_words.relevance.coverage)
    best = sorted(scores, key=lambda passage_id: (-scores[passage_id], passage_id))
    judged = [_Judged(each, scores[each], lexical[each], similarity.get(each)) for each in best]
    return judged, is_complete


def _similarities(db: Db, passage_ids: set[int], asked: _AskedMeaning) -> dict[int, float]:
    """Cosines of the store's own vectors, as far as there are."""
    import numpy

    query = select(PassageVector.passage_id, PassageVector.vector).where(
        col(PassageVector.passage_id).in_(passage_ids), PassageVector.fingerprint == asked.fingerprint
    )
    rows = [(passage_id, stored) for passage_id, stored in db.exec(query) if len(stored) == 2 * len(asked.vector)]
    if not rows:
        return {}
    stored = numpy.frombuffer(b"".join(each for _, each in rows), "<f2").reshape(len(rows), -1).astype(numpy.float32)
    vector = numpy.asarray(asked.vector, numpy.float32)
    lengths = numpy.linalg.norm(stored, axis=1) * numpy.linalg.norm(vector)
    cosines = stored @ vector / numpy.maximum(lengths, 1e-9)
    return {passage_id: float(cosine) for (passage_id, _), cosine in zip(rows, cosines, strict=True)}


def _hits(db: Db, scope: Scope, judged: Sequence[_Judged]) -> list[FoundPassage]:
    query = (
        select(Passage, Document.name, DocumentPage.label, DocumentPage.text)
        .join(Document, col(Document.document_id) == col(Passage.document_id))
        .join(
            DocumentPage,
            (col(DocumentPage.document_id) == col(Passage.document_id))
            & (col(DocumentPage.number) == col(Passage.page)),
        )
        .where(col(Passage.passage_id).in_([each.passage_id for each in judged]), scope.is_readable)
    )
    rows = {row[0].passage_id: row for row in db.exec(query)}
    hits = []
    for each in judged:
        if each.passage_id not in rows:
            continue
        passage, name, label, text = rows[each.passage_id]
        hits.append(
            FoundPassage(
                passage_id=each.passage_id,
                document_id=passage.document_id,
                document_name=name,
                page=passage.page,
                label=label,
                start=passage.start,
                end=passage.end,
                text=text[passage.start : passage.end],
                heading=passage.heading,
                header=passage.header,
                num_tokens=passage.num_tokens,
                score=each.score,
                lexical=each.lexical,
                similarity=each.similarity,
            )
        )
    return hits


async def _reranked(hits: list[FoundPassage], query: str, rerank: Rerank, notes: list[str]) -> list[FoundPassage]:
    first, rest = hits[:NUM_RERANKED], hits[NUM_RERANKED:]
    try:
        scores = await rerank(query, [_as_read(hit) for hit in first])
    except RerankFailed:
        notes.append("reranker_unavailable")
        return hits
    ordered = sorted(zip(scores, first, strict=True), key=lambda each: -each[0])
    return [*(replace(hit, score=score) for score, hit in ordered), *rest]


def _as_read(hit: FoundPassage) -> str:
    return "\n".join(part for part in (hit.heading, hit.header, hit.text) if part)
