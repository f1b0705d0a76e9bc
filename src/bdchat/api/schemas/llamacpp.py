"""llama.cpp's own routes: completion, infill, tokenize, detokenize and apply-template. Requests and answers.

Deliberate divergences from llama.cpp:
1. One prompt per call, text or token ids; one answer.
2. A model without tokens for gaps refuses /infill by name. What is too long there is cut far from the gap; other files
   come whole or not at all; `prompt` goes on from `input_prefix`.
3. `samplers`, `n_indent` and `t_max_predict_ms`, which its editors send with every letter, are hints and change
   nothing; `response_fields` leaves out what it does not name.
4. `content` of /tokenize is one text. Numbers that nobody names are the model's own, as there.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, StrictBool, model_validator

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Wire, invalid, unsupported
from bdchat.api.schemas.answers import Answer
from bdchat.api.schemas.completions import prompts_of
from bdchat.api.schemas.sampling import SamplingFields, TokenLimit, Whole, most_tokens
from bdchat.api.schemas.unserved import COMPLETION, INFILL, Unserved
from bdchat.engine.request import FimPrompt, GenerationRequest, OtherFile, Prompt, SamplingParams

MAX_OTHER_FILES = 256
MAX_READ_TOKENS = 1 << 20
MAX_RESPONSE_FIELDS = 64


class NativeFields(SamplingFields):
    """What its two ways to write have in common."""

    max_tokens: TokenLimit | None = None
    response_fields: Annotated[list[str], Field(max_length=MAX_RESPONSE_FIELDS)] | None = None

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        if self.num_choices != 1:
            raise unsupported("one answer is written.", at="n")
        return self

    @property
    def num_answer_tokens(self) -> int | None:
        """At most; None: to the end of the context."""
        return most_tokens(self.n_predict, self.max_tokens, self.num_predict)

    @abstractmethod
    def to_prompt(self) -> Prompt:
        """What the engine is to go on with."""

    def to_generation_request(self, request_id: str) -> GenerationRequest:
        return GenerationRequest(
            request_id=request_id,
            prompt=self.to_prompt(),
            sampling=SamplingParams(**self.sampling_arguments(), max_tokens=self.num_answer_tokens),
            **self.request_arguments(),
        )


def _one_prompt(value: list[Prompt]) -> list[Prompt]:
    if len(value) != 1:
        raise invalid("must be one prompt.")
    return value


class NativeCompletionRequest(NativeFields):
    unserved: ClassVar[Mapping[str, Unserved]] = COMPLETION

    prompt: Annotated[Any, AfterValidator(prompts_of), AfterValidator(_one_prompt)]  # list[Prompt] once validated

    def to_prompt(self) -> Prompt:
        (prompt,) = self.prompt
        return prompt  # type: ignore[no-any-return]


class ExtraFile(Wire):
    filename: str | None = None
    text: str


class InfillRequest(NativeFields):
    unserved: ClassVar[Mapping[str, Unserved]] = INFILL

    input_prefix: str | None = None
    input_suffix: str | None = None
    input_extra: Annotated[list[ExtraFile], Field(max_length=MAX_OTHER_FILES, fail_fast=True)] | None = None
    prompt: str | None = None

    def to_prompt(self) -> Prompt:
        return FimPrompt(
            prefix=(self.input_prefix or "") + (self.prompt or ""),
            suffix=self.input_suffix or "",
            suffix_field="input_suffix",
            other_files=tuple(OtherFile(name=file.filename or "", text=file.text) for file in self.input_extra or ()),
            num_answer_tokens=self.num_answer_tokens,
        )


class NativeTimings(Answer):
    cache_n: int
    prompt_n: int
    prompt_ms: float
    predicted_n: int
    predicted_ms: float


class NativeCompletion(Answer):
    """Without a field that `response_fields` leaves out."""

    index: int = 0
    content: str = ""
    stop: bool = True
    model: str = ""
    tokens_predicted: int = 0
    tokens_evaluated: int = 0
    tokens_cached: int = 0
    truncated: bool = False
    stop_type: str = ""
    stopping_word: str = ""
    timings: NativeTimings | None = None


class TokenizeRequest(Wire):
    model: str | None = None
    content: str
    add_special: StrictBool | None = None
    parse_special: StrictBool | None = None
    with_pieces: StrictBool | None = None


class TokenPiece(View):
    id: int
    piece: str | list[int]  # bytes, where they are no whole characters


class Tokens(View):
    tokens: list[int] | list[TokenPiece]


class DetokenizeRequest(Wire):
    model: str | None = None
    tokens: Annotated[
        list[Annotated[int, Whole, Field(ge=0, lt=1 << 31)]], Field(max_length=MAX_READ_TOKENS, fail_fast=True)
    ]


class DetokenizedText(View):
    content: str


class TemplatedPrompt(View):
    prompt: str


class PropsQuery(Wire):
    model: Annotated[str, Field(max_length=512)] | None = None


class DefaultSettings(View):
    n_ctx: int  # what a request may hold; 0 while the model is not loaded
    params: dict[str, float | int | None]


class Modalities(View):
    vision: bool = False
    audio: bool = False


class Props(View):
    default_generation_settings: DefaultSettings
    total_slots: int  # answers at once
    model_alias: str
    modalities: Modalities
    build_info: str
    is_sleeping: bool  # it is loaded when it is asked
