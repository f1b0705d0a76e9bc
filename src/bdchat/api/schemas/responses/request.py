"""POST /v1/responses: the request.

Deliberate divergences from OpenAI:
1. Unknown fields are ignored, and so are those that change no answer here (prompt_cache_*, safety_identifier,
   max_tool_calls, stream_options.include_obfuscation). Fields that would change it and are not honoured are refused
   by name: conversation, prompt, chat completions' own names for what has another name here, and what unserved.py
   lists.
2. What chat completions honour beyond OpenAI's fields (top_k, min_p, seed, stop, repeat_penalty, chat_template_kwargs,
   guided_json …) is honoured here too.
3. Items and tools: input_items.py, tools.py.
4. truncation "auto" leaves out the oldest turns; OpenAI leaves out items in the middle.
5. A stopped response has the status "cancelled"; its stream ends with response.incomplete.
6. max_output_tokens may be any number from 1 on. temperature, top_p: null where the request names none.
7. A stored response goes on when its client leaves, in the background or not: POST …/cancel ends it. Its stream may be
   read from any number on, as long as its events are kept.
8. Where the quota is full, the oldest responses that are stored because nothing was said of it make room for the next
   one; one that finds no room even so is not stored, and tells store: false. store: true is refused then (403).
9. A thought is its item's content (reasoning_text). With reasoning.summary it is told whole as the summary instead, for
   clients that ask for one show nothing else; "concise" and "detailed" change nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

import msgspec
from pydantic import AfterValidator, Field, StrictBool, model_validator

from bdchat.api.http.parsing import invalid, unsupported, validate
from bdchat.api.schemas.chat import MAX_METADATA_KEYS, ChatCompletionRequest, TemplateWord
from bdchat.api.schemas.conversation.field_names import by_beginning, by_tool, fields_named
from bdchat.api.schemas.responses.input_items import InputItems
from bdchat.api.schemas.responses.tools import ResponseToolChoice, ResponseTools, response_choice, response_tools
from bdchat.api.schemas.sampling import SamplingFields, TokenLimit, Whole
from bdchat.api.schemas.unserved import CHAT, Unserved
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import LimitSettings

LOGPROBS = "message.output_text.logprobs"
MAX_INCLUDE = 32
MAX_CALLS = 1_000_000
MAX_ID_CHARS = 64
MAX_TOLD_TYPES = 64
MAX_ECHOED_CHARS = 1024
NOT_KEPT = "conversations are not kept under an id of their own: say previous_response_id"
MOST = "say max_output_tokens instead"
THOUGHTS = "thoughts are items of their own"
RESPONSES: dict[str, Unserved] = {name: field for name, field in CHAT.items() if name != "reasoning"} | {
    "conversation": Unserved(NOT_KEPT, lambda _: False),
    "prompt": Unserved("stored prompts are not kept here: send instructions", lambda _: False),
    "messages": Unserved("say input instead", lambda _: False),
    "response_format": Unserved("say text.format instead", lambda _: False),
    "max_tokens": Unserved(MOST, lambda _: False),
    "max_completion_tokens": Unserved(MOST, lambda _: False),
    "logprobs": Unserved(f"say include: [{LOGPROBS!r}] instead", lambda value: value is False),
    "functions": Unserved("say tools instead", lambda value: value == []),
    "function_call": Unserved("say tool_choice instead", lambda value: value in ("none", "auto")),
    "documents": Unserved("say metadata.document_ids instead", lambda value: value == []),
    "reasoning_format": Unserved(THOUGHTS, lambda value: value in ("auto", "deepseek", "parsed")),
    "include_reasoning": Unserved(THOUGHTS, lambda value: value is True),
    "separate_reasoning": Unserved(THOUGHTS, lambda value: value is True),
}
NOT_PASSED = frozenset({"n", "stream", "stream_options", "response_format"})
PASSED = tuple(name for name in SamplingFields.model_fields if name not in NOT_PASSED)  # to the chat request
NAMES = {
    "messages": "input",
    "max_completion_tokens": "max_output_tokens",
    "response_format.json_schema": "text.format",
    "tool_choice.allowed_tools": "tool_choice",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}


def _input(value: object) -> InputItems:
    items = InputItems()
    items.read(value)
    return items


def _object(value: object) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    raise invalid("must be an object.")


def _text(value: object) -> dict[str, Any] | None:
    """With a flat format; one that is nested as chat completions have it is taken too."""
    text = _object(value)
    given = text.get("format") if text else None
    if text is None or given is None:
        return text
    if not isinstance(given, dict):
        raise invalid("must be an object.", at=".format")
    form = {name: given[name] for name in ("type", "schema") if name in given}  # a json_object's schema: llama.cpp's
    if form.get("type") == "json_schema":
        nested = given.get("json_schema")
        given = nested if isinstance(nested, dict) else given
        form |= {name: given.get(name) for name in ("name", "schema", "strict")}
        if not isinstance(form["schema"], dict):
            raise invalid("must be a JSON Schema: an object.", at=".format.schema")
    return text | {"format": form}


def _reasoning(value: object) -> dict[str, Any] | None:
    reasoning = _object(value)
    summary = reasoning.get("summary") if reasoning else None
    if summary is not None and not (isinstance(summary, str) and len(summary) <= MAX_ID_CHARS):
        raise invalid("must be 'auto', 'concise' or 'detailed'.", at=".summary")
    return reasoning


def _include(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_INCLUDE:
        raise invalid(f"must be a list of at most {MAX_INCLUDE} strings.")
    for index, item in enumerate(value):
        if not isinstance(item, str):
            raise invalid("must be a string.", at=f"[{index}]")
    return value


def _truncation(value: Any) -> Any:
    if value in (None, "auto", "disabled"):
        return value
    raise invalid("must be 'auto' or 'disabled'.")


def _response_id(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and 0 < len(value) <= MAX_ID_CHARS and "\x00" not in value:
        return value
    raise invalid(f"must be a string of at most {MAX_ID_CHARS} characters.")


class ResponsesRequest(SamplingFields):
    unserved: ClassVar[Mapping[str, Unserved]] = RESPONSES

    input: Annotated[Any, AfterValidator(_input)] = ""  # InputItems once validated
    instructions: str | None = None
    previous_response_id: Annotated[Any, AfterValidator(_response_id)] = None
    store: StrictBool | None = None
    background: StrictBool | None = None
    text: Annotated[Any, AfterValidator(_text)] = None
    reasoning: Annotated[Any, AfterValidator(_reasoning)] = None
    tools: Annotated[Any, AfterValidator(response_tools)] = None  # ResponseTools once validated
    tool_choice: Annotated[Any, AfterValidator(response_choice)] = None  # ResponseToolChoice | None once validated
    parallel_tool_calls: StrictBool | None = None
    max_output_tokens: TokenLimit | None = None
    max_tool_calls: Annotated[int, Field(ge=1, le=MAX_CALLS), Whole] | None = None
    top_logprobs: Annotated[int, Field(ge=0), Whole] | None = None
    include: Annotated[Any, AfterValidator(_include)] = None  # list[str] once validated
    truncation: Annotated[Any, AfterValidator(_truncation)] = None
    metadata: Any = None
    prompt_cache_key: Any = None  # only told again, as is safety_identifier
    safety_identifier: Any = None
    reasoning_effort: TemplateWord = None
    verbosity: TemplateWord = None

    @model_validator(mode="before")
    @classmethod
    def _tools_are_read(cls, fields: Any) -> Any:
        """Defaults are not validated: what is absent is as good as null."""
        if not isinstance(fields, dict):
            return fields
        if fields.get("input") is None and not fields.get("instructions") and not fields.get("previous_response_id"):
            raise invalid("this field is required.", at="input")
        empty = {"input": [] if fields.get("input") is None else fields["input"], "tools": None, "include": None}
        return {**empty, **{name: value for name, value in fields.items() if name != "input"}}

    @model_validator(mode="after")
    def _one_answer_is_written(self) -> Self:
        if self.num_choices != 1:
            raise unsupported("a response is one answer.", at="n")
        if self.background and self.store is False:
            raise invalid("needs store: true, for who asks must find it again.", at="background")
        return self

    @property
    def is_stored(self) -> bool:
        """OpenAI stores what does not say otherwise."""
        return self.store is not False

    @property
    def items(self) -> InputItems:
        items: InputItems = self.input
        return items

    @property
    def given_tools(self) -> ResponseTools:
        tools: ResponseTools = self.tools
        return tools

    @property
    def skipped_tools(self) -> list[str]:
        """Their types."""
        return list(dict.fromkeys([*self.given_tools.skipped, *self.items.skipped]))[:MAX_TOLD_TYPES]

    @property
    def wants_logprobs(self) -> bool:
        return LOGPROBS in self.include or bool(self.top_logprobs)

    def echoed_text(self, name: str) -> str | None:
        """A field that the response repeats where it is a short text."""
        value = getattr(self, name)
        return value if isinstance(value, str) and len(value) <= MAX_ECHOED_CHARS else None

    @property
    def echoed_metadata(self) -> dict[str, str]:
        """OpenAI's own kind; of what is stored all is, elsewhere nothing else is looked at."""
        given = self.metadata.items() if isinstance(self.metadata, dict) else ()
        texts = [(key, text) for key, text in given if isinstance(text, str) and len(key + text) <= MAX_ECHOED_CHARS]
        return dict(texts[:MAX_METADATA_KEYS])

    @property
    def may_drop(self) -> bool:
        return bool(self.truncation == "auto")

    def renamed(self, param: str) -> str:
        """A path in the chat request → in this one."""
        if (found := self.items.turns.renamed(param)) is not None:
            return found
        return by_tool(param, self.given_tools.places) or by_beginning(param, NAMES) or param

    def to_chat_request(
        self, limits: LimitSettings, earlier: Sequence[Mapping[str, Any]] = ()
    ) -> ChatCompletionRequest:
        """`earlier`: messages of the responses that this one goes on from. Raises InvalidRequest and
        UnsupportedParameter by this wire's names."""
        first = [{"role": "system", "content": self.instructions}] if self.instructions else []
        num_before = len(first) + len(earlier)
        tools = self.given_tools.functions
        fields = {
            "messages": [*first, *earlier, *self.items.turns.messages],
            "tools": tools or None,
            "tool_choice": self._choice.chat if self._choice is not None else None,
            "parallel_tool_calls": self.parallel_tool_calls,
            "max_completion_tokens": self.max_output_tokens,
            "n_predict": self.n_predict,
            "num_predict": self.num_predict,
            "response_format": self._response_format,
            "reasoning_effort": (self.reasoning or {}).get("effort", self.reasoning_effort),
            "verbosity": (self.text or {}).get("verbosity", self.verbosity),
            "logprobs": self.wants_logprobs or None,
            "top_logprobs": self.top_logprobs,
            "metadata": self.metadata,
            "store": True if self.is_stored else None,
        }

        def rename(param: str) -> str:
            return self.renamed(_moved(param, num_before))

        with fields_named(rename):
            body = validate(ChatCompletionRequest, fields, limits)
        form = body.response_format and msgspec.structs.replace(body.response_format, field="text.format")
        body = body.model_copy(update={"response_format": form, **{name: getattr(self, name) for name in PASSED}})
        if tools and body.constraint is not None and body.constraint.kind not in ("json_object", "json_schema"):
            raise InvalidRequest(body.constraint.field, "cannot be held to where tools may be called.")
        return body

    @property
    def _choice(self) -> ResponseToolChoice | None:
        choice: ResponseToolChoice | None = self.tool_choice
        return choice

    @property
    def told_choice(self) -> Any:
        return self._choice.told if self._choice is not None else None

    @property
    def _response_format(self) -> dict[str, Any] | None:
        given = (self.text or {}).get("format")
        if given is None or given.get("type") != "json_schema":
            return given
        return {"type": "json_schema", "json_schema": {name: given.get(name) for name in ("name", "schema", "strict")}}


def _moved(param: str, num_before: int) -> str:
    """What was put before the input's messages does not count."""
    index, bracket, rest = param.removeprefix("messages[").partition("]")
    if not param.startswith("messages[") or not bracket or not index.isdecimal():
        return param
    number = int(index) - num_before
    return f"messages[{number}]{rest}" if number >= 0 else "input"
