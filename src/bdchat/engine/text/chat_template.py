"""Messages → prompt segments by the model's own chat template, run in a sandbox. Any thread; knows no tokens.

At load the template is tried on harmless conversations, which shows whether it works and what it supports; what it
lacks is made up for here (system text goes into the first user message, a missing template is ChatML).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from jinja2 import TemplateError as JinjaError
from jinja2 import meta, nodes

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import ChatMessage, ChatPrompt, Role, ToolCall
from bdchat.engine.text.control_text import ControlText
from bdchat.engine.text.template_sandbox import TemplateLimitExceeded, TemplateRaised, TemplateSandbox
from bdchat.engine.text.time_limit import call_with_time_limit
from bdchat.engine.text.tokenizer import Segment

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_RESERVED_KWARGS = frozenset(
    (
        "messages",
        "tools",
        "custom_tools",
        "builtin_tools",
        "available_tools",
        "documents",
        "bos_token",
        "eos_token",
        "add_generation_prompt",
    )
)
_PROBE_TOOL: dict[str, object] = {
    "type": "function",
    "function": {
        "name": "probe_tool",
        "description": "d",
        "parameters": {"type": "object", "properties": {"a": {"type": "string"}}},
    },
}
# Whatever a template's own mistakes raise from within Jinja and Python.
_RENDER_ERRORS = (
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
    MemoryError,
    TimeoutError,
)
_USER: Role = "user"
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class TemplateError(Exception):
    """The template cannot be used; `reason` is one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())[:300]


