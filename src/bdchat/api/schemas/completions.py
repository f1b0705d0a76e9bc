"""POST /v1/completions: the request.

Deliberate divergences from OpenAI:
1. `best_of` is bounded as n is. The fields in unserved.py are refused by name (unsupported_parameter).
2. `logprobs` goes up to the server's top_logprobs bound (20), not 5.
3. `prompt` is required; `model` may be absent: the default model answers.
4. At most 256 prompts per call; choices are numbered prompt · n + choice.
5. The sampling extensions of chat completions are honoured here too.
6. `suffix` fills the gap between prompt and suffix with the model's own tokens for it; a model that has none refuses
   it. What is too long for the context is not refused but cut, far from the gap: editors send whole files.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, ValidationInfo, model_validator

from bdchat.api.http.parsing import invalid, unsupported
from bdchat.api.schemas.sampling import SamplingFields, TokenLimit, Whole, limits_of, most_tokens, whole
from bdchat.api.schemas.unserved import COMPLETIONS, Unserved
from bdchat.engine.request import FimPrompt, GenerationRequest, Prompt, SamplingParams, TextPrompt, TokenPrompt

DEFAULT_MAX_TOKENS = 16
MAX_TOKEN_ID = 2**31 - 1
MAX_SUFFIX_CHARS = 1 << 23  # of all prompts together: it is read once for each


def prompts_of(value: object, info: ValidationInfo) -> list[Prompt]:
    """Text, tokens, or a list of either."""
    if isinstance(value, str):
        return [TextPrompt(text=value)]
    if not isinstance(value, list) or not value:
        raise invalid("must be a string, a list of strings, a list of token ids, or a list of such lists.")
    if isinstance(value[0], int | float):
        return [_token_prompt(value, "")]
    most = limits_of(info).num_prompts
    if len(value) > most:
        raise invalid(f"holds {len(value)} prompts; at most {most} are allowed.")
    prompts: list[Prompt] = []
    for index, item in enumerate(value):
        if isinstance(item, str) and isinstance(value[0], str):
            prompts.append(TextPrompt(text=item))
        elif isinstance(item, list) and isinstance(value[0], list):
            prompts.append(_token_prompt(item, f"[{index}]"))
        else:
            raise invalid("must be a string or a list of token ids, like the others.", at=f"[{index}]")
    return prompts


def _token_prompt(tokens: list[Any], at: str) -> TokenPrompt:
    if not tokens:
        raise invalid("must not be empty.", at=at)
    tokens = [whole(token) for token in tokens]
    for index, token in enumerate(tokens):
        if type(token) is not int or not 0 <= token <= MAX_TOKEN_ID:
            raise invalid("must be a token id.", at=f"{at}[{index}]")
    return TokenPrompt(tokens=tuple(tokens))


def _number_of_logprobs(value: object) -> object:
    """false, as chat completions say it: none."""
    return None if value is False else whole(value)


class CompletionRequest(SamplingFields):
    unserved: ClassVar[Mapping[str, Unserved]] = COMPLETIONS

    prompt: Annotated[Any, AfterValidator(prompts_of)]  # list[Prompt] once validated
    max_tokens: TokenLimit | None = None
    logprobs: Annotated[int | None, Field(ge=0), BeforeValidator(_number_of_logprobs)] = None
    echo: StrictBool | None = None
    best_of: Annotated[int, Field(ge=1), Whole] | None = None
    suffix: str | None = None
    add_special_tokens: StrictBool | None = None

    @model_validator(mode="after")
    def _bounds(self, info: ValidationInfo) -> "CompletionRequest":
        limits = limits_of(info)
        if self.logprobs is not None and self.logprobs > limits.num_top_logprobs:
            raise invalid(f"must be at most {limits.num_top_logprobs}.", at="logprobs")
        if self.best_of is not None and not self.num_choices <= self.best_of <= max(
            limits.num_choices, self.num_choices
        ):
            raise invalid(f"must be between n and {limits.num_choices}.", at="best_of")
        if self.chooses and self.stream:
            raise invalid(
                "must be n where the answer is streamed: which are the best is known at the end.", at="best_of"
            )
        if self.suffix and self.echo:
            raise unsupported("what stands around a gap is not said again.", at="echo")
        if self.suffix and len(self.suffix) * len(self.prompts_as_sent) > MAX_SUFFIX_CHARS:
            raise invalid("is too long for so many prompts.", at="suffix")
        if self.suffix and any(isinstance(prompt, TokenPrompt) for prompt in self.prompts_as_sent):
            raise invalid("must be text where there is a suffix.", at="prompt")
        return self

    @property
    def num_written(self) -> int:
        """Choices per prompt, of which num_choices are returned."""
        return self.best_of or self.num_choices

    @property
    def chooses(self) -> bool:
        return self.num_written > self.num_choices

    @property
    def prompts_as_sent(self) -> list[Prompt]:
        prompts: list[Prompt] = self.prompt
        return prompts

    @property
    def prompts(self) -> list[Prompt]:
        return [self._prompt(prompt) for prompt in self.prompts_as_sent]

    def _prompt(self, prompt: Prompt) -> Prompt:
        if not isinstance(prompt, TextPrompt):
            return prompt
        if self.suffix:
            return FimPrompt(prefix=prompt.text, suffix=self.suffix, num_answer_tokens=self.num_answer_tokens)
        return TextPrompt(text=prompt.text, adds_special=self.add_special_tokens is not False)

    @property
    def num_answer_tokens(self) -> int | None:
        """At most; None: to the end of the context."""
        return most_tokens(self.max_tokens, self.n_predict, self.num_predict, DEFAULT_MAX_TOKENS)

    def to_generation_requests(self, request_id: str) -> list[GenerationRequest]:
        sampling = SamplingParams(
            **self.sampling_arguments(),
            max_tokens=self.num_answer_tokens,
            num_top_logprobs=0 if self.logprobs is None and self.chooses else self.logprobs,
        )
        prompts = self.prompts
        many = len(prompts) > 1
        return [
            GenerationRequest(
                request_id=f"{request_id}-{position}" if many else request_id,
                prompt=prompt,
                sampling=sampling,
                num_choices=self.num_written,
                num_prompt_logprobs=self.logprobs if self.echo else None,
                echo=bool(self.echo) or self.logprobs is not None,  # offsets count from the prompt's beginning
                wants_progress=self.includes_progress,
                **self.request_arguments(),
            )
            for position, prompt in enumerate(prompts)
        ]
