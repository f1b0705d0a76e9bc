"""Vectors follow passages: after an end at any moment, after another embedder, and whatever the index says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bdchat.api.documents import embedding as module
from bdchat.api.documents.embedding import Embedding
from bdchat.engine.errors import EngineUnavailable, GenerationFailed
from bdchat.engine.request import EmbeddingRequest, Embeddings
from bdchat.settings import Settings
from bdchat.settings.documents import ChromaSettings, DocumentSettings
from bdchat.store.documents import vector_rows
from bdchat.store.documents.vectors import VectorIndex, VectorsUnavailable
from bdchat.store.sql.database import Database
from tests.api.documents.meaning.models import FakeModels
from tests.fake_engine import FakeEngine
from tests.patience import until
from tests.store.chat_rows import make_user
from tests.store.document_rows import read_file

pytestmark = pytest.mark.anyio
E5 = "multilingual-e5-small"


class FakeIndex(VectorIndex):
    """Keeps what it is told. `is_down`: Chroma cannot be reached."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder, ChromaSettings(), database)
        self.rows: dict[int, Any] = {}
        self.is_down = False
        self.num_reconciled = 0

    async def reconcile(self, fingerprint: str) -> None:
        self.num_reconciled += 1
        if self.is_down:
            raise VectorsUnavailable("down")
        stored = await self._database.read(lambda db: vector_rows.all_of(db, fingerprint, 0, 1000))
        self.rows = {row.passage_id: np.frombuffer(row.vector, "<f2") for row in stored}
        self.fingerprint = fingerprint

    async def add(self, rows: Sequence[tuple[int, str, Any]]) -> None:
        if self.is_down:
            self.fingerprint = None
            raise VectorsUnavailable("down")
        self.rows |= {passage_id: vector for passage_id, _, vector in rows}


class Bench:
    def __init__(self, tmp_path: Path, database: Database, models: FakeModels, embedder: str = "auto") -> None:
        self.database, self.models = database, models
        self.index = FakeIndex(tmp_path, database)
        self.told: list[str] = []
        self.now = 1000.0
        self.settings = Settings(data_dir=tmp_path, documents=DocumentSettings(embedder=embedder))

    def embedding(self) -> Embedding:
        return Embedding(
            self.settings, self.database, self.index, self.models, tell=self.told.append, clock=lambda: self.now
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Embedding]:
        embedding = self.embedding()
        task = asyncio.create_task(embedding.run())
        try:
            yield embedding
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await embedding.aclose()

    async def num_vectors(self, fingerprint: str | None) -> int:
        return await self.database.read(lambda db: vector_rows.count(db, fingerprint or ""))

    async def embedded(self, embedding: Embedding, number: int) -> None:
        while await self.num_vectors(embedding.fingerprint) != number:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    settings = Settings(data_dir=tmp_path)
    async with Database(settings.store, tmp_path) as database:
        yield Bench(tmp_path, database, FakeModels(tmp_path / "models", E5))


async def file_of(bench: Bench, *texts: str) -> str:
    user_id = await bench.database.write(lambda db: make_user(db, f"user{len(texts)}"))
    return (await read_file(bench.database, user_id, *texts)).document_id


async def test_passages_get_vectors_in_the_store_and_in_the_index(bench: Bench) -> None:
    async with asyncio.timeout(60), bench.running() as embedding:
        await until(lambda: embedding.fingerprint)
        assert await embedding.embed_query("early") is None  # there is nothing to be found by meaning
        document_id = await file_of(bench, *(f"text {number}" for number in range(20)))
        embedding.ring()
        await bench.embedded(embedding, 20)
        await until(lambda: len(bench.index.rows) == 20)
        assert set(bench.told) == {document_id}
        read = bench.models.texts_of(in_background=True)
        assert len(read) == 20
        assert read[0] == "passage: 환불 > 기한\ntext 0"
        found = await embedding.embed_query("누구?")
        assert found is not None
        assert found.tolist()[0] == len("query: 누구?".encode())
        assert await embedding.embed_query("누구?") is found  # what sending costs, and sending, ask the same
        assert bench.models.texts_of(in_background=False) == ["query: 누구?"]


