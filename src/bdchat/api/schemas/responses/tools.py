"""Tools of a response's request → chat's function tools.

1. A function is flat here; one that is nested as chat completions have it is taken too.
2. A custom tool is a function whose one argument is its input; its calls come back as custom_tool_call items, their
   input whole, in one delta. The grammar of its format is not held to: the input is any text.
3. Tools that run at OpenAI (web_search, file_search, code_interpreter, mcp, namespace …) are left out; the response
   tells their types in bdchat.skipped_tools. A tool_choice that forces one is refused.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from bdchat.api.http.parsing import invalid, unsupported
from bdchat.api.schemas.tools import MAX_TOOLS, MAX_TOOLS_BYTES

CUSTOM_PARAMETERS = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}
MAX_TOOL_ENTRIES = 1024  # those that are left out included


@dataclass(slots=True)
class ResponseTools:
    functions: list[dict[str, Any]] = field(default_factory=list)  # as chat completions have them
    places: list[int] = field(default_factory=list)  # of each function among the request's tools
    custom: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)  # as the response repeats them


def response_tools(value: object) -> ResponseTools:
    if value is None:
        return ResponseTools()
    if not isinstance(value, list):
        raise invalid("must be a list of tools.")
    if len(value) > MAX_TOOL_ENTRIES:
        raise invalid(f"holds {len(value)} tools; at most {MAX_TOOL_ENTRIES} are allowed.")
    tools = ResponseTools()
    for index, tool in enumerate(value):
        if not isinstance(tool, dict):
            raise invalid("must be an object.", at=f"[{index}]")
        _read(tools, tool, index)
    if len(tools.functions) > MAX_TOOLS:
        raise invalid(f"holds {len(tools.functions)} functions; at most {MAX_TOOLS} are allowed.")
    if len(msgspec.json.encode(tools.told)) > MAX_TOOLS_BYTES:  # each event of a lifecycle repeats them
        raise invalid(f"is longer than {MAX_TOOLS_BYTES} bytes.")
    return tools


def _read(tools: ResponseTools, tool: dict[str, Any], index: int) -> None:
    kind = tool.get("type")
    if not isinstance(kind, str) or not kind:
        raise invalid("must be a string.", at=f"[{index}].type")
    if kind not in ("function", "custom"):
        tools.skipped.append(kind[:64])
        tools.told.append(tool)
        return
    nested = tool.get(kind)
    given = nested if isinstance(nested, dict) else tool
    function = {name: given.get(name) for name in ("name", "description", "parameters", "strict")}
    told: dict[str, Any] = {"type": kind, "name": function["name"], "description": function["description"]}
    if kind == "custom":
        function |= {"parameters": CUSTOM_PARAMETERS, "strict": None}
        form = given.get("format")
        told |= {"format": form if isinstance(form, dict) else {"type": "text"}}
        if isinstance(function["name"], str):
            tools.custom.add(function["name"])
    else:
        told |= {"parameters": function["parameters"], "strict": bool(function["strict"])}
    tools.functions.append({"type": "function", "function": function})
    tools.places.append(index)
    tools.told.append(told)


@dataclass(frozen=True, slots=True)
class ResponseToolChoice:
    told: Any  # as the response repeats it
    chat: Any  # as chat completions have it


def response_choice(value: object) -> ResponseToolChoice | None:
    """Raises PydanticCustomError."""
    match value:
        case None:
            return None
        case "none" | "auto" | "required":
            return ResponseToolChoice(value, value)
        case {"type": "function" | "custom" as kind, "name": str(name)}:
            return ResponseToolChoice({"type": kind, "name": name}, _function(name))
        case {"type": "function", "function": {"name": str(name)}}:
            return ResponseToolChoice({"type": "function", "name": name}, _function(name))
        case {"type": "allowed_tools", "mode": mode, "tools": list(tools)}:
            return _allowed_choice(mode, tools)
        case {"type": str(kind)} if kind not in ("function", "custom", "allowed_tools"):
            raise unsupported(f"tools of type {kind[:40]!r} do not run here, so none can be forced.", at=".type")
    raise invalid('must be "none", "auto", "required", a tool or allowed_tools.')


def _function(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def _allowed_choice(mode: object, tools: list[Any]) -> ResponseToolChoice:
    """Of those that run at OpenAI none may be called here."""
    if len(tools) > MAX_TOOL_ENTRIES:
        raise invalid(f"holds {len(tools)} tools; at most {MAX_TOOL_ENTRIES} are allowed.", at=".tools")
    named: list[dict[str, Any]] = []
    for index, tool in enumerate(tools):
        match tool:
            case {"type": "function" | "custom" as kind, "name": str(name)}:
                named.append({"type": kind, "name": name})
            case {"type": str(kind)} if kind not in ("function", "custom"):
                continue
            case _:
                raise invalid("must be a tool.", at=f".tools[{index}]")
    told = {"type": "allowed_tools", "mode": mode, "tools": named}
    if tools and not named and mode == "auto":
        return ResponseToolChoice(told, "none")
    allowed = {"mode": mode, "tools": [_function(tool["name"]) for tool in named]}
    return ResponseToolChoice(told, {"type": "allowed_tools", "allowed_tools": allowed})
