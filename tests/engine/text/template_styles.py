"""Chat templates with one demand each, as published models have them, and the shapes of conversations."""

from collections.abc import Sequence
from pathlib import Path

from bdchat.engine.request import ChatMessage, ToolCall

_FILES = Path(__file__).parents[2] / "templates"
_LOOP = "{% for m in messages %}{{ '<' + m.role + '>' + m.content + '</s>' }}{% endfor %}"
_ASK = "{% if add_generation_prompt %}<assistant>{% endif %}"
_TURNS = (
    "{% for m in rest %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('take turns') }}"
    "{% endif %}{{ '<' + m.role + '>' + m.content + '</s>' }}{% endfor %}"
)
_SPLIT_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ '<system>' + messages[0].content }}{% set rest = messages[1:] %}"
    "{% else %}{% set rest = messages %}{% endif %}"
)


def _raises(condition: str) -> str:
    return "{% if " + condition + " %}{{ raise_exception('no') }}{% endif %}"


def _each(condition: str) -> str:
    return "{% for m in messages %}" + _raises(condition) + "{% endfor %}" + _LOOP + _ASK


STYLES: dict[str, str] = {
    "takes everything": _LOOP + _ASK,
    "turn-taking": (_FILES / "turns.jinja").read_text(),
    "system first": (_FILES / "system-first.jinja").read_text(),
    "last system": (_FILES / "last-system.jinja").read_text(),
    "reasoning effort": (_FILES / "effort.jinja").read_text(),
    "mistral v0.3": (_FILES / "mistral-7b-instruct-v0.3.jinja").read_text(),
    "first system": "{% set rest = messages if messages[0].role != 'system' else messages[1:] %}"
    "{% if messages[0].role == 'system' %}{{ messages[0].content }}{% endif %}"
    "{% for m in rest if m.role != 'system' %}{{ '<' + m.role + '>' + m.content }}{% endfor %}" + _ASK,
    "no system, raises": _raises("messages[0].role == 'system'") + "{% set rest = messages %}" + _TURNS + _ASK,
    "no system, silent": "{% for m in messages if m.role in ('user', 'assistant') %}"
    "{{ '<' + m.role + '>' + m.content }}{% endfor %}" + _ASK,
    "turns after the system": _SPLIT_SYSTEM + _TURNS + _ASK,
    "parts": "{% for m in messages %}<{{ m.role }}>{% for part in m.content %}{{ part['text'] }}{% endfor %}"
    "{% endfor %}",
    "parts in turns": _raises("messages[0].content is string")
    + _SPLIT_SYSTEM.replace("messages[0].content }}", "messages[0].content[0]['text'] }}")
    + _TURNS.replace("m.content", "m.content[0]['text']"),
    "known roles only": _each("m.role not in ('system', 'user', 'assistant')"),
    "no tool words": "{% for m in messages if m.role != 'tool' %}{{ '<' + m.role + '>' + m.content }}{% endfor %}"
    + _ASK,
    "begins with the user": _raises("messages[0].role not in ('system', 'user')")
    + _raises("messages[0].role == 'system' and (messages | length < 2 or messages[1].role != 'user')")
    + _LOOP
    + _ASK,
    "ends with the user": _raises("messages[-1].role not in ('user', 'tool')") + _LOOP + _ASK,
    "needs a user": _raises("messages | selectattr('role', 'equalto', 'user') | list | length == 0") + _LOOP + _ASK,
    "no empty text": _each("not m.content | trim"),
    "no empty answer": _each("m.role == 'assistant' and not m.content and not m.tool_calls"),
    "skips empty text": "{% for m in messages if m.content %}{{ '<' + m.role + '>' + m.content }}{% endfor %}" + _ASK,
    "system in the last message": "{% set ns = namespace(s='') %}{% if messages[0].role == 'system' %}"
    "{% set ns.s = messages[0].content %}{% endif %}{% for m in messages if m.role != 'system' %}"
    "{% if loop.last and m.role == 'user' %}{{ ns.s }}{% endif %}{{ '<' + m.role + '>' + m.content }}{% endfor %}",
    "short ids": "{% for m in messages %}{% if m.role == 'tool' and m.tool_call_id | length != 9 %}"
    "{{ raise_exception('ids') }}{% endif %}{% for c in m.tool_calls or [] %}{% if c.id | length != 9 %}"
    "{{ raise_exception('ids') }}{% endif %}{{ c.function | tojson }}{% endfor %}{{ m.content }}{% endfor %}",
    "results after calls only": "{% set ns = namespace(called=false) %}{% for m in messages %}"
    "{% if m.tool_calls %}{% set ns.called = true %}{{ m.tool_calls | tojson }}{% elif m.role == 'tool' %}"
    "{% if not ns.called %}{{ raise_exception('no call') }}{% endif %}{% endif %}{{ m.content }}{% endfor %}",
    "one call at a time": "{% for m in messages %}{% if m.tool_calls %}{% if m.tool_calls | length > 1 %}"
    "{{ raise_exception('one call') }}{% endif %}{{ m.tool_calls[0].function.arguments | tojson }}{% else %}"
    "{{ m.content }}{% endif %}{% endfor %}",
    "functions unset": "{{ '<system>' + functions + datetime }}" + _LOOP + _ASK,
    "loops over tools": "{% for tool in tools %}{{ tool }}{% endfor %}" + _LOOP + _ASK,
    "the last message only": "{{ '<user>' + messages[-1].content }}" + _ASK,
    "no more than two": _raises("messages | length > 2") + _LOOP + _ASK,
    "strict about all": _raises("messages[0].role == 'system'")
    + _raises("messages[-1].role != 'user'")
    + "{% for m in messages %}"
    + _raises("not m.content | trim or m.tool_calls or m.role == 'tool'")
    + "{% endfor %}{% set rest = messages %}"
    + _TURNS
    + _ASK,
}


