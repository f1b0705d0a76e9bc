"""Tools of a request and the choice among them, as the clients of OpenAI say it."""

from typing import Any

import pytest

from bdchat.api.http.errors import UnsupportedParameter
from bdchat.api.http.parsing import validate
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import ChatMessage, ChatPrompt, GenerationRequest, ToolCall
from bdchat.settings import LimitSettings

SCHEMA = {"type": "object", "properties": {"도시": {"type": "string"}}, "required": ["도시"]}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "날씨", "parameters": SCHEMA}}
NOW = {"type": "function", "function": {"name": "now"}}
TOOLS = [WEATHER, NOW]
JSON = {"type": "json_object"}


def asked(**fields: Any) -> GenerationRequest:
    body = {"messages": [{"role": "user", "content": "hi"}]} | fields
    return validate(ChatCompletionRequest, body, LimitSettings()).to_generation_request("r")


def prompt_of(**fields: Any) -> ChatPrompt:
    prompt = asked(**fields).prompt
    assert isinstance(prompt, ChatPrompt)
    return prompt


def choice(**fields: Any) -> tuple[str, tuple[str, ...], bool | None]:
    prompt = prompt_of(**fields)
    return prompt.tool_choice, prompt.allowed_tools, prompt.parallel_tool_calls


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def allowed(*names: str, mode: str = "auto") -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [named(name) for name in names]}}


def test_what_is_not_said_of_a_function_may_be_null_or_absent() -> None:
    null = {"type": "function", "function": {"name": "now", "description": None, "parameters": None, "strict": None}}
    strict = {"type": "function", "function": {"name": "now", "strict": True}}
    extra = {"type": "function", "function": WEATHER["function"] | {"strict": False, "cache_control": {}}}  # type: ignore[operator]
    assert prompt_of(tools=[WEATHER, NOW]).tools == (WEATHER, NOW)
    assert prompt_of(tools=[extra, null]).tools == (WEATHER, NOW)
    assert prompt_of(tools=[strict]).tools == (strict,)
    assert prompt_of(tools=[{"function": {"name": "now"}}]).tools == (NOW,)
    assert prompt_of(tools=None).tools == prompt_of(tools=[]).tools == ()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("auto", (), None)),
        ({"tool_choice": "none"}, ("none", (), None)),
        ({"tool_choice": "required", "parallel_tool_calls": False}, ("required", (), False)),
        ({"tool_choice": "any"}, ("required", (), None)),
        ({"tool_choice": named("now")}, ("required", ("now",), False)),  # exactly one call, as OpenAI has it
        ({"tool_choice": named("now"), "parallel_tool_calls": True}, ("required", ("now",), False)),
        ({"tool_choice": allowed("now", mode="required")}, ("required", ("now",), None)),
        ({"tool_choice": allowed("now", "now")}, ("auto", ("now",), None)),
        ({"tool_choice": allowed("now", "weather", mode="required")}, ("required", ("now", "weather"), None)),
    ],
)
def test_every_way_to_choose_is_one_of_three_and_names(fields: dict[str, Any], expected: Any) -> None:
    assert choice(tools=TOOLS, **fields) == expected


def test_functions_are_tools_of_which_one_is_called() -> None:
    functions = [tool["function"] for tool in TOOLS]
    assert prompt_of(functions=functions).tools == tuple(TOOLS)
    assert choice(functions=functions) == ("auto", (), False)
    assert choice(functions=functions, function_call="none") == ("none", (), False)
    assert choice(functions=functions, function_call={"name": "now"}) == ("required", ("now",), False)


def test_without_tools_what_asks_for_no_call_is_nothing() -> None:
    assert choice(tool_choice="none", parallel_tool_calls=True, function_call="auto") == ("auto", (), True)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [NOW, {"type": "function", "function": {"name": "a b"}}]}, "tools[1].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "a" * 65}}]}, "tools[0].function.name"),
        ({"tools": [NOW, WEATHER, NOW]}, "tools[2].function.name"),
        ({"functions": [{"name": "f"}, {"name": "f"}]}, "functions[1].name"),
        ({"tools": TOOLS, "functions": [{"name": "f"}]}, "functions"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
            "tools[0].function.parameters",
        ),
        ({"tools": [{"function": {"name": "f", "parameters": {"maximum": 10**30}}}]}, "tools"),
        ({"tools": [{"function": {"name": f"f{n}"}} for n in range(129)]}, "tools"),
        ({"tools": [{"function": {"name": "f", "description": "x" * 1024 * 1024}}]}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": named("now")}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": named("other")}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": allowed()}, "tool_choice.allowed_tools.tools"),
        ({"tools": TOOLS, "tool_choice": allowed("now", mode="none")}, "tool_choice.allowed_tools.mode"),
        ({"tools": TOOLS, "tool_choice": allowed("now", "other")}, "tool_choice"),
        ({"tools": TOOLS, "parallel_tool_calls": "no"}, "parallel_tool_calls"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "function_call"),
        ({"tools": TOOLS, "guided_regex": "a+"}, "guided_regex"),
    ],
)
def test_what_cannot_be_called_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        asked(**fields)
    assert refusal.value.param == param


def test_tools_that_are_no_functions_are_not_supported() -> None:
    with pytest.raises(UnsupportedParameter) as refusal:
        asked(tools=[NOW, {"type": "custom", "custom": {"name": "c"}}])
    assert refusal.value.param == "tools[1].type"


def test_a_form_says_nothing_where_a_call_is_forced() -> None:
    assert asked(tools=TOOLS, response_format=JSON, tool_choice="required").constraint is None
    for free in ("auto", "none"):
        assert asked(tools=TOOLS, response_format=JSON, tool_choice=free).constraint is not None
    assert asked(tools=TOOLS, guided_regex="a+", tool_choice="none").constraint is not None


def test_earlier_calls_and_thoughts_reach_the_prompt() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "흠", "reasoning": {"a": 1}},
        {"role": "tool", "tool_call_id": "c1", "content": "12:00"},
        {"role": "assistant", "content": "noon", "reasoning": "so"},
        {"role": "user", "content": "ok", "reasoning_content": "not mine"},
    ]
    found = prompt_of(messages=messages).messages
    assert found[1] == ChatMessage(
        role="assistant", reasoning="흠", tool_calls=(ToolCall(tool_call_id="c1", name="now", arguments="{}"),)
    )
    assert [message.reasoning for message in found[2:]] == ["", "so", ""]
