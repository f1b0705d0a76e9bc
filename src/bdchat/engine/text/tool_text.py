"""Tells a model in words of the tools that its chat template does not show, and how to call them. Pure.

The text is short and says the same thing once with words and once with an example: small models follow the example.
Earlier calls and results are told in the same tags (repairs.py), and the grammar of the generic family forces them.
"""

import json

import msgspec

from bdchat.engine.request import ChatMessage, ChatPrompt, function_of

_TEXT = """\
You can call the tools listed here, each described by a JSON object on its own line:
<tools>
{tools}
</tools>

{when}
<tool_call>
{{"name": "the tool's name", "arguments": {{"a parameter's name": "its value"}}}}
</tool_call>
{how_many} The result comes in the next message, between <tool_response> and </tool_response>."""
_WHEN_AUTO = "To call a tool, write nothing but this; when no tool is needed, just answer:"
_WHEN_REQUIRED = "Call a tool now: write nothing but this:"
_SEVERAL = "For several calls, write several of these blocks."
_ONE = "Write one block at most."


def offered(prompt: ChatPrompt) -> ChatPrompt:
    """The same with only those tools that may be called; with none for tool choice "none"."""
    return msgspec.structs.replace(prompt, tools=prompt.callable_tools) if prompt.tools else prompt


def with_tools_told(prompt: ChatPrompt) -> ChatPrompt:
    """The tools in the first system message, behind its own text, instead of beside the messages."""
    if not prompt.tools:
        return prompt
    text = _TEXT.format(
        tools="\n".join(json.dumps(_described(tool), ensure_ascii=False) for tool in prompt.tools),
        when=_WHEN_REQUIRED if prompt.tool_choice == "required" else _WHEN_AUTO,
        how_many=_SEVERAL if _may_call_several(prompt) else _ONE,
    )
    first, *rest = prompt.messages or (ChatMessage(role="system"),)
    if first.role == "system":
        content = f"{first.content}\n\n{text}" if first.content else text
        messages = (msgspec.structs.replace(first, content=content), *rest)
    else:
        messages = (ChatMessage(role="system", content=text), first, *rest)
    return msgspec.structs.replace(prompt, messages=messages, tools=())


def _may_call_several(prompt: ChatPrompt) -> bool:
    if prompt.parallel_tool_calls is not None:
        return prompt.parallel_tool_calls
    return prompt.tool_choice != "required"


def _described(tool: dict[str, object]) -> dict[str, object]:
    function = function_of(tool)
    return {key: function[key] for key in ("name", "description", "parameters") if function.get(key) is not None}
