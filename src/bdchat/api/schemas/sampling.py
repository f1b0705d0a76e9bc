"""The fields that chat completions and completions share, and their way into SamplingParams; those of the answer's form
are response_format.py's.

Bounds that are settings (n, stop, logit_bias, top_logprobs) come through pydantic's validation context.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self

import msgspec
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bdchat.api.http.identity import Identity
from bdchat.api.http.parsing import Wire, invalid, unsupported
from bdchat.api.schemas.response_format import FormatFields
from bdchat.api.schemas.unserved import Unserved, refuse_unserved
from bdchat.engine.request import Priority, SamplingDefaults, SamplingParams
from bdchat.settings import LimitSettings, SamplingSource

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
MAX_TOKENS = 2**31 - 1
BAN = -100.0
TOKEN_ID = re.compile(r"[0-9]{1,10}", re.ASCII)

# Template variables that a request may set: switches that published templates document. Never names that a
# template trusts the server for (messages, tools, bos_token …).
TEMPLATE_KWARGS = frozenset(
    {
        "date_string",
        "enable_thinking",
        "preserve_thinking",
        "reasoning_effort",
        "reasoning_mode",
        "thinking",
        "thinking_budget",
    }
)
MAX_TEMPLATE_VALUE_CHARS = 256
DEFAULTS = SamplingParams()
FLEX = "flex"  # service_tier: OpenAI's for what may wait


def whole(value: Any) -> Any:
    """3.0 is 3: languages with one kind of number write it so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(whole)
IntegerField = Annotated[int, Field(ge=INT64_MIN, le=INT64_MAX), Whole]
TO_THE_END = frozenset(
    {-1, -2}
)  # for a number of tokens: llama.cpp's and Ollama's "no limit", Ollama's "fill the context"
RANDOM_SEED = -1  # llama.cpp, vLLM and Ollama: as if none was given


def limits_of(info: ValidationInfo) -> LimitSettings:
    limits = info.context
    assert isinstance(limits, LimitSettings)
    return limits


def _stop_strings(value: object, info: ValidationInfo) -> list[str] | None:
    if value is None:
        return None
    strings = [value] if isinstance(value, str) else value
    if not isinstance(strings, list):
        raise invalid("must be a string or a list of strings.")
    limits = limits_of(info)
    if len(strings) > limits.num_stop_strings:
        raise invalid(f"has {len(strings)} strings; at most {limits.num_stop_strings} are allowed.")
    for index, stop in enumerate(strings):
        at = f"[{index}]" if isinstance(value, list) else ""
        if not isinstance(stop, str):
            raise invalid("must be a string.", at=at)
        if len(stop.encode()) > limits.stop_string_bytes:
            raise invalid(f"must not be longer than {limits.stop_string_bytes} bytes.", at=at)
    return [stop for stop in strings if stop]  # "" is a form's empty field: nothing to stop at


def _logit_bias(value: object, info: ValidationInfo) -> dict[int, float] | None:
    """OpenAI's object of token id to bias, or llama.cpp's list of pairs, where false bans."""
    if value is None:
        return None
    if not isinstance(value, dict | list):
        raise invalid("must be an object of token id to bias.")
    limits = limits_of(info)
    if len(value) > limits.num_logit_bias:
        raise invalid(f"has {len(value)} entries; at most {limits.num_logit_bias} are allowed.")
    biases: dict[int, float] = {}
    for key, bias in value.items() if isinstance(value, dict) else _pairs(value):
        shown = str(key)[:40]
        if isinstance(key, bool) or not TOKEN_ID.fullmatch(str(key)):
            raise invalid(f"{shown!r} is not a token id.")
        number = BAN if bias is False else bias
        if isinstance(number, bool) or not isinstance(number, int | float) or not -100 <= number <= 100:
            raise invalid(f"the bias of token {shown} must be a number from -100 to 100.")
        biases[int(key)] = float(number)
    return biases


def _pairs(value: list[Any]) -> Iterator[tuple[Any, Any]]:
    for index, pair in enumerate(value):
        if not isinstance(pair, list) or len(pair) != 2:
            raise invalid("must be a pair of token id and bias.", at=f"[{index}]")
        yield whole(pair[0]), pair[1]


