"""Anthropic's package: created, streamed, forced calls, its tool runner, thoughts, .parse, counted tokens, errors."""

import json
import sys
from typing import Any, Literal

from anthropic import Anthropic, BadRequestError, NotFoundError, beta_tool

from tests.clients.told import ASK_PET, ASK_WEATHER, HELLO, KEY, MODEL, Pet, tell, weather_text

real, clever = (Anthropic(base_url=url, api_key=KEY, max_retries=0) for url in sys.argv[1:])
SHORT: Any = {"model": MODEL, "max_tokens": 128, "extra_body": {"temperature": 0}}


@beta_tool
def get_weather(city: Literal["Seoul", "Busan"], days: int) -> str:
    """How warm it will be."""
    return weather_text(city, days)


def asking(text: str) -> Any:
    return [{"role": "user", "content": text}]


TOOL: Any = {"name": "get_weather", "description": "How warm it will be.", "input_schema": get_weather.input_schema}


def calls_of(message: Any) -> list[dict[str, Any]]:
    return [
        {"name": block.name, "arguments": json.loads(json.dumps(block.input))}
        for block in message.content
        if block.type == "tool_use"
    ]


chat = real.messages.create(messages=asking(HELLO), **SHORT)
with real.messages.stream(messages=asking(HELLO), **SHORT) as stream:
    streamed = "".join(stream.text_stream)
    whole = stream.get_final_message()
counted = real.messages.count_tokens(model=MODEL, messages=asking(HELLO))
read = whole.usage.input_tokens + (whole.usage.cache_read_input_tokens or 0)
assert counted.input_tokens == read, (counted.input_tokens, whole.usage)
calls = []
for choice in ({"type": "tool", "name": "get_weather"}, {"type": "any"}):
    forced: Any = {"tools": [TOOL], "tool_choice": {**choice, "disable_parallel_tool_use": True}}
    calls += calls_of(real.messages.create(messages=asking(ASK_WEATHER), **forced, **SHORT))
with clever.messages.stream(model=MODEL, max_tokens=128, messages=asking(ASK_WEATHER), tools=[TOOL]) as thinking:
    asked = thinking.get_final_message()
runner = clever.beta.messages.tool_runner(
    model=MODEL, max_tokens=128, messages=asking(ASK_WEATHER), tools=[get_weather]
)
*_, answered = runner
parsed = real.messages.parse(messages=asking(ASK_PET), output_format=Pet, **SHORT).parsed_output
assert parsed is not None
stopped = clever.messages.create(model=MODEL, max_tokens=128, messages=asking(HELLO), stop_sequences=["there"])
assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "there")
for error, fields in ((NotFoundError, {"model": "nothing"}), (BadRequestError, {"extra_body": {"temperature": 9}})):
    try:
        real.messages.create(messages=asking(HELLO), **{**SHORT, **fields})
    except error:
        continue
    raise AssertionError(error)
tell(
    chat=chat.content[0].text,
    streamed=streamed,
    usage=[read, whole.usage.output_tokens],
    calls=calls,
    streamed_calls=calls_of(asked),
    thought=next(block.thinking for block in asked.content if block.type == "thinking"),
    agent=answered.content[-1].text,
    objects=[parsed.model_dump()],
    models=[model.id for model in real.models.list()],
)
