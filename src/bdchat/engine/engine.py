"""The async contract of an engine: what the API room talks to.

`LocalEngine` (local/local_engine.py) is the parent's side of one engine process; tests fulfil the contract with a fake.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from bdchat.engine.inspection import PinState, PromptSurvey, SequenceState
from bdchat.engine.metrics import EngineMetrics
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.request import (
    EmbeddingRequest,
    Embeddings,
    Event,
    GenerationRequest,
    Prompt,
    Resumption,
    SamplingDefaults,
    TokenText,
)


class Engine(Protocol):
    @property
    def info(self) -> ModelInfo | None:
        """None until the model is loaded."""

    @property
    def state(self) -> str:
        """ "idle" (the first request starts it) | "loading" | "ready" | "restarting" | "failed" | "closed"."""

    @property
    def load_fraction(self) -> float | None:
        """Of the model that is being read, 0 to 1; None: it is not, or not known."""

    @property
    def problem(self) -> str | None:
        """Why it is "failed", in one line; else None."""

    @property
    def lacks_memory(self) -> bool:
        """It is "failed" because memory did not hold it, with the smallest plan either."""

    @property
    def sampling_defaults(self) -> SamplingDefaults:
        """Known before the model is loaded."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of those that its makers name; "multilingual" for too many to name, () when nobody told."""

    @property
    def owner(self) -> str:
        """Who made the model."""

    @property
    def has_fim(self) -> bool:
        """Whether it has tokens for filling gaps, as far as its file tells; ModelInfo knows better."""

    @property
    def purpose(self) -> str:
        """gguf.purpose.Purpose, known before it is loaded: "chat", or "embedding" or "reranker": no text."""

    def generate(self, request: GenerationRequest, resumption: Resumption | None = None) -> AsyncGenerator[Event]:
        """Accepted first, then Progress and PromptLogprobs (if asked) and Deltas in order, one Finished per choice, the
        end. With a resumption the Deltas go on after what it holds.

        Everything that can be refused is refused before the first event: InvalidRequest, ContextLengthExceeded,
        QueueFull, EngineUnavailable, ModelLoadFailed, RequestQuarantined, QueueTimeout. After it only GenerationFailed
        or EngineUnavailable. Closing the generator (`async with aclosing(...)`) cancels the request. While a model
        loads, it waits."""

    def cancel(self, request_id: str) -> None:
        """Ends it now; its generator still gives what was held back, and a Finished per choice that says CANCELLED and
        what was spent. An unknown or ended one is ignored."""

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """A vector for each text; with a query the score of each. Raises what generate refuses with, at any time:
        a text that is wrong is named by its index. Cancelling the await cancels the request."""

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]: ...

    async def detokenize(self, tokens: Sequence[int]) -> TokenText:
        """Raises InvalidRequest("tokens"), and like tokenize."""

    def metrics(self) -> EngineMetrics:
        """The latest snapshot, totals summed over restarts of the process."""

    async def survey(self, prompt: Prompt) -> PromptSurvey:
        """What of it is cached where, right now. Raises like tokenize."""

    def forget(self, cache_tag: str) -> None:
        """Nothing is kept any more of what bore the tag, in the cells, in memory or on disk."""

    def pin(self, pin_id: str, system_prompt: str) -> None:
        """The state of every chat's beginning with this system prompt is kept until unpin, through restarts of the
        process too. A pin of that id is replaced. Raises InvalidRequest("pin_id" | "system_prompt"). It is read when
        there is time: pins() tells."""

    def unpin(self, pin_id: str) -> None:
        """It goes from RAM and disk. An unknown one is ignored."""

    def pins(self) -> tuple[PinState, ...]:
        """All that are pinned, in the order in which they were."""

    async def inspect(self) -> tuple[SequenceState, ...]:
        """Its sequences, at most some hundred milliseconds ago; () when no process serves. For people who watch."""

    @property
    def num_in_flight(self) -> int:
        """Requests that it has not answered to their end."""

    @property
    def num_restarts(self) -> int: ...

    @property
    def pid(self) -> int | None:
        """Of its process, while there is one."""

    async def aclose(self) -> None: ...
