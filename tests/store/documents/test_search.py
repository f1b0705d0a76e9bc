"""A question finds passages of its scope and no other, by words and by meaning."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import numpy
import pytest
from sqlmodel import col, select

from bdchat.store.document_tables import Passage
from bdchat.store.documents import documents, scope, vector_rows
from bdchat.store.documents.lexical import K1, B, LexicalIndex
from bdchat.store.documents.search import FoundPassages, PassageSearch, RerankFailed
from bdchat.store.documents.terms import terms_of
from bdchat.store.documents.vectors import VectorIndex, VectorsUnavailable
from bdchat.store.sql.database import Database
from tests.store.chat_rows import make_user
from tests.store.document_rows import read_file

pytestmark = pytest.mark.anyio

PAGES = (
    "환불은 물건을 받은 날부터 7일 안에 신청합니다. 환불 신청은 고객센터에서 받습니다.",
    "배송은 주문한 다음 날에 시작하며 섬 지역은 사흘이 더 걸립니다.",
    "고객센터는 평일 아홉 시부터 여섯 시까지 전화를 받습니다.",
    "Returns are accepted within seven days; the service desk takes calls on weekdays.",
)


class NearVectors(VectorIndex):
    """Chroma's place: finds what it is told to."""

    def __init__(self, near: Sequence[tuple[int, float]] | None) -> None:
        self.fingerprint = "e"
        self.near = near

    async def query(self, vector: Any, document_ids: Sequence[str], k: int) -> list[tuple[int, float]]:
        if self.near is None:
            raise VectorsUnavailable("gone")
        return list(self.near)


async def _find(database: Database, user_id: str, query: str, *, limit: int = 8) -> FoundPassages:
    within = await database.read(lambda db: scope.of(db, user_id))
    return await PassageSearch(database, None).find(within, query, limit=limit)


async def _ids(database: Database) -> list[int]:
    query = select(Passage.passage_id).order_by(col(Passage.passage_id))
    return [each or 0 for each in await database.read(lambda db: list(db.exec(query)))]


async def test_words_find_the_passage_with_its_place(database: Database) -> None:
    ada = await database.write(make_user)
    document = await read_file(database, ada, *PAGES, name="규정.txt")
    found = await _find(database, ada, "환불 신청을 며칠 안에 해야 하나요?")
    best = found.hits[0]
    assert (best.document_id, best.document_name, best.page) == (document.document_id, "규정.txt", 1)
    assert (best.label, best.text, best.heading) == ("p1", PAGES[0], "환불 > 기한")
    assert (found.searched, found.notes, best.similarity) == ("words", [], None)
    assert (await _find(database, ada, "WEEKDAYS desk")).hits[0].page == 4
    assert (await _find(database, ada, "!?")).hits == []


async def test_strangers_documents_are_neither_found_nor_counted(database: Database) -> None:
    """A term that is everywhere among strangers' files is as rare as it is in one's own."""
    ada, eve = await database.write(make_user), await database.write(lambda db: make_user(db, "eve"))
    await read_file(database, ada, *PAGES)
    alone = await _find(database, ada, "환불 신청")
    await read_file(database, eve, *("환불 신청" for _ in range(20)), name="b.txt")
    assert (await _find(database, ada, "환불 신청")).hits == alone.hits
    assert all("7일" not in hit.text for hit in (await _find(database, eve, "환불은 7일 안에")).hits)


async def test_what_is_kept_of_a_scope_is_made_again_when_a_file_comes_or_goes(database: Database) -> None:
    ada = await database.write(make_user)
    first = await read_file(database, ada, *PAGES)
    index = LexicalIndex()

    async def count() -> int:
        within = await database.read(lambda db: scope.of(db, ada))
        return len((await database.read(lambda db: index.terms_of(db, within))).passage_ids)

    assert await count() == 4
    kept = index.num_bytes
    assert await count() == 4
    await read_file(database, ada, "another one", name="b.txt")
    assert await count() == 5
    await database.write(lambda db: documents.delete(db, documents.get_owned(db, first.document_id, ada)))
    assert await count() == 1
    assert kept > 0


