"""A request in flight, at the server: events taken from the engine process and not yet read, tokens so far.

Event loop only. Because the tokens are kept here, an answer outlives the process that computes it. Knows events, never
sockets.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from bdchat.engine.errors import EngineError, GenerationFailed, QueueTimeout
from bdchat.engine.request import (
    Accepted,
    Delta,
    EmbeddingRequest,
    Embeddings,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    PromptLogprobs,
    Resumption,
    Timings,
    Usage,
)
from bdchat.engine.wire import Detokenize, Embed, Embedded, Submit, Survey, Tokenize, encode

UNENCODABLE = (ValueError, TypeError, OverflowError, RecursionError)  # a lone surrogate, a number beyond 64 bits


class InflightRequest:
    """A generation. `take` and `fail` are the engine's side, `next_batch` the reader's."""

    def __init__(self, request: GenerationRequest, resumption: Resumption | None = None) -> None:
        """Raises ValueError, TypeError or OverflowError for what the wire cannot carry."""
        self.request_id = request.request_id
        self.is_submitted = False
        self.is_cancelled = False  # the process has been told; it answers with Finished
        self._request = request
        self._frame: bytes | None = encode(Submit(request=request, resumption=resumption))
        self._begun_with = resumption
        self._accepted: Accepted | None = None
        self._has_prompt_logprobs = False
        num_choices = request.num_choices
        known = resumption.choice_tokens if resumption else ((),) * num_choices
        self._tokens = [list(tokens) for tokens in known]
        self._num_chars = list(resumption.num_chars_sent) if resumption else [0] * num_choices
        self._finished = list(resumption.finished) if resumption else [False] * num_choices
        self._pending: list[Event] = []
        self._error: EngineError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._first_token_at: float | None = None
        self._has_begun = False  # the reader has had its first event

    @property
    def is_over(self) -> bool:
        return self._error is not None or all(self._finished)

    @property
    def num_bytes(self) -> int:
        """Of its first frame."""
        return len(self._frame or b"")

    def frame(self) -> bytes:
        """The Submit that starts it, or goes on where it stopped. A character that was taken is never sent again."""
        frame, self._frame = self._frame, None
        if frame is not None and self._accepted is None:
            return frame
        return encode(Submit(request=self._request, resumption=self._resumption()))

    def _resumption(self) -> Resumption | None:
        if self._accepted is None:
            return self._begun_with
        return Resumption(
            prompt_tokens=self._accepted.prompt_tokens,
            seed=self._accepted.seed,
            choice_tokens=tuple(tuple(tokens) for tokens in self._tokens),
            num_chars_sent=tuple(self._num_chars),
            finished=tuple(self._finished),
            seconds_spent=self._seconds_spent(),
        )

    def _seconds_spent(self) -> float:
        """The time between two lives of the engine counts too: it is its caller's."""
        before = self._begun_with.seconds_spent if self._begun_with else 0.0
        return before if self._first_token_at is None else before + time.monotonic() - self._first_token_at

    def take(self, event: Event) -> int:
        """Keeps the event for the reader. Returns how many new tokens it brought. Raises IndexError for a choice
        that was never asked for."""
        if type(event) is Delta:
            self._tokens[event.index].extend(event.tokens)
            self._num_chars[event.index] += len(event.text)
            if self._first_token_at is None:
                self._first_token_at = time.monotonic()
        elif type(event) is Finished:
            self._finished[event.index] = True
        elif type(event) is Accepted:
            if self._accepted is not None:
                return 0  # said again by the process that took over
            self._accepted = event
        elif type(event) is PromptLogprobs:
            if self._has_prompt_logprobs:
                return 0
            self._has_prompt_logprobs = True
        self._pending.append(event)
        self._wake()
        return len(event.tokens) if type(event) is Delta else 0

    def fail(self, error: EngineError) -> None:
        """What was taken is still read; then the reader gets the error."""
        if not self.is_over:
            self._error = error
            self._wake()

    def end_cancelled(self) -> None:
        """No process has it that could say so itself."""
        num_prompt_tokens = len(self._accepted.prompt_tokens) if self._accepted else 0
        for index, is_finished in enumerate(self._finished):
            if not is_finished:
                self.take(_cancelled(self.request_id, index, num_prompt_tokens, len(self._tokens[index])))

    async def next_batch(self) -> Sequence[Event]:
        """All that is there, in order, merged for a reader that lags; empty at the end. Until something else is known,
        Accepted is held back: a request that is refused in the queue has had no event. Raises EngineError."""
        while not self._is_readable():
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        batch, self._pending = self._pending, []
        if not self._has_begun:
            self._raise_refusal(batch)
        if not batch and self._error is not None:
            raise self._error
        self._has_begun = True
        return batch if len(batch) == 1 else merged(batch)

    def _is_readable(self) -> bool:
        if self._has_begun:
            return bool(self._pending) or self.is_over
        return any(type(event) is not Accepted for event in self._pending) or self.is_over

    def _raise_refusal(self, batch: list[Event]) -> None:
        if self._error is not None and all(type(event) is Accepted for event in batch):
            raise self._error
        first = next((event for event in batch if type(event) is not Accepted), None)
        if isinstance(first, Finished) and first.reason is FinishReason.ERROR:
            if first.error == QueueTimeout.__name__:
                raise QueueTimeout(waited_s=first.timings.queue_ms / 1000)
            raise GenerationFailed(first.message or "the engine could not compute")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _cancelled(request_id: str, index: int, num_prompt_tokens: int, num_tokens: int) -> Finished:
    return Finished(
        request_id=request_id,
        index=index,
        reason=FinishReason.CANCELLED,
        usage=Usage(num_prompt_tokens=num_prompt_tokens, num_cached_tokens=0, num_completion_tokens=num_tokens),
        timings=Timings(queue_ms=0, prefill_ms=0, decode_ms=0),
    )