def _template_kwargs(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid("must be an object.")
    for key, item in value.items():
        if key not in TEMPLATE_KWARGS:
            raise invalid(f"{key[:40]!r} cannot be set; known are {', '.join(sorted(TEMPLATE_KWARGS))}.")
        if not isinstance(item, str | int | float | bool):
            raise invalid("must be a string, a number or a boolean.", at=f".{key}")
        if isinstance(item, str) and len(item) > MAX_TEMPLATE_VALUE_CHARS:
            raise invalid(f"must not be longer than {MAX_TEMPLATE_VALUE_CHARS} characters.", at=f".{key}")
        if isinstance(item, int) and not INT64_MIN <= item <= INT64_MAX:
            raise invalid("is out of range.", at=f".{key}")
    return value


def _no_continuous_usage(value: object) -> None:
    if value not in (None, False):
        raise unsupported("'stream_options.continuous_usage_stats' is not supported: usage comes once, at the end.")


TokenLimit = Annotated[int, Field(ge=-2, le=MAX_TOKENS), Whole]
StopStrings = Annotated[list[str] | None, BeforeValidator(_stop_strings)]
TemplateKwargs = Annotated[Any, AfterValidator(_template_kwargs)]


class StreamOptions(Wire):
    include_usage: StrictBool | None = None
    include_progress: StrictBool | None = None  # our own: the place in the queue, and how far the prompt is read
    continuous_usage_stats: Annotated[None, BeforeValidator(_no_continuous_usage)] = None


class SamplingFields(FormatFields):
    """OpenAI's sampling fields and llama.cpp's and vLLM's common extensions. None = absent = the default."""

    unserved: ClassVar[Mapping[str, Unserved]]

    model: str | None = None
    stream: StrictBool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    n: Annotated[int, Field(ge=1), Whole] | None = None
    seed: IntegerField | None = None
    stop: StopStrings = None
    logit_bias: Annotated[Any, AfterValidator(_logit_bias)] = None  # dict[int, float] | None once validated
    user: Any = None
    service_tier: Any = None

    n_predict: TokenLimit | None = None
    num_predict: TokenLimit | None = None
    top_k: Annotated[int, Field(ge=-1, le=1_000_000), Whole] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repeat_penalty: Annotated[float, Field(gt=0, le=10)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=10)] | None = None
    repeat_last_n: Annotated[int, Field(ge=-1, le=65_536), Whole] | None = None
    ignore_eos: StrictBool | None = None
    cache_prompt: StrictBool | None = None
    deterministic: StrictBool | None = None
    return_progress: StrictBool | None = None
    timings_per_token: StrictBool | None = None
    chat_template_kwargs: TemplateKwargs = None
    sampling_defaults: SamplingSource | None = None

    @model_validator(mode="before")
    @classmethod
    def _nothing_unserved(cls, fields: Any) -> Any:
        return refuse_unserved(fields, cls.unserved)

    @model_validator(mode="after")
    def _one_repeat_penalty(self) -> Self:
        if (
            None not in (self.repeat_penalty, self.repetition_penalty)
            and self.repeat_penalty != self.repetition_penalty
        ):
            raise invalid("differs from repeat_penalty, which is the same.", at="repetition_penalty")
        return self

    @field_validator("n")
    @classmethod
    def _num_choices(cls, value: int | None, info: ValidationInfo) -> int | None:
        most = limits_of(info).num_choices
        if value is not None and value > most:
            raise invalid(f"must be at most {most}.")
        return value

    @property
    def num_choices(self) -> int:
        return self.n or 1

    @property
    def includes_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def includes_progress(self) -> bool:
        """Of a stream alone: elsewhere nobody hears of it."""
        asks = self.return_progress or (self.stream_options and self.stream_options.include_progress)
        return bool(self.stream and asks)

    @property
    def includes_speeds(self) -> bool:
        return bool(self.timings_per_token)

    @property
    def user_name(self) -> str:
        """Whose request it is, for fairness. Anything but text is no name."""
        return self.user[:128] if isinstance(self.user, str) else ""

    @property
    def priority(self) -> Priority:
        """OpenAI's "flex" may wait; all else is waited for."""
        return Priority.BATCH if self.service_tier == FLEX else Priority.INTERACTIVE

    @property
    def echoed_service_tier(self) -> str | None:
        if not isinstance(self.service_tier, str) or not self.service_tier.isprintable():
            return None  # a database keeps no NUL
        return "default" if self.service_tier == "auto" else self.service_tier[:40]

    def asked_by(self, identity: Identity) -> Self:
        """As it is meant: what a key for bulk work asks may wait, unless it says otherwise."""
        if identity.is_bulk and self.service_tier in (None, "auto"):
            return self.model_copy(update={"service_tier": FLEX})
        return self

    @property
    def repeat_window(self) -> int | None:
        """Tokens that the repetition penalty looks back on; None: all. vLLM's repetition_penalty knows no bounds."""
        if self.repeat_last_n is not None:
            return self.repeat_last_n if self.repeat_last_n >= 0 else None
        return None if self.repetition_penalty is not None and self.repeat_penalty is None else DEFAULTS.repeat_last_n

    def naming(self, model: str | None) -> Self:
        """The same of another model."""
        return self if model == self.model else self.model_copy(update={"model": model})

    def with_defaults(self, model: SamplingDefaults, otherwise: SamplingSource) -> Self:
        """The model's own numbers where the request names none, if it wants those; `otherwise`: whose, where it does
        not say."""
        if (self.sampling_defaults or otherwise) == "openai":
            return self
        own: dict[str, Any] = msgspec.structs.asdict(model)
        if self.repeat_penalty is not None or self.repetition_penalty is not None:
            own = {name: number for name, number in own.items() if not name.startswith("repeat_")}
        elif own["repeat_last_n"] is None:
            own["repeat_last_n"] = -1  # as a request says it
        return self.model_copy(update={name: number for name, number in own.items() if getattr(self, name) is None})

    def sampling_arguments(self) -> dict[str, Any]:
        """Keyword arguments of SamplingParams for the fields that were given."""
        given = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": None if self.top_k is None else max(0, self.top_k),
            "min_p": self.min_p,
            "repeat_penalty": self.repeat_penalty if self.repeat_penalty is not None else self.repetition_penalty,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "logit_bias": self.logit_bias,
            "seed": None if self.seed is None or self.seed == RANDOM_SEED else self.seed % 2**63,
            "stop": tuple(self.stop) if self.stop else None,
            "ignore_eos": self.ignore_eos,
        }
        arguments = {name: value for name, value in given.items() if value is not None}
        return arguments | {"repeat_last_n": self.repeat_window}

    def request_arguments(self) -> dict[str, Any]:
        """Keyword arguments of GenerationRequest for what every wire says alike."""
        return {
            "constraint": self.constraint,
            "cache_prompt": self.cache_prompt is not False,
            "is_deterministic": self.deterministic is True,
            "is_seeded": self.seed not in (None, RANDOM_SEED),
            "user": self.user_name,
            "priority": self.priority,
        }


def most_tokens(*limits: int | None) -> int | None:
    """The first limit that was given; None: to the end of the context, also when none was."""
    first = next((limit for limit in limits if limit is not None), None)
    return None if first in TO_THE_END else first
