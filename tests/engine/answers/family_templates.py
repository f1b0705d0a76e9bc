"""A chat template per family, in the shape of the published ones, and conversations whose calls they write."""

import functools
import json
import random
from pathlib import Path
from typing import NamedTuple

from bdchat.engine.request import ChatMessage, ChatPrompt, ToolCall
from bdchat.engine.text.chat_template import ChatTemplate

_TEMPLATES = Path(__file__).parents[2] / "templates"


class Fixture(NamedTuple):
    family: str
    end: str  # what stands behind an answer, or ends it
    max_calls: int = 3
    has_text: bool = True  # beside a call


FIXTURES: dict[str, Fixture] = {
    "families/generic": Fixture("generic", "<|im_end|>"),
    "families/gemma3": Fixture("gemma3", "<end_of_turn>"),
    "families/hermes": Fixture("hermes", "<|im_end|>"),
    "families/exaone": Fixture("hermes", "[|endofturn|]"),
    "families/qwen3_coder": Fixture("qwen3_coder", "<|im_end|>"),
    "mistral-7b-instruct-v0.3": Fixture("mistral_v3", "</s>", has_text=False),
    "families/mistral_v7": Fixture("mistral_v7", "</s>"),
    "families/mistral_v11": Fixture("mistral_v11", "</s>"),
    "families/llama3": Fixture("llama3", "<|eot_id|>", max_calls=1, has_text=False),
    "families/llama4": Fixture("llama4", "<|eot|>", has_text=False),
    "families/granite": Fixture("granite", "<|end_of_text|>"),
    "families/phi4": Fixture("phi4", "<|end|>"),
    "families/deepseek": Fixture("deepseek", "<｜end▁of▁sentence｜>"),
    "families/deepseek_v31": Fixture("deepseek_v31", "<｜end▁of▁sentence｜>"),
    "families/command_r": Fixture("command_r", "<|END_OF_TURN_TOKEN|>"),
    "families/command_a": Fixture("command_a", "<|END_OF_TURN_TOKEN|>", has_text=False),
    "families/functionary": Fixture("functionary", "<|eom_id|>"),
    "families/functionary_v32": Fixture("functionary_v32", "<|eot_id|>"),
    "families/harmony": Fixture("harmony", "<|call|>", max_calls=1, has_text=False),
}
TOOLS: tuple[dict[str, object], ...] = tuple(
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "d",
            "parameters": {"type": "object", "properties": {key: {"type": kind} for key, kind in keys.items()}},
        },
    }
    for name, keys in {
        "get_weather": {"city": "string", "days": "integer"},
        "search-web": {"query": "string", "filters": "object", "limit": "number"},
        "now": {},
    }.items()
)
_TEXTS = (
    "서울특별시",
    "🌧️ 비 👨‍👩‍👧",
    'say "hi"\\',
    "one\ntwo\tthree",
    "a < b && [x] {y}",
    "```json\n{}\n```",
    "",
    "naïve — 'q'",
    ",)",
)
_OBJECTS: tuple[object, ...] = ({}, {"a": [1, 2.5, None, {"b": True}]}, {"한": {"글": ["🙂", []]}}, {"q": 'a"b'})


@functools.cache
def template_of(file: str) -> ChatTemplate:
    return ChatTemplate((_TEMPLATES / f"{file}.jinja").read_text(), "<s>", "</s>")


def random_calls(rng: random.Random, max_calls: int) -> tuple[ToolCall, ...]:
    calls = []
    for _ in range(rng.randint(1, max_calls)):
        name, values = rng.choice(
            [
                ("get_weather", {"city": rng.choice(_TEXTS), "days": rng.randint(-3, 9)}),
                ("search-web", {"query": rng.choice(_TEXTS), "filters": rng.choice(_OBJECTS), "limit": 1.5}),
                ("now", {}),
            ]
        )
        arguments = json.dumps(values, ensure_ascii=False)
        calls.append(ToolCall(tool_call_id=f"{rng.randrange(10**9):09d}", name=name, arguments=arguments))
    return tuple(calls)


def written_answer(template: ChatTemplate, fixture: Fixture, content: str, calls: tuple[ToolCall, ...]) -> str:
    """What the template makes of an answer with calls: what the model is to write."""
    user = ChatMessage(role="user", content="a question")
    answer = ChatMessage(role="assistant", content=content, tool_calls=calls)
    asked = _rendered(template, ChatPrompt(messages=(user,), tools=TOOLS))
    told = _rendered(template, ChatPrompt(messages=(user, answer), tools=TOOLS, add_generation_prompt=False))
    _, found, written = told.rpartition(asked[asked.rindex("a question") :])
    assert found, (asked, told)
    return written[: written.rindex(fixture.end)]


def _rendered(template: ChatTemplate, prompt: ChatPrompt) -> str:
    return "".join(segment.text for segment in template.render(prompt))
