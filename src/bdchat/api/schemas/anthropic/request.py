"""POST /v1/messages and /v1/messages/count_tokens: the request.

Deliberate divergences from Anthropic:
1. anthropic-version and anthropic-beta are ignored, and so are unknown fields and those that change no answer here:
   cache_control, context_management, container, mcp_servers, inference_geo, thinking.budget_tokens.
2. What chat completions honour beyond OpenAI's fields (min_p, seed, repeat_penalty, chat_template_kwargs …)
   is honoured here too; temperature goes to 2.
3. Tools that run at Anthropic or whose form only its models know (web_search_…, bash_…, text_editor_…, computer_…) are
   left out; the message tells their types in bdchat.skipped_tools. A tool_choice that names one is refused.
4. thinking "enabled" and "disabled" set the chat template's enable_thinking; without thinking the model does as it is
   used to, and its thoughts are told as thinking blocks. output_config.effort is the template's reasoning_effort.
5. `model` may be absent: the default model answers.
6. Of a call that max_tokens cut the stream has what there is of its input; the message's input is {}.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

import msgspec
from pydantic import AfterValidator, Field, StrictBool, ValidationInfo, model_validator

from bdchat.api.http.parsing import invalid, unsupported, validate
from bdchat.api.schemas.anthropic.blocks import Conversation
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.conversation.field_names import by_beginning, by_tool, fields_named
from bdchat.api.schemas.sampling import FLEX, MAX_TOKENS, SamplingFields, StopStrings, Whole
from bdchat.api.schemas.tools import MAX_TOOLS
from bdchat.api.schemas.unserved import CHAT, Unserved
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import LimitSettings

MAX_TOOL_ENTRIES = 1024
OWN_NAMES = frozenset({"system", "output_format", "n"})
ANTHROPIC: dict[str, Unserved] = {name: field for name, field in CHAT.items() if name not in OWN_NAMES}
NOT_PASSED = frozenset({"n", "stream", "stream_options", "stop", "response_format", "user", "service_tier"})
PASSED = tuple(name for name in SamplingFields.model_fields if name not in NOT_PASSED)
CHOICES = {"auto": "auto", "any": "required", "none": "none"}
NAMES = {
    "response_format.json_schema": "output_config.format",
    "response_format": "output_config.format",
    "max_completion_tokens": "max_tokens",
    "reasoning_effort": "output_config.effort",
    "stop": "stop_sequences",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
}


class AnthropicTools:
    """Functions as chat completions have them, where each stood, and what is left out."""

    def __init__(self) -> None:
        self.functions: list[dict[str, Any]] = []
        self.places: list[int] = []
        self.skipped: list[str] = []


def _tools(value: object) -> AnthropicTools:
    tools = AnthropicTools()
    if value is None:
        return tools
    if not isinstance(value, list):
        raise invalid("must be a list of tools.")
    if len(value) > MAX_TOOL_ENTRIES:
        raise invalid(f"holds {len(value)} tools; at most {MAX_TOOL_ENTRIES} are allowed.")
    for index, tool in enumerate(value):
        if not isinstance(tool, dict):
            raise invalid("must be an object.", at=f"[{index}]")
        kind = tool.get("type")
        if kind is not None and not isinstance(kind, str):
            raise invalid("must be a string.", at=f"[{index}].type")
        if kind not in (None, "custom"):
            tools.skipped.append(kind[:64])
            continue
        function = {name: tool.get(name) for name in ("name", "description", "strict")}
        tools.functions.append({"type": "function", "function": function | {"parameters": tool.get("input_schema")}})
        tools.places.append(index)
    if len(tools.functions) > MAX_TOOLS:
        raise invalid(f"holds {len(tools.functions)} tools; at most {MAX_TOOLS} are allowed.")
    return tools


def _tool_choice(value: object) -> tuple[Any, bool | None] | None:
    """(chat's tool_choice, whether calls may be several)"""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid("must be an object.")
    kind, is_one = value.get("type"), value.get("disable_parallel_tool_use")
    if not isinstance(is_one, bool | None):
        raise invalid("must be a boolean.", at=".disable_parallel_tool_use")
    several = None if is_one is None else not is_one
    if kind == "tool":
        if not isinstance(value.get("name"), str):
            raise invalid("must be a string.", at=".name")
        return {"type": "function", "function": {"name": value["name"]}}, several
    if not isinstance(kind, str) or kind not in CHOICES:
        raise invalid("must be 'auto', 'any', 'tool' or 'none'.", at=".type")
    return CHOICES[kind], several


def _thinking(value: object) -> bool | None:
    """Whether the model is to think; None: it is not said."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid("must be an object.")
    match value.get("type"):
        case "enabled":
            return True
        case "disabled":
            return False
        case "adaptive":
            return None
    raise invalid("must be 'enabled', 'disabled' or 'adaptive'.", at=".type")


def _format(value: object, at: str) -> dict[str, Any] | None:
    """Chat's response_format."""
    match value:
        case None:
            return None
        case {"type": "json_schema", "schema": dict(schema)}:
            return {"type": "json_schema", "json_schema": {"name": "output", "schema": schema}}
        case {"type": "json_schema"}:
            raise invalid("must be a JSON Schema: an object.", at=f"{at}.schema")
        case {"type": str(kind)}:
            raise unsupported(f"the type {kind[:40]!r} is not supported: 'json_schema' is.", at=f"{at}.type")
    raise invalid("must be an object with a type.", at=at)


def _output_config(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid("must be an object.")
    effort = value.get("effort")
    if not (effort is None or (isinstance(effort, str) and len(effort) <= 64)):
        raise invalid("must be a string.", at=".effort")
    return {"effort": effort, "format": _format(value.get("format"), ".format")}


def _output_format(value: object) -> dict[str, Any] | None:
    return _format(value, "")


def _system(value: object) -> Conversation:
    conversation = Conversation()
    conversation.read_system(value)
    return conversation


def _messages(value: object, info: ValidationInfo) -> Any:
    conversation = info.data.get("system")
    if isinstance(conversation, Conversation):  # else that is refused
        conversation.read_messages(value)
    return value


def _metadata(value: object) -> str | None:
    """Whose request it is."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid("must be an object.")
    user_id = value.get("user_id")
    return user_id if isinstance(user_id, str) else None


class MessagesRequest(SamplingFields):
    unserved: ClassVar[Mapping[str, Unserved]] = ANTHROPIC

    system: Annotated[Any, AfterValidator(_system)]  # Conversation once validated; before `messages`
    messages: Annotated[Any, AfterValidator(_messages)]
    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS), Whole] | None = None
    stop_sequences: StopStrings = None
    tools: Annotated[Any, AfterValidator(_tools)]  # AnthropicTools once validated
    tool_choice: Annotated[Any, AfterValidator(_tool_choice)] = None
    thinking: Annotated[Any, AfterValidator(_thinking)] = None  # bool | None once validated
    output_config: Annotated[Any, AfterValidator(_output_config)]
    output_format: Annotated[Any, AfterValidator(_output_format)] = None
    metadata: Annotated[Any, AfterValidator(_metadata)] = None  # str | None once validated
    stream: StrictBool | None = None

    @model_validator(mode="before")
    @classmethod
    def _all_is_read(cls, fields: Any) -> Any:
        """Defaults are not validated: what is absent is as good as null."""
        absent = {"system": None, "tools": None, "output_config": None}
        return {**absent, **fields} if isinstance(fields, dict) else fields

    @model_validator(mode="after")
    def _one_answer_is_written(self) -> Self:
        if self.num_choices != 1:
            raise unsupported("a message is one answer.", at="n")
        return self

    def with_room(self) -> Self:
        """Anthropic demands max_tokens; so do its clients."""
        if self.max_tokens is None:
            raise InvalidRequest("max_tokens", "this field is required.")
        return self

    @property
    def given_tools(self) -> AnthropicTools:
        tools: AnthropicTools = self.tools
        return tools

    def renamed(self, param: str) -> str:
        """A path in the chat request → in this one."""
        conversation: Conversation = self.system
        if (found := conversation.turns.renamed(param)) is not None:
            return found
        if (tool := by_tool(param, self.given_tools.places)) is not None:
            return tool.replace(".parameters", ".input_schema", 1)
        return by_beginning(param, NAMES) or param

    def to_chat_request(self, limits: LimitSettings) -> ChatCompletionRequest:
        """Raises InvalidRequest and UnsupportedParameter by this wire's names."""
        conversation: Conversation = self.system
        choice, several = self.tool_choice or (None, None)
        tools = self.given_tools.functions
        thinks = {} if self.thinking is None else {"enable_thinking": self.thinking}
        form = self.output_config.get("format") or self.output_format
        fields = {
            "messages": conversation.turns.messages,
            "tools": tools or None,
            "tool_choice": choice,
            "parallel_tool_calls": several,
            "max_completion_tokens": self.max_tokens,
            "response_format": form,
            "reasoning_effort": self.output_config.get("effort"),
        }
        with fields_named(self.renamed):
            body = validate(ChatCompletionRequest, fields, limits)
        own: dict[str, Any] = {name: getattr(self, name) for name in PASSED}
        own |= {"stop": self.stop_sequences, "user": self.metadata, "stream": self.stream}
        own["chat_template_kwargs"] = thinks | (self.chat_template_kwargs or {})
        if self.service_tier == FLEX:
            own["service_tier"] = FLEX
        if body.response_format is not None:
            own["response_format"] = msgspec.structs.replace(body.response_format, field="output_config.format")
        body = body.model_copy(update=own)
        if tools and body.constraint is not None and body.constraint.kind not in ("json_object", "json_schema"):
            raise InvalidRequest(body.constraint.field, "cannot be held to where tools may be called.")
        return body