class Question:
    """Something that is asked of a prompt or of tokens. Goes into the engine process like an InflightRequest, and may
    kill it like one."""

    def __init__(self, command: Tokenize | Detokenize | Survey | Embed) -> None:
        """Raises like InflightRequest's."""
        self.request_id = command.request.request_id if isinstance(command, Embed) else command.request_id
        self.is_submitted = False
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._frame = encode(command)

    @property
    def is_over(self) -> bool:
        return self.answer.done()

    @property
    def num_bytes(self) -> int:
        return len(self._frame)

    def frame(self) -> bytes:
        return self._frame

    def take(self, event: Event) -> int:
        raise IndexError("a question has no choices")

    def fail(self, error: EngineError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class InflightEmbedding(Question):
    """Texts whose vectors come in pieces. What a dead process had made is kept; the next one makes the rest."""

    def __init__(self, request: EmbeddingRequest) -> None:
        """Raises like InflightRequest's."""
        super().__init__(Embed(request=request))
        self._request = request
        self._vectors: list[bytes] = []
        self._num_tokens: list[int] = []

    def frame(self) -> bytes:
        if not self._vectors:
            return self._frame
        rest = self._request.texts[len(self._vectors) :]
        return encode(Embed(request=msgspec.structs.replace(self._request, texts=rest)))

    def take_vectors(self, piece: Embedded) -> int:
        """Returns how many tokens they are of. Raises IndexError for vectors of no text."""
        self._vectors += piece.vectors
        self._num_tokens += piece.num_tokens
        num_texts = len(self._request.texts)
        if not len(self._vectors) == len(self._num_tokens) <= num_texts:
            raise IndexError(f"{len(self._vectors)} vectors of {num_texts} texts")
        if len(self._vectors) == num_texts and not self.answer.done():
            self.answer.set_result(Embeddings(vectors=tuple(self._vectors), num_tokens=tuple(self._num_tokens)))
        return sum(piece.num_tokens)


def merged(events: Sequence[Event]) -> Sequence[Event]:
    """Adjacent Deltas of one choice become one; nothing passes a Finished of the same choice."""
    order: list[Event | list[Delta]] = []
    runs: dict[int, list[Delta]] = {}
    for event in events:
        if not isinstance(event, Delta):
            order.append(event)
        elif event.index in runs:
            runs[event.index].append(event)
        else:
            runs[event.index] = [event]
            order.append(runs[event.index])
    return [_joined(entry) if isinstance(entry, list) else entry for entry in order]


def _joined(run: list[Delta]) -> Delta:
    if len(run) == 1:
        return run[0]
    return Delta(
        request_id=run[0].request_id,
        index=run[0].index,
        text="".join(delta.text for delta in run),
        tokens=tuple(token for delta in run for token in delta.tokens),
        logprobs=tuple(logprob for delta in run for logprob in delta.logprobs),
    )