async def test_no_more_is_kept_than_allowed(database: Database) -> None:
    ada = await database.write(make_user)
    await read_file(database, ada, *PAGES)
    within = await database.read(lambda db: scope.of(db, ada))
    index = LexicalIndex(kept_bytes=100)
    assert len((await database.read(lambda db: index.terms_of(db, within))).passage_ids) == 4
    assert index.num_bytes == 0


async def test_relevance_is_bm25(database: Database) -> None:
    """Against the formula, term by term."""
    ada = await database.write(make_user)
    await read_file(database, ada, *PAGES)
    texts = [[*terms_of("환불 > 기한"), *terms_of(page)] for page in PAGES]
    usual = sum(map(len, texts)) / len(texts)
    query = "고객센터 전화 환불 환불"
    expected = []
    for terms in texts:
        score = 0.0
        for term in set(terms_of(query)):
            times, among = terms.count(term), sum(term in other for other in texts)
            rarity = math.log(1 + (len(texts) - among + 0.5) / (among + 0.5))
            score += rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * len(terms) / usual))
        expected.append(score)
    hits = {hit.page: hit.lexical for hit in (await _find(database, ada, query)).hits}
    assert [hits.get(number, 0.0) for number in (1, 2, 3, 4)] == pytest.approx(expected)


async def test_meaning_finds_what_words_do_not(database: Database) -> None:
    """And a passage of somebody else's that the index of vectors offers is none."""
    ada, eve = await database.write(make_user), await database.write(lambda db: make_user(db, "eve"))
    await read_file(database, ada, *PAGES)
    await read_file(database, eve, "secret", name="b.txt")
    ids = await _ids(database)
    vectors = [[0.0, 1.0], [1.0, 0.05], [0.1, 1.0], [0.0, 1.0], [1.0, 0.0]]
    rows = [(each, numpy.array(vector, "<f2").tobytes()) for each, vector in zip(ids, vectors, strict=True)]
    await database.write(lambda db: vector_rows.put(db, "e", rows[:3] + rows[4:]))
    search = PassageSearch(database, NearVectors([(ids[4], 1.0), (ids[1], 0.99)]))
    within = await database.read(lambda db: scope.of(db, ada))
    found = await search.find(within, "택배가 늦는 곳", numpy.array([1.0, 0.0]), limit=8)
    assert (found.hits[0].page, found.searched) == (2, "words_and_vectors")
    assert found.hits[0].similarity == pytest.approx(0.9988, abs=1e-3)
    assert {hit.document_name for hit in found.hits} == {"a.txt"}
    assert found.notes == ["vectors_incomplete"]


async def test_without_the_index_of_vectors_words_are_searched_and_that_is_said(database: Database) -> None:
    ada = await database.write(make_user)
    await read_file(database, ada, *PAGES)
    within = await database.read(lambda db: scope.of(db, ada))
    found = await PassageSearch(database, NearVectors(None)).find(within, "환불", numpy.ones(2), limit=2)
    assert (found.hits[0].page, found.searched, found.notes) == (1, "words", ["vectors_unavailable"])


async def test_a_reranker_orders_the_best_anew_and_may_fail(database: Database) -> None:
    ada = await database.write(make_user)
    await read_file(database, ada, *PAGES)
    within = await database.read(lambda db: scope.of(db, ada))
    search = PassageSearch(database, None)

    async def shortest_first(query: str, texts: Sequence[str]) -> Sequence[float]:
        await asyncio.sleep(0)
        return [-len(text) for text in texts]

    async def none(query: str, texts: Sequence[str]) -> Sequence[float]:
        raise RerankFailed

    shortest = 1 + min(range(len(PAGES)), key=lambda number: len(PAGES[number]))
    assert (await search.find(within, "고객센터 환불", limit=1, rerank=shortest_first)).hits[0].page == shortest
    found = await search.find(within, "고객센터 환불", limit=1, rerank=none)
    assert (found.hits[0].page, found.notes) == (3, ["reranker_unavailable"])