class ChatTemplate:
    """`source` None: the model has no template, ChatML serves. Raises TemplateError when the template does not even
    render one user message."""

    def __init__(
        self,
        source: str | None,
        bos_token: str,
        eos_token: str,
        *,
        control_text: ControlText | None = None,
        max_chars: int = 16 * 1024 * 1024,  # twice the largest body the API takes
        time_limit_s: float = 5.0,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self.is_fallback = source is None
        self._source = CHATML if source is None else source
        self._control_text = control_text or ControlText(())
        self._time_limit_s = time_limit_s
        self._sandbox = TemplateSandbox(max_chars=max_chars, now=now)
        self._constants = {"bos_token": bos_token, "eos_token": eos_token}
        self._compile()
        self._probe()

    def render(self, prompt: ChatPrompt) -> list[Segment]:
        """Raises InvalidRequest when the template refuses the conversation or a limit is reached."""
        kwargs = self._kwargs(prompt.template_kwargs)
        try:
            return call_with_time_limit(lambda: self._render_segments(prompt, kwargs), self._time_limit_s)
        except TemplateRaised as error:
            raise InvalidRequest("messages", f"the model's chat template says: {error.message}") from None
        except (JinjaError, *_RENDER_ERRORS) as error:
            raise InvalidRequest("messages", f"the model's chat template failed: {_one_line(error)}") from error

    def _render_segments(self, prompt: ChatPrompt, kwargs: Mapping[str, Json]) -> list[Segment]:
        marker = _Marker(self._control_text, prompt, (self._source, *_strings(kwargs)))
        messages = [self._message(message, marker) for message in prompt.messages]
        if not self.supports_system:
            messages = _without_system(messages, into_last=False)
        elif self.loses_system and messages and messages[-1]["role"] != _USER:
            messages = _without_system(messages, into_last=True)
        tools = [marker.value(_plain(tool)) for tool in prompt.tools]
        variables = {key: marker.value(value) for key, value in kwargs.items()}
        variables |= {"tools": tools or self._no_tools, "add_generation_prompt": prompt.add_generation_prompt}
        return marker.split(self._run(messages, variables))

    def _message(self, message: ChatMessage, marker: "_Marker") -> dict[str, Json]:
        content = marker.text(message.content, is_generated=message.role == "assistant")
        fields: dict[str, Json] = {"role": message.role, "content": content}
        if self.wants_parts:
            fields["content"] = [{"type": "text", "text": content}]
        if message.name is not None:
            fields["name"] = marker.text(message.name, is_name=True)
        if message.tool_calls:
            fields["tool_calls"] = [self._tool_call(call, marker) for call in message.tool_calls]
        if message.tool_call_id is not None:
            fields["tool_call_id"] = marker.text(message.tool_call_id)
        return fields

    def _tool_call(self, call: ToolCall, marker: "_Marker") -> Json:
        """Arguments as an object, as Hugging Face's templates want them, unless this one concatenates strings."""
        arguments = marker.value(call.arguments if self.wants_argument_text else _parsed(call.arguments))
        function: dict[str, Json] = {"name": marker.text(call.name, is_name=True), "arguments": arguments}
        return {"id": marker.text(call.tool_call_id), "type": "function", "function": function}

    def _run(self, messages: list[dict[str, Json]], variables: Mapping[str, Json]) -> str:
        return self._template.render(messages=messages, **self._constants, **variables)

    def _kwargs(self, given: Mapping[str, str | int | float | bool]) -> dict[str, Json]:
        """Those that the template reads; others are left out, as every server does with its own clients' habits."""
        for key in given:
            if key in _RESERVED_KWARGS or key in self._sandbox.globals:
                raise InvalidRequest("chat_template_kwargs", f"{key!r} cannot be set")
        return {key: value for key, value in given.items() if key in self.kwarg_names}

    # What the template is, found out once

    def _compile(self) -> None:
        try:
            tree = self._sandbox.parse(self._source)
            assigned = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
            self.kwarg_names = meta.find_undeclared_variables(tree) - _RESERVED_KWARGS - assigned
            self.kwarg_names -= self._sandbox.globals.keys()
            self._template = self._sandbox.from_string(self._source)
        except (JinjaError, *_RENDER_ERRORS) as error:
            raise TemplateError(f"the chat template does not compile: {_one_line(error)}") from error

    def _probe(self) -> None:
        self.supports_system = True
        self.wants_argument_text = self.loses_system = False
        user = ChatMessage(role="user", content="probe-user")
        self._no_tools: list[Json] | None = None  # Hugging Face's value
        self._find_message_form(user)
        system = ChatMessage(role="system", content="probe-system")
        self.supports_system = "probe-system" in self._try([system, user])
        self.supports_tools = "probe_tool" in self._try([user], tools=(_PROBE_TOOL,))
        call = ToolCall(tool_call_id="probe0001", name="probe_tool", arguments='{"a": "probe-argument"}')
        answer = ChatMessage(role="assistant", tool_calls=(call,))
        result = ChatMessage(role="tool", content="probe-result", tool_call_id="probe0001")
        conversation = [user, answer, result]
        rendered = self._try(conversation)
        if "probe-argument" not in rendered:
            self.wants_argument_text = True
            text_rendered = self._try(conversation)
            self.wants_argument_text = "probe-argument" in text_rendered
            rendered = text_rendered or rendered
        self.supports_tool_calls = "probe-argument" in rendered
        if self.supports_tool_calls and self.supports_system:  # Mistral v0.3's shows it beside a last user message only
            self.loses_system = "probe-system" not in self._try([system, *conversation])
        self.supports_tool_results = "probe-result" in rendered

    def _find_message_form(self, user: ChatMessage) -> None:
        """Some templates loop over `tools` also when there are none, some want content as a list of parts."""
        for wants_parts, no_tools in ((False, None), (False, []), (True, None), (True, [])):
            self.wants_parts, self._no_tools = wants_parts, no_tools
            if user.content in self._try([user]):
                return
        self.wants_parts, self._no_tools = False, None
        raise TemplateError(f"the chat template fails on one user message: {self._why([user])}")

    def _try(self, messages: Iterable[ChatMessage], tools: tuple[dict[str, object], ...] = ()) -> str:
        """The render, "" when it fails."""
        try:
            return "".join(segment.text for segment in self._render_probe(messages, tools))
        except (JinjaError, *_RENDER_ERRORS):
            return ""

    def _why(self, messages: Iterable[ChatMessage]) -> str:
        try:
            self._render_probe(messages, ())
        except (JinjaError, *_RENDER_ERRORS) as error:
            return _one_line(error)
        return "the message's text is not in the prompt"

    def _render_probe(self, messages: Iterable[ChatMessage], tools: tuple[dict[str, object], ...]) -> list[Segment]:
        prompt = ChatPrompt(messages=tuple(messages), tools=tools)
        return call_with_time_limit(lambda: self._render_segments(prompt, {}), self._time_limit_s)


class _Marker:
    """Marks the user-supplied strings of one prompt, if any of them needs it at all."""

    def __init__(self, control_text: ControlText, prompt: ChatPrompt, others: Iterable[str]) -> None:
        self._control_text = control_text
        texts = [*others]
        for message in prompt.messages:
            texts += (message.content, message.name or "", message.tool_call_id or "")
            for call in message.tool_calls:
                texts += (call.tool_call_id, call.name, call.arguments, *_strings(_parsed(call.arguments)))
        texts += _strings([_plain(tool) for tool in prompt.tools])
        self._mark = control_text.choose_mark(texts)
        if self._mark is None:
            raise InvalidRequest("messages", "the text uses all of U+FDD0 to U+FDEF, which are reserved in Unicode")
        self._is_used = False

    def text(self, text: str, *, is_name: bool = False, is_generated: bool = False) -> str:
        positions = self._control_text.mark_positions(text, is_name=is_name, is_generated=is_generated)
        if not positions or self._mark is None:
            return text
        self._is_used = True
        return self._control_text.insert_marks(text, positions, self._mark)

    def value(self, value: Json) -> Json:
        """Every string within, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self.value(item) for key, item in value.items()}
        return value

    def split(self, render: str) -> list[Segment]:
        if self._is_used and self._mark is not None:
            return self._control_text.split(render, self._mark)
        return [Segment(render, trusted=True)] if render else []


def _without_system(messages: list[dict[str, Json]], *, into_last: bool) -> list[dict[str, Json]]:
    """For templates without a system role: its text opens the first (or last) user message."""
    system = [_content_text(message) for message in messages if message["role"] == "system"]
    rest = [dict(message) for message in messages if message["role"] != "system"]
    if not system:
        return rest
    users = [message for message in rest if message["role"] == _USER]
    if not users:
        return [{"role": _USER, "content": "\n\n".join(system)}, *rest]
    user = users[-1 if into_last else 0]
    joined = "\n\n".join((*system, _content_text(user)))
    user["content"] = [{"type": "text", "text": joined}] if isinstance(user["content"], list) else joined
    return rest


def _content_text(message: dict[str, Json]) -> str:
    content = message["content"]
    if isinstance(content, list):
        return "".join(str(part["text"]) for part in content if isinstance(part, dict))
    return str(content)


def _parsed(arguments: str) -> Json:
    """The object that the text spells; the text itself when it spells none."""
    try:
        value = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        return arguments
    return value if isinstance(value, dict) else arguments


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for key, item in value.items() for text in (str(key), *_strings(item))]
    return [text for item in value for text in _strings(item)] if isinstance(value, list) else []


def _one_line(error: Exception) -> str:
    kind = (
        "" if isinstance(error, TemplateLimitExceeded | TemplateRaised | TimeoutError) else f"{type(error).__name__}: "
    )
    return " ".join(f"{kind}{error}".split())[:300]
