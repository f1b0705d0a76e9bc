"""POST /v1/chat/completions: the request.

Deliberate divergences from OpenAI:
1. Unknown fields are ignored, and so are fields that change no answer here: prediction, user identifiers,
   prompt_cache_*, web_search_options, moderation; metadata without store; reasoning_effort and verbosity where the
   model's chat template reads no variable of that name (chat_template_kwargs goes before them).
2. Fields that would change the answer and are not honoured are refused by name (unsupported_parameter): unserved.py.
3. Text parts of one message are joined by a line break; role `developer` is `system`, role `function` is `tool`. Of an
   earlier answer reasoning_content (reasoning) reaches templates that show thoughts.
4. `model` may be absent: the default model answers.
5. stop takes 16 strings of 256 bytes, not 4; top_k, min_p, repeat_penalty (repetition_penalty), repeat_last_n,
   ignore_eos, cache_prompt, deterministic, sampling_defaults and chat_template_kwargs are honoured.
6. Of repeated keys in the JSON document the last counts.
7. Choice i of n samples with seed + i; seed -1 is none, other negative seeds are taken modulo 2^63. max_tokens -1 is no
   limit, n_predict and num_predict are its other names. 3.0 is 3.
8. With store: true the answer belongs to the server: it goes on when the client leaves, survives a restart, and has one
   choice (n: 1). metadata.session_id writes it into a chat, below metadata.parent_id (absent: the end of what is shown;
   "": a new beginning); metadata.client_message_id names the last message, so that sending it twice writes it once. The
   chat's stored path is the conversation: one message is always new; of several, those that the path has already are
   recognised and only the rest is written (context.py), so that clients which send the whole history work too.
9. Of a form (response_format.py) and tools together: where a call is forced the form says nothing; where it is free,
   the answer is calls or has the form, and the form is JSON's. A grammar, an expression or choices beside tools are
   refused.
10. documents (asked_documents.py) are ids of documents, or texts with a title; metadata.document_ids and
   metadata.collection_ids name more. Their passages stand before the last message's words; what the answer cites of
   them comes as annotations.
11. Thoughts come as reasoning_content, beside content: reasoning_format "none" (or separate_reasoning: false) leaves
   them in content, include_reasoning: false leaves them out.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, ValidationInfo, model_validator

from bdchat.api.http.parsing import Wire, invalid, unsupported
from bdchat.api.schemas.asked_documents import (
    COLLECTION_IDS,
    DOCUMENT_IDS,
    AskedDocuments,
    DocumentsField,
    asked_documents,
    ids_in,
)
from bdchat.api.schemas.sampling import (
    MAX_TEMPLATE_VALUE_CHARS,
    SamplingFields,
    TokenLimit,
    Whole,
    limits_of,
    most_tokens,
)
from bdchat.api.schemas.tools import ToolFields
from bdchat.api.schemas.unserved import CHAT, Unserved
from bdchat.engine.request import ChatMessage, ChatPrompt, GenerationRequest, Role, SamplingParams, ToolCall

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
TOKEN_LIMITS = ("max_completion_tokens", "max_tokens", "n_predict", "num_predict")  # the first that is given counts
MAX_TOOL_CALLS = 128  # per message
MAX_METADATA_KEYS, MAX_METADATA_KEY_CHARS, MAX_METADATA_VALUE_CHARS = 16, 64, 512  # OpenAI's own bounds
MAX_METADATA_CHARS = {"session_id": 64, "parent_id": 64, "client_message_id": 128}
MAX_TOOL_CALLS_IN_ALL = 4096  # a body of 8 MiB has room for 100,000, which would hold the event loop for seconds


def _text_of(value: object) -> str | None:
    """Content as text: a string as it is, text parts joined."""
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise invalid("must be a string or a list of content parts.")
    texts: list[str] = []
    for index, part in enumerate(value):
        if isinstance(part, str):
            texts.append(part)
            continue
        if not isinstance(part, dict):
            raise invalid("must be a content part.", at=f"[{index}]")
        kind = part.get("type")
        if kind not in {"text", "refusal", "input_text", "output_text"}:
            if kind is None or not isinstance(kind, str):
                raise invalid("must be a string.", at=f"[{index}].type")
            raise unsupported(f"content parts of type {kind[:40]!r} are not supported: only text is.", at=f"[{index}]")
        text = part.get("refusal" if kind == "refusal" else "text")
        if not isinstance(text, str):
            raise invalid("must be a string.", at=f"[{index}].text")
        texts.append(text)
    return "\n".join(text for text in texts if text)


class CalledFunction(Wire):
    name: str
    arguments: Any = None

    @property
    def arguments_text(self) -> str:
        """Always JSON as text; some clients echo the object that they had parsed."""
        if isinstance(self.arguments, str):
            return self.arguments
        return msgspec.json.encode(self.arguments or {}).decode()


class EarlierToolCall(Wire):
    id: str | None = None
    type: Literal["function"] | None = None
    function: CalledFunction

    def to_tool_call(self) -> ToolCall:
        return ToolCall(tool_call_id=self.id or "", name=self.function.name, arguments=self.function.arguments_text)


class Message(Wire):
    """One message. Keys that SDKs echo back (refusal, annotations, audio …) are ignored."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str | None, BeforeValidator(_text_of)] = None
    name: str | None = None
    tool_calls: Annotated[list[EarlierToolCall], Field(max_length=MAX_TOOL_CALLS, fail_fast=True)] | None = None
    function_call: CalledFunction | None = None
    tool_call_id: str | None = None
    reasoning_content: Any = None
    reasoning: Any = None

    @model_validator(mode="after")
    def _content_is_there(self) -> "Message":
        if self.content is None and self.role in {"system", "developer", "user"}:
            raise invalid(f"a message of role {self.role!r} must have text.", at=".content")
        return self

    @property
    def thought(self) -> str:
        """Before an earlier answer; some programs give an object of their own, which says nothing to a template."""
        return next((said for said in (self.reasoning_content, self.reasoning) if isinstance(said, str)), "")

    def to_chat_message(self) -> ChatMessage:
        calls = tuple(call.to_tool_call() for call in self.tool_calls or ())
        if self.function_call is not None and not calls:
            called = self.function_call
            calls = (ToolCall(tool_call_id="", name=called.name, arguments=called.arguments_text),)
        return ChatMessage(
            role=ROLES[self.role],
            content=self.content or "",  # templates do '…' + content
            reasoning=self.thought if self.role == "assistant" else "",
            name=self.name,
            tool_calls=calls,
            tool_call_id=self.tool_call_id,
        )


