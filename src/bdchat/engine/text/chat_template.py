"""Messages → prompt segments by the model's own chat template, run in a sandbox. Any thread; knows no tokens.

At load the template is tried on harmless conversations, which shows whether it works and what it supports. A missing
template is ChatML; a conversation that the template refuses, or of which it loses something, is given to it in the form
that it takes (message_forms.py).
"""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import msgspec
from jinja2 import TemplateError as JinjaError
from jinja2 import meta, nodes

from bdchat.engine.answers.detection import answer_format
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import ChatMessage, ChatPrompt, ToolCall
from bdchat.engine.text.answer_marks import Surroundings, closing_of_open_thought
from bdchat.engine.text.control_text import ControlText
from bdchat.engine.text.message_forms import STRICTEST, Form, MessageForms
from bdchat.engine.text.repairs import Repair, repaired
from bdchat.engine.text.template_sandbox import TemplateLimitExceeded, TemplateRaised, TemplateSandbox
from bdchat.engine.text.time_limit import call_with_time_limit
from bdchat.engine.text.tokenizer import Segment
from bdchat.engine.text.tool_text import offered, with_tools_told

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
_REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")  # what templates call an earlier thought
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
        self._now = now
        self._sandbox = TemplateSandbox(max_chars=max_chars, now=now)
        self._constants = {"bos_token": bos_token, "eos_token": eos_token}
        self._compile()
        self._probe()

    def render(self, prompt: ChatPrompt) -> list[Segment]:
        """Raises InvalidRequest when the template refuses the conversation or a limit is reached."""
        kwargs = self._kwargs(prompt.template_kwargs)
        try:
            return call_with_time_limit(lambda: self._render_taken(prompt, kwargs), self._time_limit_s)
        except TemplateRaised as error:
            raise InvalidRequest("messages", f"the model's chat template says: {error.message}") from None
        except (JinjaError, *_RENDER_ERRORS) as error:
            raise InvalidRequest("messages", f"the model's chat template failed: {_one_line(error)}") from error

    def _render_taken(self, prompt: ChatPrompt, kwargs: Mapping[str, Json]) -> list[Segment]:
        prompt = offered(prompt)
        if not self.supports_tools:
            prompt = with_tools_told(prompt)
        form = self._forms.form_of(prompt.messages)
        try:
            segments = self._render_segments(_in_form(prompt, form), kwargs, Repair.REFUSAL_PASSED_OVER in form)
        except TemplateLimitExceeded:
            raise
        except (JinjaError, *_RENDER_ERRORS):  # over something that its shape does not show
            segments = self._try_plainer(_without_reasoning(prompt), form, kwargs)
            if not segments:
                raise
        return _with_closed_thought(segments) if prompt.closes_thought else segments

    def _try_plainer(self, prompt: ChatPrompt, form: Form, kwargs: Mapping[str, Json]) -> list[Segment]:
        """[] when the template takes it in no form."""
        for plainer in (form, STRICTEST):
            try:
                return self._render_segments(_in_form(prompt, plainer), kwargs, Repair.REFUSAL_PASSED_OVER in plainer)
            except (JinjaError, *_RENDER_ERRORS):
                continue
        return []

    def _render_segments(
        self, prompt: ChatPrompt, kwargs: Mapping[str, Json], passes_over_refusal: bool = False
    ) -> list[Segment]:
        marker = _Marker(self._control_text, prompt, (self._source, *_strings(kwargs)))
        messages = [self._message(message, marker) for message in prompt.messages]
        tools = [marker.value(_plain(tool)) for tool in prompt.tools]
        variables = self._unset_variables() | {key: marker.value(value) for key, value in kwargs.items()}
        variables |= {"tools": tools or self._no_tools, "add_generation_prompt": prompt.add_generation_prompt}
        overridden = {"raise_exception": _pass_over} if passes_over_refusal else {}
        return marker.split(self._template.render(messages=messages, **self._constants, **variables, **overridden))

    def _message(self, message: ChatMessage, marker: "_Marker") -> dict[str, Json]:
        content = marker.text(message.content, is_generated=message.role == "assistant")
        fields: dict[str, Json] = {"role": message.role, "content": content}
        if self.wants_parts:
            fields["content"] = [{"type": "text", "text": content}]
        if message.name is not None:
            fields["name"] = marker.text(message.name, is_name=True)
        if message.reasoning:
            reasoning = marker.text(message.reasoning, is_generated=True)
            fields |= dict.fromkeys(_REASONING_FIELDS, reasoning)
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
        self.wants_argument_text = False
        user = ChatMessage(role="user", content="probe-user")
        self._no_tools: list[Json] | None = None  # Hugging Face's value
        self._defaults: dict[str, Json] = {}
        self._find_message_form(user)
        system = ChatMessage(role="system", content="probe-system")
        self.supports_system = "probe-system" in self._try([system, user])
        self.supports_tools = "probe_tool" in self._try([user], tools=(_PROBE_TOOL,))
        self.answer_format = answer_format(self._source, supports_tools=self.supports_tools)
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
        self.supports_tool_results = "probe-result" in rendered
        said = ChatMessage(role="assistant", content="probe-answer")
        turns = self._try([system, user, said, user])
        is_late = turns.find("probe-system") > turns.find("probe-answer") >= 0
        self._forms = MessageForms(
            self._render_text,
            supports_system=self.supports_system,
            is_mistral=is_late and not self._try([user, user]),
        )
        self._try_usual_shapes(system, user, said)
        self.surroundings = self._find_surroundings(user, said)

    def _find_surroundings(self, user: ChatMessage, answer: ChatMessage) -> Surroundings:
        again = ChatMessage(role="user", content="probe-next")
        _, _, asked = self._try(self._in_its_form(user)).partition(user.content)
        _, _, rest = self._try(self._in_its_form(user, answer, again)).partition(user.content)
        header, _, rest = rest.partition(answer.content)
        trailer, has_trailer, _ = rest.partition(again.content)
        return Surroundings(generation_prompt=asked, header=header, trailer=trailer if has_trailer else "")

    def _in_its_form(self, *messages: ChatMessage) -> tuple[ChatMessage, ...]:
        return repaired(messages, self._forms.form_of(messages))

    def _try_usual_shapes(self, system: ChatMessage, user: ChatMessage, answer: ChatMessage) -> None:
        turns = [(user, *(answer, user) * num_answers) for num_answers in range(3)]
        shapes = [(*start, *turn) for turn in turns for start in ((), (system,))]
        try:
            call_with_time_limit(lambda: [self._forms.form_of(shape) for shape in shapes], self._time_limit_s)
        except TimeoutError as error:
            raise TemplateError(f"the chat template fails on usual conversations: {error}") from None

    def _find_message_form(self, user: ChatMessage) -> None:
        """Some templates loop over `tools` also when there are none, some want content as a list of parts, some read
        variables that nobody sets: those have a value here, where it does not go without."""
        names = sorted(self.kwarg_names)
        defaults: list[dict[str, Json]] = [{}]
        values: tuple[Json, ...] = (None, "", []) if names else ()
        defaults += [dict.fromkeys(names, value) for value in values]
        for self._defaults in defaults:
            for self.wants_parts, self._no_tools in itertools.product((False, True), (None, [])):
                if user.content in self._try([user]):
                    self._drop_needless_defaults(user)
                    return
        self.wants_parts, self._no_tools, self._defaults = False, None, {}
        raise TemplateError(f"the chat template fails on one user message: {self._why(user)}")

    def _drop_needless_defaults(self, user: ChatMessage) -> None:
        for name in tuple(self._defaults):
            needed = self._defaults
            self._defaults = {other: value for other, value in needed.items() if other != name}
            if user.content not in self._try([user]):
                self._defaults = needed

    def _unset_variables(self) -> dict[str, Json]:
        """A text whose name says date is today's."""
        today = self._now().date().isoformat()
        return {name: today if value == "" and "date" in name else value for name, value in self._defaults.items()}

    def _try(self, messages: Iterable[ChatMessage], tools: tuple[dict[str, object], ...] = ()) -> str:
        """The render, "" when it fails."""
        prompt = ChatPrompt(messages=tuple(messages), tools=tools)
        try:
            return call_with_time_limit(lambda: self._render_probe(prompt), self._time_limit_s)
        except TimeoutError:
            return ""

    def _render_text(self, messages: tuple[ChatMessage, ...], passes_over_refusal: bool) -> str:
        """The same, for whoever limits the time."""
        return self._render_probe(ChatPrompt(messages=messages), passes_over_refusal)

    def _render_probe(self, prompt: ChatPrompt, passes_over_refusal: bool = False) -> str:
        try:
            segments = self._render_segments(prompt, {}, passes_over_refusal)
        except (JinjaError, *_RENDER_ERRORS):
            return ""
        return "".join(segment.text for segment in segments)

    def _why(self, user: ChatMessage) -> str:
        prompt = ChatPrompt(messages=(user,))
        try:
            call_with_time_limit(lambda: self._render_segments(prompt, {}), self._time_limit_s)
        except (JinjaError, *_RENDER_ERRORS) as error:
            return _one_line(error)
        return "the message's text is not in the prompt"


