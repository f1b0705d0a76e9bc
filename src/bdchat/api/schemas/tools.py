"""Tools of a chat completion's request, and which of them the answer may call or must.

OpenAI's tools and tool_choice, and functions and function_call, their older names. What is not said of a function
(description, parameters) may be absent or null. A schema that arguments cannot be held to is refused with `strict`;
without it they are any object then.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, model_validator

from bdchat.api.http.parsing import Wire, invalid, unsupported

MAX_TOOLS = 128  # OpenAI's own bound
MAX_TOOLS_BYTES = 1024 * 1024  # of all tools of a request: a prompt of 300,000 tokens
FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)

Mode = Literal["none", "auto", "required"]


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`names`: of the tools that may be called; () all of them."""

    mode: Mode
    names: tuple[str, ...] = ()
    is_one_call: bool = False  # a function by its name: exactly one call of it, as OpenAI has it


def _function_name(value: str) -> str:
    if not FUNCTION_NAME.fullmatch(value):
        raise invalid("must have 1 to 64 letters, digits, '_' and '-'.")
    return value


def _bounded(value: object) -> object:
    if not isinstance(value, list):
        return value
    if len(value) > MAX_TOOLS:
        raise invalid(f"holds {len(value)} functions; at most {MAX_TOOLS} are allowed.")
    try:
        num_bytes = len(msgspec.msgpack.encode(value))  # as it goes to the engine
    except OverflowError:
        raise invalid("holds a number that is out of range.") from None
    if num_bytes > MAX_TOOLS_BYTES:
        raise invalid(f"is longer than {MAX_TOOLS_BYTES} bytes.")
    return value


def _only_functions(value: object) -> object:
    if isinstance(value, str) and value != "function":
        raise unsupported(f"tools of type {value[:40]!r} are not supported: only 'function' is.")
    return value


class FunctionDefinition(Wire):
    name: Annotated[str, AfterValidator(_function_name)]
    description: str | None = None
    parameters: dict[str, Any] | None = None  # a JSON Schema; null: none
    strict: StrictBool | None = None

    def to_tool(self) -> dict[str, object]:
        """As chat templates know it, without what was not said."""
        function: dict[str, object] = {"name": self.name}
        if self.description is not None:
            function["description"] = self.description
        if self.parameters is not None:
            function["parameters"] = self.parameters
        if self.strict:
            function["strict"] = True
        return {"type": "function", "function": function}


class Tool(Wire):
    type: Annotated[Literal["function"] | None, BeforeValidator(_only_functions)] = None
    function: FunctionDefinition


def _tool_choice(value: object) -> ToolChoice | None:
    """OpenAI's words and objects; "any" is Mistral's "required"."""
    match value:
        case None:
            return None
        case "none" | "auto" | "required":
            return ToolChoice(value)
        case "any":
            return ToolChoice("required")
        case {"type": "function", "function": {"name": str(name)}}:
            return ToolChoice("required", (name,), is_one_call=True)
        case {"type": "allowed_tools", "allowed_tools": dict(allowed)}:
            return _allowed_tools(allowed)
    raise invalid('must be "none", "auto", "required", a function or allowed_tools.')


def _allowed_tools(value: dict[str, Any]) -> ToolChoice:
    mode, tools = value.get("mode"), value.get("tools")
    if mode not in {"auto", "required"}:
        raise invalid("must be 'auto' or 'required'.", at=".allowed_tools.mode")
    if not isinstance(tools, list) or not 1 <= len(tools) <= MAX_TOOLS:
        raise invalid(f"must hold 1 to {MAX_TOOLS} functions.", at=".allowed_tools.tools")
    names: list[str] = []
    for index, tool in enumerate(tools):
        match tool:
            case {"type": "function", "function": {"name": str(name)}}:
                names.append(name)
            case _:
                raise invalid("must be a function.", at=f".allowed_tools.tools[{index}]")
    return ToolChoice(mode, tuple(dict.fromkeys(names)))


def _function_call(value: object) -> ToolChoice | None:
    match value:
        case None:
            return None
        case "none" | "auto":
            return ToolChoice(value)
        case {"name": str(name)}:
            return ToolChoice("required", (name,))
    raise invalid('must be "none", "auto" or a function.')


Tools = Annotated[list[Tool], Field(fail_fast=True), BeforeValidator(_bounded)]
Functions = Annotated[list[FunctionDefinition], Field(fail_fast=True), BeforeValidator(_bounded)]


class ToolFields(Wire):
    tools: Tools | None = None
    tool_choice: Annotated[Any, AfterValidator(_tool_choice)] = None  # ToolChoice | None once validated
    parallel_tool_calls: StrictBool | None = None
    functions: Functions | None = None
    function_call: Annotated[Any, AfterValidator(_function_call)] = None  # ToolChoice | None once validated

    @model_validator(mode="after")
    def _tools_have_names_of_their_own(self) -> Self:
        if self.tools and self.functions:
            raise invalid("say tools or functions, not both.", at="functions")
        seen: set[str] = set()
        for index, function in enumerate(self._functions):
            if function.name in seen:
                at = f"functions[{index}].name" if self.is_legacy_call else f"tools[{index}].function.name"
                raise invalid(f"{function.name!r} is the name of another function too.", at=at)
            seen.add(function.name)
        return self

    @model_validator(mode="after")
    def _choices_are_among_the_tools(self) -> Self:
        self._check_choice("tool_choice", self.tool_choice, {tool.function.name for tool in self.tools or ()}, "tools")
        names = {function.name for function in self.functions or ()}
        self._check_choice("function_call", self.function_call, names, "functions")
        return self

    def _check_choice(self, field: str, choice: ToolChoice | None, names: set[str], needed: str) -> None:
        if choice is None:
            return
        if not names and (choice.mode == "required" or choice.names):
            raise invalid(f"needs {needed}.", at=field)
        for name in choice.names:
            if name not in names:
                raise invalid(f"{name[:64]!r} is not the name of one of the {needed}.", at=field)

    @property
    def is_legacy_call(self) -> bool:
        """The answer's call is a function_call."""
        return bool(self.functions)

    @property
    def prompt_tools(self) -> tuple[dict[str, object], ...]:
        return tuple(function.to_tool() for function in self._functions)

    @property
    def choice(self) -> ToolChoice:
        """ "auto" where there is nothing to choose from."""
        given = self.function_call if self.is_legacy_call else self.tool_choice
        return given if given is not None and self._functions else ToolChoice("auto")

    @property
    def may_call_several(self) -> bool | None:
        """None: as the model is used to."""
        is_one_call = self.is_legacy_call or self.choice.is_one_call
        return False if is_one_call else self.parallel_tool_calls

    @property
    def _functions(self) -> list[FunctionDefinition]:
        return [tool.function for tool in self.tools or ()] or self.functions or []