def _bounded_messages(value: object, info: ValidationInfo) -> object:
    most = limits_of(info).num_messages
    if isinstance(value, list) and not 1 <= len(value) <= most:
        raise invalid(f"must hold 1 to {most} messages, not {len(value)}.")
    if isinstance(value, list) and _num_tool_calls(value) > MAX_TOOL_CALLS_IN_ALL:
        raise invalid(f"hold more than {MAX_TOOL_CALLS_IN_ALL} tool calls.")
    return value


def _num_tool_calls(messages: list[Any]) -> int:
    calls = (message.get("tool_calls") for message in messages if isinstance(message, dict))
    return sum(len(some) for some in calls if isinstance(some, list))


def _template_word(value: object) -> str | None:
    if value is None or (isinstance(value, str) and len(value) <= MAX_TEMPLATE_VALUE_CHARS):
        return value
    raise invalid(f"must be a string of at most {MAX_TEMPLATE_VALUE_CHARS} characters.")


def _metadata(value: object) -> dict[str, str]:
    """Checked when it is used: with store."""
    if not isinstance(value, dict) or len(value) > MAX_METADATA_KEYS:
        raise invalid(f"must be an object of at most {MAX_METADATA_KEYS} keys.", at="metadata")
    for key, text in value.items():
        if len(key) > MAX_METADATA_KEY_CHARS or "\x00" in key:
            raise invalid(f"keys have at most {MAX_METADATA_KEY_CHARS} characters and no NUL.", at="metadata")
        most = MAX_METADATA_CHARS.get(key, MAX_METADATA_VALUE_CHARS)
        if not isinstance(text, str) or len(text) > most or "\x00" in text:
            raise invalid(f"must be a string of at most {most} characters, without NUL.", at=f"metadata.{key}")
    return value


# llama.cpp's words and Groq's
ReasoningFormat = Literal["auto", "deepseek", "none", "parsed", "raw", "hidden"]
TemplateWord = Annotated[Any, AfterValidator(_template_word)]  # str | None once validated
Messages = Annotated[list[Message], Field(fail_fast=True), BeforeValidator(_bounded_messages)]


