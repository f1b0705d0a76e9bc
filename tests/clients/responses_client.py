"""The openai package over /v1/responses: created, streamed, forced calls, a loop by previous_response_id, .parse, and
one in the background that is read from the middle on.
"""

import json
import time
from typing import Any

from openai import OpenAI

from tests.clients.told import ASK_PET, ASK_WEATHER, HELLO, KEY, MODEL, Pet, tell, urls, weather_text

PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Seoul", "Busan"]}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL: Any = {"type": "function", "name": "get_weather", "description": "How warm it will be.", "parameters": PARAMETERS}
real, clever = (OpenAI(base_url=url, api_key=KEY, max_retries=0) for url in urls())
SHORT: Any = {"model": MODEL, "temperature": 0, "max_output_tokens": 128}


def calls_of(response: Any) -> list[dict[str, Any]]:
    calls = [item for item in response.output if item.type == "function_call"]
    return [{"name": call.name, "arguments": json.loads(call.arguments)} for call in calls]


chat = real.responses.create(input=HELLO, store=False, **SHORT)
with real.responses.stream(input=HELLO, **SHORT) as stream:
    events = list(stream)
    last: Any = events[-1].response  # type: ignore[union-attr]  # the end holds it
calls = []
for tool_choice in ({"type": "function", "name": "get_weather"}, "required"):
    forced: Any = {"tools": [TOOL], "tool_choice": tool_choice, "parallel_tool_calls": False, "store": False}
    calls += calls_of(real.responses.create(input=ASK_WEATHER, **forced, **SHORT))
with clever.responses.stream(input=ASK_WEATHER, model=MODEL, tools=[TOOL]) as asking:
    asked = asking.until_done().get_final_response()
(thought,) = (item.content[0].text for item in asked.output if item.type == "reasoning" and item.content)
results: Any = [
    {
        "type": "function_call_output",
        "call_id": call.call_id,
        "output": weather_text(**json.loads(call.arguments)),
    }
    for call in asked.output
    if call.type == "function_call"
]
answered = clever.responses.create(model=MODEL, input=results, previous_response_id=asked.id, tools=[TOOL])
parsed = real.responses.parse(input=ASK_PET, text_format=Pet, store=False, **SHORT).output_parsed
assert parsed is not None
begun = clever.responses.create(model=MODEL, input=HELLO, background=True)
while (now := clever.responses.retrieve(begun.id)).status in {"queued", "in_progress"}:
    time.sleep(0.01)
whole = list(clever.responses.retrieve(begun.id, stream=True))
rest = list(clever.responses.retrieve(begun.id, stream=True, starting_after=3))
assert [event.to_dict() for event in rest] == [event.to_dict() for event in whole[4:]]
assert whole[-1].response.to_dict() == now.to_dict()  # type: ignore[union-attr]  # the end holds it
listed = clever.responses.input_items.list(answered.id, order="asc")
kinds = [item.type for item in listed]
assert kinds == ["message", "reasoning", "function_call", "function_call_output"], kinds
clever.responses.delete(begun.id)
tell(
    chat=chat.output_text,
    streamed="".join(event.delta for event in events if event.type == "response.output_text.delta"),
    usage=[last.usage.input_tokens, last.usage.output_tokens],
    calls=calls,
    streamed_calls=calls_of(asked),
    thought=thought,
    agent=answered.output_text,
    objects=[parsed.model_dump()],
    completion=now.output_text,
)
