"""POST /v1/fim/completions: Mistral's request, which editors send to fill a gap, and its answer.

Deliberate divergences from Mistral:
1. `model` may be absent: the default model answers. A model without tokens for gaps refuses by name.
2. `min_tokens` above 0 is refused. The sampling fields of chat completions are honoured here too.
3. What is too long is cut far from the gap, not refused.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from bdchat.api.http.parsing import invalid, unsupported
from bdchat.api.schemas.answers import Answer, Usage
from bdchat.api.schemas.sampling import IntegerField, SamplingFields, TokenLimit, most_tokens
from bdchat.api.schemas.unserved import COMPLETIONS, Unserved
from bdchat.engine.request import FimPrompt, GenerationRequest, SamplingParams


class FimRequest(SamplingFields):
    unserved: ClassVar[Mapping[str, Unserved]] = COMPLETIONS

    prompt: str
    suffix: str | None = None
    max_tokens: TokenLimit | None = None
    random_seed: IntegerField | None = None

    @model_validator(mode="after")
    def _one_seed_one_choice(self) -> Self:
        if None not in (self.seed, self.random_seed) and self.seed != self.random_seed:
            raise invalid("differs from seed, which is the same.", at="random_seed")
        if self.num_choices != 1:
            raise unsupported("a gap is filled once.", at="n")
        return self

    def to_generation_request(self, request_id: str) -> GenerationRequest:
        seed = self.seed if self.random_seed is None else self.random_seed
        max_tokens = most_tokens(self.max_tokens, self.n_predict, self.num_predict)
        return GenerationRequest(
            request_id=request_id,
            prompt=FimPrompt(prefix=self.prompt, suffix=self.suffix or "", num_answer_tokens=max_tokens),
            sampling=SamplingParams(
                **self.model_copy(update={"seed": seed}).sampling_arguments(), max_tokens=max_tokens
            ),
            **self.request_arguments(),
        )


class FimMessage(Answer):
    role: Literal["assistant"]
    content: str
    tool_calls: None


class FimChoice(Answer):
    index: int
    message: FimMessage
    finish_reason: Literal["stop", "length"]


class FimCompletion(Answer):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[FimChoice]
    usage: Usage
