"""Ollama's package: chat, streams, generate, a tool's loop, a form, vectors, models, its error."""

import contextlib
import json
import sys
from typing import Any, Literal

from ollama import Client, ResponseError

from tests.clients.told import ASK_PET, ASK_WEATHER, HELLO, MODEL, Pet, tell, weather_text

real, clever = (Client(host=url) for url in sys.argv[1:])
SHORT: Any = {"model": f"{MODEL}:latest", "options": {"temperature": 0, "num_predict": 128, "num_ctx": 131_072}}


def get_weather(city: Literal["Seoul", "Busan"], days: int) -> str:
    """How warm it will be."""
    return weather_text(city, days)


def asking(text: str) -> Any:
    return [{"role": "user", "content": text}]


chat = real.chat(messages=asking(HELLO), **SHORT)
parts = list(real.chat(messages=asking(HELLO), stream=True, keep_alive="5m", **SHORT))
generated = real.generate(prompt=HELLO, **SHORT)
asked = list(clever.chat(model=MODEL, messages=asking(ASK_WEATHER), tools=[get_weather], stream=True, think=True))
called = [call for part in asked for call in part.message.tool_calls or ()]
results = [
    {"role": "tool", "tool_name": call.function.name, "content": get_weather(**call.function.arguments)}
    for call in called
]
turns = [*asking(ASK_WEATHER), {"role": "assistant", "content": "", "tool_calls": called}, *results]
answered = clever.chat(model=MODEL, messages=turns, tools=[get_weather])
made = real.chat(messages=asking(ASK_PET), format=Pet.model_json_schema(), **SHORT)
vectors = real.embed(model=MODEL, input=["The cat sat down.", "The sea is deep."])
shown = real.show(MODEL)
assert shown.modelinfo is not None
assert shown.modelinfo[f"{shown.modelinfo['general.architecture']}.context_length"] > 0
assert "completion" in (shown.capabilities or ())
assert [model.name for model in real.ps().models] == [MODEL]
with contextlib.suppress(ResponseError):
    real.chat(model="nothing", messages=asking(HELLO))
    raise AssertionError("a model that is not there answered")
tell(
    chat=chat.message.content,
    streamed="".join(part.message.content or "" for part in parts),
    completion=generated.response,
    usage=[parts[-1].prompt_eval_count, parts[-1].eval_count],
    streamed_calls=[{"name": call.function.name, "arguments": dict(call.function.arguments)} for call in called],
    thought="".join(part.message.thinking or "" for part in asked),
    agent=answered.message.content,
    objects=[json.loads(made.message.content or "")],
    vectors=[list(vector) for vector in vectors.embeddings],
    models=[model.model for model in real.list().models],
)
