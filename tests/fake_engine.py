"""An Engine without a model, for the API room's tests: what it will say, and when, is told by the test.

A token is one byte of text. Its prompt's tokens are the bytes of the messages' text: usage can be counted by hand.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from bdchat.engine.errors import ContextLengthExceeded, EngineError, InvalidRequest
from bdchat.engine.inspection import PinState, PromptSurvey, SequenceState
from bdchat.engine.metrics import Counts, EngineMetrics
from bdchat.engine.model_info import AnswerFormat, ModelInfo, WeightsInfo
from bdchat.engine.pins import check_pin
from bdchat.engine.request import (
    Accepted,
    ChatPrompt,
    EmbeddingRequest,
    Embeddings,
    Event,
    FimPrompt,
    Finished,
    FinishReason,
    GenerationRequest,
    Progress,
    Prompt,
    PromptLogprobs,
    Resumption,
    SamplingDefaults,
    TextPrompt,
    Timings,
    TokenText,
    Usage,
)
from bdchat.engine.router import Router
from tests.fake_answers import answer_text, beyond, delta, scored, stop_of

N_VOCAB = 256
NUM_DIMENSIONS = 4


def fake_info(model_id: str = "fake", *, n_ctx: int = 4096, context_cut: str | None = None) -> ModelInfo:
    return ModelInfo(
        model_id=model_id,
        architecture="fake",
        num_parameters=1,
        model_bytes=1,
        n_vocab=N_VOCAB,
        n_ctx_train=n_ctx,
        n_ctx=n_ctx,
        context_cut=context_cut,
        num_sequences=4,
        num_cells=4 * n_ctx,
        kv_layout="unified",
        kv_type="f16",
        flash_attention=False,
        n_threads=1,
        memory_class="dense",
        has_chat_template=True,
        fingerprint="fp_fake",
    )


def prompt_text(prompt: Prompt) -> str:
    if isinstance(prompt, ChatPrompt):
        return "".join(f"<{message.role}>{message.content}" for message in prompt.messages)
    if isinstance(prompt, TextPrompt):
        return prompt.text
    if isinstance(prompt, FimPrompt):
        others = "".join(f"<file>{file.name}\n{file.text}" for file in prompt.other_files)
        return f"{others}<prefix>{prompt.prefix}<suffix>{prompt.suffix}<middle>"
    return bytes(token % 256 for token in prompt.tokens).decode("utf-8", "replace")


@dataclass
class FakeEngine:
    """`pieces` are the Deltas of every choice (choice i > 0 has its number appended to each). Test-owned, one loop."""

    model_id: str = "fake"
    pieces: Sequence[str] = ("Hel", "lo", " world")
    n_ctx: int = 4096
    context_cut: str | None = None
    weights: WeightsInfo | None = None
    sampling_defaults: SamplingDefaults = field(default_factory=SamplingDefaults)
    languages: tuple[str, ...] = ()
    owner: str = "bdchat"
    has_fim: bool = False
    answer_format: AnswerFormat = field(default_factory=AnswerFormat)
    opens_thought: bool = False  # every prompt ends inside a thought
    purpose: str = "chat"
    may_shorten_vectors: bool = False
    embedding_requests: list[EmbeddingRequest] = field(default_factory=list)
    refusal: EngineError | None = None  # raised instead of Accepted
    failure: EngineError | None = None  # raised after the last piece
    accept_gate: asyncio.Event | None = None  # Accepted waits for it
    token_gate: Callable[[], object] | None = None  # awaited before each piece
    requests: list[GenerationRequest] = field(default_factory=list)
    resumptions: list[Resumption | None] = field(default_factory=list)
    num_running: int = 0
    num_cancelled: int = 0
    num_restarts: int = 0
    pid: int | None = None
    sequences: tuple[SequenceState, ...] = ()  # what an inspection finds
    pinned: dict[str, str] = field(default_factory=dict)  # pin id → system prompt
    pin_problem: str = ""  # why all pins are refused
    forgotten: list[str] = field(default_factory=list)  # cache tags
    state: str = "ready"
    lacks_memory: bool = False
    problem: str | None = None
    load_fraction: float | None = None
    is_closed: bool = False
    seen: list[bytes] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    cancels: dict[str, asyncio.Event] = field(default_factory=dict)  # of running requests

    @property
    def info(self) -> ModelInfo | None:
        if self.state != "ready":
            return None
        return msgspec.structs.replace(
            fake_info(self.model_id, n_ctx=self.n_ctx, context_cut=self.context_cut),
            answer_format=self.answer_format,
            weights=self.weights,
            opens_thought=self.opens_thought,
            has_fim=self.has_fim,
            purpose=self.purpose,
            num_dimensions=NUM_DIMENSIONS,
            may_shorten_vectors=self.may_shorten_vectors,
        )

    def cancel(self, request_id: str) -> None:
        if request_id in self.cancels:
            self.cancels[request_id].set()

    async def survey(self, prompt: Prompt) -> PromptSurvey:
        tokens = prompt_text(prompt).encode()
        return PromptSurvey(
            num_prompt_tokens=len(tokens),
            num_resident=self._num_seen(tokens),
            num_in_ram=self._num_seen(tokens),
            num_on_disk=self._num_seen(tokens),
            prefill_ms=1.0,
            num_waiting=0,
        )

    def forget(self, cache_tag: str) -> None:
        self.forgotten.append(cache_tag)

    def pin(self, pin_id: str, system_prompt: str) -> None:
        check_pin(pin_id, system_prompt, self.pinned)
        self.pinned[pin_id] = system_prompt

    def unpin(self, pin_id: str) -> None:
        self.pinned.pop(pin_id, None)

    def pins(self) -> tuple[PinState, ...]:
        """All are kept at once, in RAM and on disk, unless the test says why one is refused."""
        return tuple(
            PinState(pin_id=pin_id, state="refused", reason=self.pin_problem)
            if self.pin_problem
            else PinState(
                pin_id=pin_id,
                state="kept",
                num_tokens=len(system_prompt.encode()),
                num_bytes=4 * len(system_prompt.encode()),
                is_in_ram=True,
                is_on_disk=True,
            )
            for pin_id, system_prompt in self.pinned.items()
        )

    async def inspect(self) -> tuple[SequenceState, ...]:
        return self.sequences

    @property
    def num_in_flight(self) -> int:
        return self.num_running

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        if not (tokens := prompt_text(prompt).encode()):
            raise InvalidRequest("prompt", "is empty")
        return tuple(tokens)

    async def detokenize(self, tokens: Sequence[int]) -> TokenText:
        if any(token >= N_VOCAB for token in tokens):
            raise InvalidRequest("tokens", "are not in the vocabulary")
        return TokenText(
            text=bytes(tokens).decode("utf-8", "replace"), pieces=tuple(bytes([token]) for token in tokens)
        )

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """A vector says how many tokens its text has, and which is its first; a score, how many words both have."""
        self.embedding_requests.append(request)
        if self.refusal is not None:
            raise self.refusal
        if self.accept_gate is not None:
            await self.accept_gate.wait()
        texts = [text.encode() if isinstance(text, str) else bytes(text) for text in request.texts]
        if request.query is not None:
            words = set(request.query.encode().split())
            vectors = [np.array([len(words & set(text.split()))], "<f4").tobytes() for text in texts]
        else:
            vectors = [np.array([len(text), text[0], *[0.5] * (NUM_DIMENSIONS - 2)], "<f4").tobytes() for text in texts]
        return Embeddings(vectors=tuple(vectors), num_tokens=tuple(len(text) for text in texts))

    def metrics(self) -> EngineMetrics:
        counts = vars(self.counts) | {"num_requests": len(self.requests), "num_steps": 7}
        return EngineMetrics(num_running=self.num_running, **counts)

    async def aclose(self) -> None:
        self.is_closed = True
        self.state = "closed"

    async def generate(self, request: GenerationRequest, resumption: Resumption | None = None) -> AsyncGenerator[Event]:
        self.requests.append(request)
        self.resumptions.append(resumption)
        self.num_running += 1
        self.cancels[request.request_id] = asyncio.Event()
        has_ended = False
        try:
            async for event in self._events(request, resumption):
                yield event
            has_ended = True
        finally:
            self.num_running -= 1
            del self.cancels[request.request_id]
            self.num_cancelled += not has_ended

    async def _events(self, request: GenerationRequest, resumption: Resumption | None) -> AsyncGenerator[Event]:
        tokens = prompt_text(request.prompt).encode()
        self._check(request, tokens)
        if self.accept_gate is not None:
            await self._unless_cancelled(request, self.accept_gate.wait())
        cached = self._cached(tokens) if request.cache_prompt else 0
        yield Accepted(
            request_id=request.request_id,
            prompt_tokens=tuple(tokens),
            seed=request.sampling.seed or 0,
            opens_thought=self.opens_thought,
            prompt_text=prompt_text(request.prompt) if request.echo else None,
        )
        if request.wants_progress:
            for position, num_computed in ((1, 0), (None, len(tokens))):
                yield Progress(
                    request_id=request.request_id,
                    queue_position=position,
                    num_prompt_tokens=len(tokens),
                    num_cached_tokens=cached,
                    num_computed_tokens=num_computed,
                )
        if request.num_prompt_logprobs is not None:
            tokens_scored = tuple(
                scored(byte, request.num_prompt_logprobs, first=i == 0) for i, byte in enumerate(tokens)
            )
            yield PromptLogprobs(request_id=request.request_id, tokens=tokens_scored)
        computed = len(tokens) - cached
        self.counts.prompt_tokens_cached += cached
        self.counts.prompt_tokens_computed += computed
        usage = Usage(
            num_prompt_tokens=len(tokens),
            num_cached_tokens=cached,
            num_completion_tokens=0,
            num_computed_tokens=computed,
        )
        async for event in self._answer(request, usage, resumption):
            yield event

    async def _answer(
        self, request: GenerationRequest, usage: Usage, resumption: Resumption | None
    ) -> AsyncGenerator[Event]:
        texts = [answer_text(self.pieces, index, request) for index in range(request.num_choices)]
        if resumption is not None:  # what was sent is not sent again
            sent = resumption.num_chars_sent
            texts = [(beyond(pieces, sent[i]), why) for i, (pieces, why) in enumerate(texts)]
        for number in range(max(len(pieces) for pieces, _ in texts)):
            for index, (pieces, _) in enumerate(texts):
                if number < len(pieces):
                    await self._before_piece(request)
                    if self.cancels[request.request_id].is_set():
                        self.num_cancelled += 1
                        for event in self._finished(request, usage, [said[:number] for said, _ in texts], resumption):
                            yield event
                        return
                    yield delta(request, index, pieces[number])
        if self.failure is not None:
            raise self.failure
        said = [pieces for pieces, _ in texts]
        for event in self._finished(request, usage, said, resumption, [reason for _, reason in texts]):
            yield event

    def _finished(
        self,
        request: GenerationRequest,
        usage: Usage,
        said: list[list[str]],
        resumption: Resumption | None,
        reasons: list[FinishReason] | None = None,
    ) -> list[Finished]:
        """Without reasons: cancelled."""
        events = []
        for index, pieces in enumerate(said):
            num_tokens = len("".join(pieces).encode())
            num_resumed_tokens = len(resumption.choice_tokens[index]) if resumption else 0
            self.counts.tokens_generated += num_tokens
            reason = reasons[index] if reasons else FinishReason.CANCELLED
            events.append(
                Finished(
                    request_id=request.request_id,
                    index=index,
                    reason=reason,
                    stop=stop_of(self.pieces, request) if reason is FinishReason.STOP else None,
                    usage=Usage(
                        num_prompt_tokens=usage.num_prompt_tokens,
                        num_cached_tokens=usage.num_cached_tokens if index == 0 else usage.num_prompt_tokens,
                        num_completion_tokens=num_resumed_tokens + num_tokens,
                        num_computed_tokens=usage.num_computed_tokens if index == 0 else 0,
                    ),
                    timings=Timings(queue_ms=1.0, prefill_ms=2.0, decode_ms=3.0),
                )
            )
            if index:
                self.counts.prompt_tokens_cached += usage.num_prompt_tokens
        return events

    async def _before_piece(self, request: GenerationRequest) -> None:
        if self.token_gate is not None:
            await self._unless_cancelled(request, self.token_gate())  # type: ignore[arg-type]
        else:
            await asyncio.sleep(0)

    async def _unless_cancelled(self, request: GenerationRequest, waiting: Coroutine[Any, Any, object]) -> None:
        waits = {asyncio.create_task(waiting), asyncio.create_task(self.cancels[request.request_id].wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()

    def _check(self, request: GenerationRequest, tokens: bytes) -> None:
        if self.refusal is not None:
            raise self.refusal
        if not tokens:
            raise InvalidRequest("prompt", "is empty")
        if any(token >= N_VOCAB for token in request.sampling.logit_bias):
            raise InvalidRequest("logit_bias", f"token ids must be below {N_VOCAB}")
        if len(tokens) >= self.n_ctx:
            raise ContextLengthExceeded(len(tokens), self.n_ctx, request.prompt.field)

    def _cached(self, tokens: bytes) -> int:
        best = self._num_seen(tokens)
        self.seen.append(tokens)
        return best

    def _num_seen(self, tokens: bytes) -> int:
        best = 0
        for earlier in self.seen:
            shared = next((i for i, (a, b) in enumerate(zip(earlier, tokens, strict=False)) if a != b), None)
            best = max(best, min(len(earlier), len(tokens)) if shared is None else shared)
        return min(best, len(tokens) - 1)


def fake_router(*engines: FakeEngine, unknown_is_default: bool = False) -> Router:
    """The first engine is the default."""
    return Router(
        {engine.model_id: engine for engine in engines},
        default=engines[0].model_id,
        created=1_700_000_000,
        unknown_is_default=unknown_is_default,
    )