class ChatCompletionRequest(SamplingFields, ToolFields):
    unserved: ClassVar[Mapping[str, Unserved]] = CHAT

    messages: Messages
    max_tokens: TokenLimit | None = None
    max_completion_tokens: TokenLimit | None = None
    logprobs: StrictBool | None = None
    top_logprobs: Annotated[int, Field(ge=0), Whole] | None = None
    reasoning_effort: TemplateWord = None
    verbosity: TemplateWord = None
    reasoning_format: ReasoningFormat | None = None
    include_reasoning: StrictBool | None = None
    separate_reasoning: StrictBool | None = None
    store: StrictBool | None = None
    documents: DocumentsField | None = None
    metadata: Any = None  # dict[str, str] once validated, when store

    @model_validator(mode="after")
    def _an_answer_has_tokens(self) -> Self:
        for name in TOKEN_LIMITS:
            if getattr(self, name) == 0:
                raise invalid("must be at least 1, or -1 for no limit.", at=name)
        return self

    @model_validator(mode="after")
    def _logprobs_go_together(self, info: ValidationInfo) -> "ChatCompletionRequest":
        if not self.top_logprobs:
            return self
        if not self.logprobs:
            raise invalid("needs logprobs: true.", at="top_logprobs")
        if self.top_logprobs > (most := limits_of(info).num_top_logprobs):
            raise invalid(f"must be at most {most}.", at="top_logprobs")
        return self

    @model_validator(mode="after")
    def _stored_has_one_choice(self) -> "ChatCompletionRequest":
        if self.store:
            if self.num_choices != 1:
                raise unsupported("a stored completion has one choice.", at="n")
            if self.metadata is not None:
                _metadata(self.metadata)
        return self

    @model_validator(mode="after")
    def _a_form_goes_with_tools(self) -> Self:
        may_call = bool(self.prompt_tools) and self.choice.mode != "none"
        if may_call and self.constraint is not None and self.constraint.kind not in {"json_object", "json_schema"}:
            raise invalid("cannot be held to where tools may be called.", at=self.constraint.field)
        return self

    @model_validator(mode="after")
    def _documents_have_a_question(self) -> Self:
        named = [*ids_in(self.metadata, DOCUMENT_IDS), *ids_in(self.metadata, COLLECTION_IDS)]
        if (self.documents or named) and self.messages[-1].role != "user":
            raise invalid("are asked by the last message, which must be the user's.", at="documents")
        return self

    @property
    def asked_documents(self) -> AskedDocuments:
        return asked_documents(self.documents, self.metadata)

    def stored_under(self, name: str) -> str | None:
        """session_id, parent_id or client_message_id of what is stored."""
        return self.metadata.get(name) if self.store and self.metadata else None

    @property
    def num_top_logprobs(self) -> int | None:
        return (self.top_logprobs or 0) if self.logprobs else None

    @property
    def is_call_forced(self) -> bool:
        return bool(self.prompt_tools) and self.choice.mode == "required"

    @property
    def wanted_of_parts(self) -> dict[str, bool]:
        """What the caller wants of thoughts and calls, where that is not the usual."""
        wanted: dict[str, bool] = {}
        if self.separate_reasoning is False or self.reasoning_format in {"none", "raw"}:
            wanted["splits_thoughts"] = False
        if self.include_reasoning is False or self.reasoning_format == "hidden":
            wanted["shows_thoughts"] = False
        if self.is_legacy_call:
            wanted["is_legacy_call"] = True
        return wanted

    @property
    def template_words(self) -> dict[str, str]:
        """OpenAI's own fields that a chat template may read."""
        words = {"reasoning_effort": self.reasoning_effort, "verbosity": self.verbosity}
        return {name: word for name, word in words.items() if word is not None}

    def to_generation_request(self, request_id: str) -> GenerationRequest:
        sampling = SamplingParams(
            **self.sampling_arguments(),
            max_tokens=most_tokens(*(getattr(self, name) for name in TOKEN_LIMITS)),
            num_top_logprobs=self.num_top_logprobs,
        )
        return GenerationRequest(
            request_id=request_id,
            prompt=ChatPrompt(
                messages=tuple(message.to_chat_message() for message in self.messages),
                tools=self.prompt_tools,
                tool_choice=self.choice.mode,
                allowed_tools=self.choice.names,
                parallel_tool_calls=self.may_call_several,
                template_kwargs=self.template_words | (self.chat_template_kwargs or {}),
            ),
            sampling=sampling,
            num_choices=self.num_choices,
            wants_progress=self.includes_progress,
            **self.request_arguments() | ({"constraint": None} if self.is_call_forced else {}),
        )
