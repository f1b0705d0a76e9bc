"""The loop of an engine process whose model makes vectors alone: texts in, vectors out, pings answered between steps.

Runs on the thread that calls serve(): the only one that ever touches the model.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.metrics import Counts, EngineMetrics
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.model_runner import Embedder
from bdchat.engine.process.embedding_jobs import EmbeddingJobs
from bdchat.engine.process.inbox import Inbox, Item, ParentGone
from bdchat.engine.process.outbox import Outbox
from bdchat.engine.process.text_turns import EmbeddingArrival, EmbeddingSource
from bdchat.engine.request import Prompt, TokenText
from bdchat.engine.wire import Cancel, Inspect, Inspected, Load, Ping, Pong, Ready, Shutdown, Step

_METRICS_INTERVAL_S = 0.1  # between frames of metrics while it works


class EmbeddingModel(NamedTuple):
    info: ModelInfo
    texts: EmbeddingSource
    embedder: Embedder
    close: Callable[[], None]  # what the embedder stands on


class _NoPrompts:
    """Fulfils PromptSource: a model without answers has no prompts."""

    def build(self, prompt: Prompt) -> list[int]:
        raise _no_text()

    def read(self, tokens: Sequence[int]) -> TokenText:
        raise _no_text()

    def text_of(self, tokens: list[int]) -> str:
        raise _no_text()

    def ends_in_thought(self, tokens: list[int]) -> bool:
        raise _no_text()


def _no_text() -> InvalidRequest:
    return InvalidRequest("model", "this model writes no text", code="model_unsuitable")


class EmbeddingWorker:
    def __init__(self, inbox: Inbox, outbox: Outbox, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._clock = clock
        self._counts = Counts()
        self._sent_metrics = EngineMetrics()
        self._last_sent_at = 0.0

    def serve(self, load: Load, model: EmbeddingModel) -> None:
        """Until Shutdown or a hangup."""
        jobs = EmbeddingJobs(self._outbox, lambda: model.embedder, self._counts, queue_limit=load.queue_limit)
        self._inbox.build_prompts(_NoPrompts())
        self._inbox.build_texts(model.texts)
        self._outbox.send(Ready(info=msgspec.structs.replace(model.info, model_id=load.model_id)))
        try:
            self._loop(jobs)
        finally:
            jobs.close()
            model.close()

    def _loop(self, jobs: EmbeddingJobs) -> None:
        while True:
            for item in self._inbox.take(wait_s=0.0 if jobs.has_work else None):
                if isinstance(item, Shutdown | ParentGone):
                    return
                self._handle(jobs, item)
            if jobs.has_work:
                jobs.step(limit_ms=None)
                self._counts.num_steps += 1
            self._send_metrics(jobs)

    def _handle(self, jobs: EmbeddingJobs, item: Item) -> None:
        match item:
            case EmbeddingArrival():
                jobs.add(item)
            case Cancel(request_id=request_id):
                jobs.cancel(request_id)
            case Inspect():
                self._outbox.send(Inspected(sequences=()))
            case Ping(number=number):
                self._outbox.send(Pong(number=number))

    def _send_metrics(self, jobs: EmbeddingJobs) -> None:
        if jobs.has_work and self._clock() - self._last_sent_at < _METRICS_INTERVAL_S:
            return
        metrics = EngineMetrics(decode_seconds=jobs.embed_seconds, **vars(self._counts))
        if metrics != self._sent_metrics:
            self._outbox.send(Step(events=(), metrics=metrics))
            self._sent_metrics, self._last_sent_at = metrics, self._clock()
