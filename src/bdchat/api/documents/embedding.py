"""Passages become vectors in the background, questions at once. A task of one event loop.

What is to be done stands in the database: passages without a vector of today's embedder. So an end at any moment loses
a batch at most, and another embedder is followed by new vectors. Two processes of one model: what works through
passages computes when nobody else would and so cannot answer a question in time; both are there only while they are
used.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from bdchat.api.documents.meaning.embedders import ChosenEmbedder, EmbedderSource, choose, problem_of
from bdchat.api.documents.meaning.model_process import ModelProcess
from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineError, EngineUnavailable, ModelLoadFailed
from bdchat.engine.models.catalog import InstalledModel
from bdchat.settings import Settings
from bdchat.store.documents import vector_rows
from bdchat.store.documents.vector_rows import UnembeddedPassage
from bdchat.store.documents.vectors import VectorIndex, VectorsUnavailable
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

NUM_PASSAGES = 8  # in a batch: two seconds of work, which an end may lose
LOOK_EVERY_S = 30.0  # whether models have come or gone, and whether another server has left something
RETRY_S = 60.0  # after what failed
BACKGROUND_IDLE_S = 20.0  # until the process for passages ends: the next file may follow at once
QUESTIONS_IDLE_S = 300.0  # until the one for questions ends: its start makes somebody wait for two seconds
QUESTION_S = 15.0  # a question waits so long for its vector; then words alone find
NUM_QUESTIONS_KEPT = 64  # a question is asked twice: for what sending would cost, and when it is sent
MAX_FAILED = 1000  # passages that are left out until the next start


class EmbeddingModels(EmbedderSource, Protocol):
    def open_for_passages(self, model: InstalledModel, *, in_background: bool) -> Engine: ...


class Embedding:
    """`tell`: a document has more vectors than before."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        vectors: VectorIndex,
        models: EmbeddingModels,
        *,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted = settings.documents.embedder
        self._database = database
        self._vectors = vectors
        self._models = models
        self._tell = tell
        self._clock = clock
        self._embedder: ChosenEmbedder | None = None
        self._passages: ModelProcess | None = None
        self._questions: ModelProcess | None = None
        self._asked: OrderedDict[str, NDArray[Any]] = OrderedDict()
        self._bell = asyncio.Event()
        self._reconciling: asyncio.Task[None] | None = None
        self._retry_index_at = 0.0
        self._failed: set[int] = set()
        self.has_vectors = False  # of today's embedder: else a question needs none
        self.problem: str | None = None  # why there are no vectors, or no more of them, in one line

    @property
    def fingerprint(self) -> str | None:
        """Of who makes vectors; None: nobody does, and words alone find."""
        return self._embedder.fingerprint if self._embedder else None

    @property
    def model(self) -> str | None:
        """Name of who makes vectors."""
        return self._embedder.name if self._embedder else None

    def ring(self) -> None:
        """There are new passages."""
        self._bell.set()

    async def embed_query(self, text: str) -> "NDArray[Any] | None":
        """None: search by words alone. It waits for the index too, which a question opens where nothing else has.
        Raises StoreError."""
        embedder, process = self._embedder, self._questions
        if embedder is None or process is None or not self.has_vectors:
            return None
        if (kept := self._asked.get(text)) is not None:
            self._asked.move_to_end(text)
            return kept
        try:
            async with asyncio.timeout(QUESTION_S):
                (vector,) = await process.vectors([embedder.before_query + text])
                if self._clock() >= self._retry_index_at:
                    await self._bring_in_step(embedder)
        except VectorsUnavailable as error:  # who searches says so
            self._index_failed(error)
        except (EngineError, TimeoutError) as error:
            log.warning("a question is searched by words alone: %s", error or "its vector took too long")
            return None
        found = _array(vector)
        if embedder is self._embedder:
            self._asked[text] = found
            if len(self._asked) > NUM_QUESTIONS_KEPT:
                self._asked.popitem(last=False)
        return found

    async def run(self) -> None:
        """Until cancelled."""
        looked_at = -LOOK_EVERY_S
        while True:
            wait_s = LOOK_EVERY_S
            self._bell.clear()
            try:
                if self._clock() - looked_at >= LOOK_EVERY_S:
                    looked_at = self._clock()
                    await self._look()
                if await self.embed_some():
                    continue
            except (EngineError, OSError) as error:
                self._note(problem_of(error))
                wait_s = RETRY_S
            except StoreError as error:  # a full disk: the passages stay
                self._note(f"vectors cannot be kept: {error}")
                wait_s = RETRY_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._bell.wait()
            except TimeoutError:
                looked_at = -LOOK_EVERY_S

    async def aclose(self) -> None:
        """When `run` has ended."""
        if self._reconciling is not None:
            self._reconciling.cancel()
            await asyncio.gather(self._reconciling, return_exceptions=True)
        await self._use(None)

    async def _look(self) -> None:
        """Which embedder there is now. Raises EngineError, OSError, StoreError."""
        try:
            found = await asyncio.to_thread(choose, self._models, self._wanted)
        except EngineError:
            await self._use(None)
            raise
        if found is None or self._embedder is None or found.fingerprint != self._embedder.fingerprint:
            await self._use(found)
        if found is not None:
            count = await self._database.read(partial(vector_rows.count, fingerprint=found.fingerprint))
            self.has_vectors = count > 0

    async def _use(self, embedder: ChosenEmbedder | None) -> None:
        for process in (self._passages, self._questions):
            if process is not None:
                await process.aclose()
        if embedder is not None:
            log.info("vectors of passages are made by %s", embedder.name)
        self._embedder, self._passages, self._questions = embedder, None, None
        self.has_vectors, self.problem = False, None
        self._asked.clear()
        self._failed.clear()
        if embedder is not None:
            opened = partial(self._models.open_for_passages, embedder.model)
            self._passages = ModelProcess(partial(opened, in_background=True), idle_s=BACKGROUND_IDLE_S)
            self._questions = ModelProcess(partial(opened, in_background=False), idle_s=QUESTIONS_IDLE_S)

    async def embed_some(self) -> bool:
        """Whether there was anything to do. Raises EngineError, StoreError."""
        embedder, process = self._embedder, self._passages
        if embedder is None or process is None:
            return False
        limit = NUM_PASSAGES + len(self._failed)
        rows = await self._database.read(partial(vector_rows.missing, fingerprint=embedder.fingerprint, limit=limit))
        rows = [row for row in rows if row.passage_id not in self._failed][:NUM_PASSAGES]
        if not rows:
            return False
        made = await self._vectors_of(process, [embedder.before_passage + _as_read(row) for row in rows])
        done = [(row, _array(vector)) for row, vector in zip(rows, made, strict=True) if vector is not None]
        self._failed.update(row.passage_id for row, vector in zip(rows, made, strict=True) if vector is None)
        if len(self._failed) > MAX_FAILED:
            raise EngineUnavailable(f"{embedder.name} makes no vectors of many passages", retry_after_s=RETRY_S)
        halves = [(row.passage_id, vector.astype("<f2").tobytes()) for row, vector in done]
        num_bytes = sum(len(half) for _, half in halves)
        await self._database.write_slice(
            partial(vector_rows.put, fingerprint=embedder.fingerprint, rows=halves), num_bytes=num_bytes
        )
        self.has_vectors, self.problem = True, None
        await self._index(embedder, [(row.passage_id, row.document_id, vector) for row, vector in done])
        for document_id in {row.document_id for row in rows}:
            self._tell(document_id)
        return True

    async def _vectors_of(self, process: ModelProcess, texts: Sequence[str]) -> list[bytes | None]:
        """None: of this text none can be made. Raises EngineError where that is not the text's fault."""
        try:
            return list(await process.vectors(texts))
        except (EngineUnavailable, ModelLoadFailed):
            raise
        except EngineError:
            if len(texts) > 1:
                return [made for text in texts for made in await self._vectors_of(process, [text])]
            log.warning("a passage has no vector", exc_info=True)
            return [None]

    async def _index(self, embedder: ChosenEmbedder, rows: Sequence[tuple[int, str, "NDArray[Any]"]]) -> None:
        """The store has them: what fails here is put right by the next attempt."""
        if self._clock() < self._retry_index_at:
            return
        try:
            if self._vectors.fingerprint == embedder.fingerprint:
                await self._vectors.add(rows)
            else:
                await self._bring_in_step(embedder)
        except VectorsUnavailable as error:
            self._index_failed(error)

    async def _bring_in_step(self, embedder: ChosenEmbedder) -> None:
        """One attempt at a time, which goes on when who waits has left. Raises VectorsUnavailable, StoreError."""
        if self._vectors.fingerprint == embedder.fingerprint:
            return
        if self._reconciling is None or self._reconciling.done():
            self._reconciling = asyncio.create_task(self._vectors.reconcile(embedder.fingerprint), name="vectors")
        await asyncio.shield(self._reconciling)

    def _index_failed(self, error: VectorsUnavailable) -> None:
        self._retry_index_at = self._clock() + RETRY_S
        self._note(f"the index of vectors cannot be used: {error}")

    def _note(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("vectors of passages: %s", problem)
        self.problem = problem


def _as_read(row: UnembeddedPassage) -> str:
    return "\n".join(part for part in (row.heading, row.header, row.text) if part)


def _array(vector: bytes) -> "NDArray[Any]":
    import numpy  # 15 MB that a server without documents does not need

    return numpy.frombuffer(vector, "<f4")