async def test_after_an_end_the_next_start_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUM_PASSAGES", 3)
    await file_of(bench, *(f"text {number}" for number in range(10)))
    embedding = bench.embedding()
    await embedding._look()
    await embedding.embed_some()
    await embedding.aclose()
    assert await bench.num_vectors(bench.index.fingerprint) == 3
    bench.index.fingerprint = None  # a new process: the index is opened anew
    async with asyncio.timeout(60), bench.running() as again:
        await bench.embedded(again, 10)
        await until(lambda: len(bench.index.rows) == 10)
    read = bench.models.texts_of(in_background=True)
    assert len(read) == len(set(read)) == 10


async def test_another_embedder_is_followed_by_other_vectors(bench: Bench) -> None:
    await file_of(bench, "one", "two")
    async with asyncio.timeout(60), bench.running() as embedding:
        await bench.embedded(embedding, 2)
        first = embedding.fingerprint
        bench.models.add("bge-m3")
        bench.now += module.LOOK_EVERY_S
        embedding.ring()
        await until(lambda: embedding.fingerprint != first)
        await bench.embedded(embedding, 2)
        await until(lambda: bench.index.fingerprint == embedding.fingerprint)
        assert await bench.num_vectors(first) == 0
        assert all(engine.is_closed for name, _, engine in bench.models.opened if name == E5)


async def test_an_index_that_is_down_loses_nothing(bench: Bench) -> None:
    bench.index.is_down = True
    await file_of(bench, "one", "two")
    async with asyncio.timeout(60), bench.running() as embedding:
        await bench.embedded(embedding, 2)
        await until(lambda: embedding.problem)
        assert "index of vectors" in (embedding.problem or "")
        tried = bench.index.num_reconciled
        assert await embedding.embed_query("who") is not None  # who searches finds the index out of step
        assert bench.index.num_reconciled == tried
        bench.index.is_down = False
        bench.now += module.RETRY_S
        assert await embedding.embed_query("else") is not None
        assert len(bench.index.rows) == 2


async def test_without_a_model_nothing_is_loaded(tmp_path: Path, bench: Bench) -> None:
    bench.models = FakeModels(tmp_path / "none")
    await file_of(bench, "one")
    embedding = bench.embedding()
    await embedding._look()
    assert (embedding.fingerprint, embedding.model) == (None, None)
    assert not await embedding.embed_some()
    assert await embedding.embed_query("who") is None
    await embedding.aclose()


async def test_a_model_that_is_not_there_is_said(tmp_path: Path, bench: Bench) -> None:
    absent = Bench(tmp_path, bench.database, bench.models, "absent")
    async with asyncio.timeout(60), absent.running() as embedding:
        await until(lambda: embedding.problem)
        assert "absent" in (embedding.problem or "")


async def test_an_engine_that_does_not_start_is_tried_again(bench: Bench) -> None:
    await file_of(bench, "one")
    bench.models.template.refusal = EngineUnavailable("no memory", retry_after_s=1.0)
    async with asyncio.timeout(60), bench.running() as embedding:
        await until(lambda: embedding.problem)
        assert await embedding.embed_query("who") is None
        for _, _, engine in bench.models.opened:
            engine.refusal = None
        embedding.ring()
        await bench.embedded(embedding, 1)
        assert embedding.problem is None


class PickyEngine(FakeEngine):
    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        if any("bad" in str(text) for text in request.texts):
            raise GenerationFailed("the engine failed in a step")
        return await super().embed(request)


async def test_a_passage_that_breaks_the_step_costs_its_neighbours_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = PickyEngine(purpose="embedding")
    monkeypatch.setattr(bench.models, "open_for_passages", lambda model, *, in_background: engine)
    await file_of(bench, "one", "bad", "three")
    embedding = bench.embedding()
    await embedding._look()
    assert await embedding.embed_some()
    assert await bench.num_vectors(embedding.fingerprint) == 2
    assert not await embedding.embed_some()  # it is not tried for ever
    await embedding.aclose()
