"""POST /api/generate: the request. Its divergences are options.py's.

`raw` is a text that the model goes on with as it is; a suffix makes a gap to be filled, where the model can.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, StrictBool

from bdchat.api.http.parsing import invalid, unsupported, validate
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.completions import CompletionRequest
from bdchat.api.schemas.conversation.field_names import fields_named
from bdchat.api.schemas.ollama.chat import chat_from
from bdchat.api.schemas.ollama.options import OllamaFields, no_images
from bdchat.settings import LimitSettings


def _no_template(value: object) -> None:
    if value not in (None, ""):
        raise unsupported("a request cannot bring its own template.")


def _no_context(value: object) -> None:
    if value is not None and value != []:
        raise unsupported("the tokens of an earlier answer are not taken: send the conversation to /api/chat.")


class OllamaGenerateRequest(OllamaFields):
    prompt: str | None = None
    suffix: str | None = None
    system: str | None = None
    raw: StrictBool | None = None
    template: Annotated[Any, AfterValidator(_no_template)] = None
    context: Annotated[Any, AfterValidator(_no_context)] = None
    images: Annotated[Any, AfterValidator(no_images)] = None

    @property
    def asks_nothing(self) -> bool:
        """Then the model is only to be loaded."""
        return not self.prompt and not self.suffix

    @property
    def is_text(self) -> bool:
        """It goes round the chat template."""
        return bool(self.raw or self.suffix)

    def to_chat_request(self, limits: LimitSettings) -> ChatCompletionRequest:
        """Raises InvalidRequest and UnsupportedParameter by this wire's names."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        return chat_from(self, [*system, {"role": "user", "content": self.prompt}], limits)

    def to_completion_request(self, limits: LimitSettings) -> CompletionRequest:
        fields: dict[str, Any] = {"prompt": self.prompt or "", "suffix": self.suffix, **self.chat_fields}
        fields = {name: value for name, value in fields.items() if name not in TEMPLATES_ONLY}
        if fields.get("logprobs"):
            fields["logprobs"] = fields.pop("top_logprobs", None) or 0
        with fields_named(self.renamed):
            body = validate(CompletionRequest, {"num_predict": -1, **fields}, limits)
        return body.model_copy(update={"model": self.model, "stream": self.is_streamed})


TEMPLATES_ONLY = frozenset({"chat_template_kwargs", "reasoning_effort"})


def texts_of(value: object) -> Sequence[str]:
    """Of embed's input."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list):
        raise invalid("must be a string or a list of strings.")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise invalid("must be a string.", at=f"[{index}]" if isinstance(value, list) else "")
    return texts
