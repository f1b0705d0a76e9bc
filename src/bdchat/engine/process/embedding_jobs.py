"""Embedding requests in the engine process: queued, computed between the step loop's own steps, sent back in pieces.

Loop thread only. The context for vectors is made at the first text: who only chats pays nothing for it.
"""

import logging
from collections.abc import Callable, Sequence

from bdchat.engine.errors import EngineError, GenerationFailed, ModelLoadFailed
from bdchat.engine.metrics import Counts
from bdchat.engine.model_runner import DecodeFailed, Embedder
from bdchat.engine.process.inbox import rejection
from bdchat.engine.process.outbox import Outbox
from bdchat.engine.process.text_turns import EmbeddingArrival
from bdchat.engine.scheduling.embedding_queue import EmbeddingQueue, EmbeddingStep
from bdchat.engine.wire import Embedded

log = logging.getLogger(__name__)

MIN_STEP_TOKENS = 16
FIRST_MS_PER_TOKEN = 5.0  # until a step was measured
SMOOTHING = 0.3  # weight of the last step


class EmbeddingJobs:
    def __init__(
        self, outbox: Outbox, make_embedder: Callable[[], Embedder], counts: Counts, *, queue_limit: int
    ) -> None:
        self._outbox = outbox
        self._make_embedder = make_embedder
        self._counts = counts
        self._queue = EmbeddingQueue(queue_limit=queue_limit)
        self._embedder: Embedder | None = None
        self._ms_per_token = FIRST_MS_PER_TOKEN

    @property
    def has_work(self) -> bool:
        return self._queue.has_work

    @property
    def embed_seconds(self) -> float:
        return self._embedder.embed_seconds if self._embedder else 0.0

    def add(self, arrival: EmbeddingArrival) -> None:
        try:
            self._queue.add(arrival.request.request_id, arrival.texts)
        except EngineError as error:
            self._outbox.send(rejection(arrival.request.request_id, error))

    def cancel(self, request_id: str) -> None:
        """An unknown or ended one is ignored."""
        seq_id = self._queue.remove(request_id)
        if seq_id is not None and self._embedder is not None:
            self._embedder.drop(seq_id)

    def step(self, *, limit_ms: float | None) -> None:
        """One call into the library. `limit_ms`: about how long it may take, as far as texts can pause."""
        embedder = self._embedder or self._open()
        if embedder is None:
            return
        num_tokens = embedder.n_batch
        if limit_ms is not None:
            num_tokens = min(num_tokens, max(MIN_STEP_TOKENS, int(limit_ms / self._ms_per_token)))
        step = self._queue.next_step(
            num_tokens=num_tokens, num_sequences=embedder.num_sequences, can_pause=embedder.can_pause
        )
        before = embedder.embed_seconds
        try:
            vectors = embedder.embed(step.runs)
        except DecodeFailed as error:
            self._fail(step.request_ids, GenerationFailed(f"llama_decode: {error}"))
            return
        except Exception:  # a border like the step loop's: these requests fail, the engine goes on
            log.exception("embedding failed", extra={"request_ids": sorted(step.request_ids)})
            self._fail(step.request_ids, GenerationFailed("the engine failed in a step"))
            return
        taken_ms = 1000 * (embedder.embed_seconds - before) / step.num_tokens
        self._ms_per_token += SMOOTHING * (taken_ms - self._ms_per_token)
        self._note(step)
        self._send(step, vectors)

    def give_back(self) -> None:
        """Between two requests."""
        if self._embedder is not None and not self.has_work:
            self._embedder.give_back()

    def close(self) -> None:
        if self._embedder is not None:
            self._embedder.close()

    def _open(self) -> Embedder | None:
        try:
            self._embedder = self._make_embedder()
        except ModelLoadFailed as error:  # another request may find more memory
            self._fail(self._queue.request_ids, GenerationFailed(error.reason))
        return self._embedder

    def _fail(self, request_ids: Sequence[str] | set[str], error: EngineError) -> None:
        for request_id in tuple(request_ids):
            self.cancel(request_id)
            self._counts.num_failed += 1
            self._outbox.send(rejection(request_id, error))

    def _note(self, step: EmbeddingStep) -> None:
        self._counts.num_texts_embedded += len(step.ended)
        self._counts.tokens_embedded += sum(text.num_tokens for text in step.ended)
        self._counts.num_requests += sum(text.is_last for text in step.ended)

    def _send(self, step: EmbeddingStep, vectors: Sequence[bytes]) -> None:
        pieces: dict[str, tuple[list[bytes], list[int]]] = {}
        for text, vector in zip(step.ended, vectors, strict=True):
            made, counted = pieces.setdefault(text.request_id, ([], []))
            made.append(vector)
            counted.append(text.num_tokens)
        for request_id, (made, counted) in pieces.items():
            self._outbox.send(Embedded(request_id=request_id, vectors=tuple(made), num_tokens=tuple(counted)))