def system(content: str) -> ChatMessage:
    return ChatMessage(role="system", content=content)


def user(content: str) -> ChatMessage:
    return ChatMessage(role="user", content=content)


def answer(content: str) -> ChatMessage:
    return ChatMessage(role="assistant", content=content)


def calls(*ids: str, content: str = "") -> ChatMessage:
    made = tuple(
        ToolCall(tool_call_id=tool_call_id, name="look", arguments=f'{{"q": "words{index}"}}')
        for index, tool_call_id in enumerate(ids)
    )
    return ChatMessage(role="assistant", content=content, tool_calls=made)


def result(content: str, tool_call_id: str | None = None) -> ChatMessage:
    return ChatMessage(role="tool", content=content, tool_call_id=tool_call_id)


SHAPES: dict[str, Sequence[ChatMessage]] = {
    "a question": [user("one")],
    "a question under a system text": [system("rule"), user("one")],
    "turns": [system("rule"), user("one"), answer("two"), user("three"), answer("four"), user("five")],
    "two users": [user("one"), user("two")],
    "two users later": [user("one"), answer("two"), user("three"), user("four"), answer("five"), user("six")],
    "an assistant first": [answer("one"), user("two")],
    "a system text and an assistant": [system("rule"), answer("one"), user("two")],
    "two answers": [user("one"), answer("two"), answer("three"), user("four")],
    "an answer last": [user("one"), answer("two")],
    "a system text and an answer last": [system("rule"), user("one"), answer("two")],
    "an answer only": [answer("one")],
    "two systems": [system("rule"), system("law"), user("one")],
    "a system text in the middle": [user("one"), answer("two"), system("rule"), user("three")],
    "a system text between questions": [user("one"), system("rule"), user("two")],
    "a system text last": [user("one"), system("rule")],
    "a system text in the middle again": [system("rule"), user("one"), answer("two"), system("law"), user("three")],
    "a system text only": [system("rule")],
    "an answer that said nothing": [user("one"), answer(""), user("two")],
    "a question that said nothing": [user(" "), answer("one"), user("two")],
    "an imported tool chain": [user("one"), answer("Let me look."), result("828 m"), answer("three"), user("four")],
    "a result after a question": [user("one"), result("828 m")],
    "a call": [user("one"), calls("abcDEF123"), result("828 m", "abcDEF123"), answer("two"), user("three")],
    "a call under a system text": [system("rule"), user("one"), calls("abcDEF123"), result("828 m", "abcDEF123")],
    "a call with OpenAI's ids": [user("one"), calls("call_0123456789"), result("828 m", "call_0123456789")],
    "a call without ids": [user("one"), calls(""), result("828 m")],
    "two calls": [user("one"), calls("abcDEF123", "abcDEF124"), result("9", "abcDEF123"), result("7", "abcDEF124")],
    "text beside a call": [user("one"), calls("abcDEF123", content="two"), result("828 m", "abcDEF123")],
    "a call that nobody answered": [user("one"), calls("abcDEF123"), user("two")],
    "a question after a result": [user("one"), calls("abcDEF123"), result("828 m", "abcDEF123"), user("two")],
    "all at once": [
        system("rule"), system("law"), answer("nought"), user("one"), user("two"), answer(""), answer("three"),
        result("828 m"), system("order"), user("four"), calls("call_0123456789"), result("9", "call_0123456789"),
    ],
}  # fmt: skip