class _Marker:
    """Marks the user-supplied strings of one prompt, if any of them needs it at all."""

    def __init__(self, control_text: ControlText, prompt: ChatPrompt, others: Iterable[str]) -> None:
        self._control_text = control_text
        texts = [*others]
        for message in prompt.messages:
            texts += (message.content, message.reasoning, message.name or "", message.tool_call_id or "")
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


def _with_closed_thought(segments: list[Segment]) -> list[Segment]:
    if not segments or not segments[-1].trusted:
        return segments
    text = segments[-1].text
    closing = closing_of_open_thought(text)
    if not closing:
        return segments
    return [*segments[:-1], Segment(f"{text}{'' if text.endswith(chr(10)) else chr(10)}\n{closing}\n\n", trusted=True)]


def _pass_over(_: object = None) -> str:
    return ""


def _in_form(prompt: ChatPrompt, form: Form) -> ChatPrompt:
    return msgspec.structs.replace(prompt, messages=repaired(prompt.messages, form)) if form else prompt


def _without_reasoning(prompt: ChatPrompt) -> ChatPrompt:
    """gpt-oss's template refuses a thought where there is a text as well."""
    messages = tuple(msgspec.structs.replace(message, reasoning="") for message in prompt.messages)
    return msgspec.structs.replace(prompt, messages=messages)


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
