"""What chat and generate of Ollama's wire share: options, format, think, keep_alive. Pure.

Deliberate divergences from Ollama:
1. num_ctx and what else is decided when a model is loaded (num_gpu, num_thread, num_batch, use_mmap, num_keep …) is
   ignored: the context is the server's, and /api/show tells it. A prompt that does not fit is refused.
2. keep_alive is taken and changes nothing: models stay loaded. Where nothing is asked the model is loaded; keep_alive 0
   is answered as done, and unloads nothing.
3. Samplers that are not here (mirostat, typical_p, tfs_z) are refused by name where they ask for something.
4. Images, a template of the request's own and the tokens of an earlier answer (context) are refused by name.
5. Other options are chat completions' (unknown ones are ignored), within its bounds: temperature goes to 2.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool

from bdchat.api.http.parsing import Wire, invalid, unsupported
from bdchat.api.schemas.conversation.field_names import by_beginning
from bdchat.api.schemas.sampling import Whole

OPTIONS = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p", "tfs_z", "seed", "stop", "num_predict", "mirostat"),
    *("repeat_penalty", "repeat_last_n", "presence_penalty", "frequency_penalty", "penalize_newline"),
)
MAX_OPTIONS = 256
MAX_TOP_LOGPROBS = 20  # as Ollama has it; the server's own bound may be lower
DURATION = re.compile(r"-?(?:[0-9]{1,12}(?:\.[0-9]{1,9})?(?:ns|us|µs|ms|s|m|h))+|-?[0-9]{1,12}", re.ASCII)
NAMES = {
    "response_format.json_schema.schema": "format",
    "response_format": "format",
    "reasoning_effort": "think",
    "chat_template_kwargs": "think",
}


def _options(value: object) -> dict[str, Any]:
    """Those that a request here has, null ones left out."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAX_OPTIONS:
        raise invalid("must be an object.")
    return {name: value[name] for name in OPTIONS if value.get(name) is not None}


def _format(value: object) -> dict[str, Any] | None:
    """Chat's response_format."""
    if value is None or value == "":
        return None
    if value == "json":
        return {"type": "json_object"}
    if isinstance(value, dict):
        return {"type": "json_schema", "json_schema": {"name": "format", "schema": value}}
    raise invalid('must be "json" or a JSON Schema: an object.')


def _think(value: object) -> dict[str, Any]:
    """Fields of the chat request."""
    match value:
        case None:
            return {}
        case bool(is_on):
            return {"chat_template_kwargs": {"enable_thinking": is_on}}
        case "low" | "medium" | "high" | "max":
            return {"chat_template_kwargs": {"enable_thinking": True}, "reasoning_effort": value}
    raise invalid('must be true, false, "low", "medium" or "high".')


def _keep_alive(value: object) -> bool:
    """Whether it asks to unload."""
    if value is None:
        return False
    if isinstance(value, str) and DURATION.fullmatch(value):
        return float(re.sub(r"[^0-9.]", "", value) or 0) == 0
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value == 0
    raise invalid('must be a number of seconds, or a duration like "5m".')


def no_images(value: object) -> None:
    if value is not None and value != []:
        raise unsupported("images are not supported: only text is.")


class OllamaFields(Wire):
    model: Annotated[str, Field(min_length=1, max_length=512)]
    stream: StrictBool | None = None
    format: Annotated[Any, AfterValidator(_format)] = None  # chat's response_format once validated
    options: Annotated[Any, AfterValidator(_options)] = None
    think: Annotated[Any, AfterValidator(_think)] = None
    keep_alive: Annotated[Any, AfterValidator(_keep_alive)] = None  # bool once validated
    logprobs: StrictBool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MAX_TOP_LOGPROBS), Whole] | None = None

    @property
    def is_streamed(self) -> bool:
        return self.stream is not False

    @property
    def asks_to_unload(self) -> bool:
        return bool(self.keep_alive)

    @property
    def chat_fields(self) -> dict[str, Any]:
        """Fields of the chat request that both ways of asking have."""
        fields: dict[str, Any] = {**(self.options or {}), **(self.think or {}), "response_format": self.format}
        fields["sampling_defaults"] = "model"  # as /api/show tells them, whatever OpenAI's clients get
        if self.logprobs:
            fields |= {"logprobs": True, "top_logprobs": self.top_logprobs}
        return fields

    def renamed(self, param: str) -> str:
        """A path in the chat request → in this one."""
        if (found := by_beginning(param, NAMES)) is not None:
            return found
        head = re.split(r"[.\[]", param, maxsplit=1)[0]
        return f"options.{param}" if head in OPTIONS else param
