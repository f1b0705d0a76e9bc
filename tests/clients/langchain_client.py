"""langchain-openai: ChatOpenAI and OpenAIEmbeddings."""

import operator
from collections.abc import Iterable
from functools import reduce
from typing import Literal

from langchain_core.messages import AIMessageChunk, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from tests.clients.told import ASK_PET, ASK_WEATHER, HELLO, KEY, MODEL, Pet, tell, urls, weather_text


@tool
def get_weather(city: Literal["Seoul", "Busan"], days: int) -> str:
    """How warm it will be."""
    return weather_text(city, days)


def chat_model(url: str) -> ChatOpenAI:
    return ChatOpenAI(
        model=MODEL, base_url=url, api_key=KEY, temperature=0, max_tokens=128, max_retries=0, stream_usage=True
    )


def gathered_of(chunks: Iterable[AIMessageChunk]) -> AIMessageChunk:
    return reduce(operator.add, chunks)


def loop(model: ChatOpenAI) -> str:
    """Ask, run what is called, ask again."""
    bound = model.bind_tools([get_weather])
    said = bound.invoke(ASK_WEATHER)
    results = [ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"]) for call in said.tool_calls]
    return str(bound.invoke([("user", ASK_WEATHER), said, *results]).content)


def main() -> None:
    real, clever = (chat_model(url) for url in urls())
    embeddings = OpenAIEmbeddings(model=MODEL, base_url=urls()[0], api_key=KEY)  # sends arrays of tokens
    gathered = gathered_of(real.stream(HELLO))
    called = gathered_of(clever.bind_tools([get_weather]).stream(ASK_WEATHER))
    tell(
        chat=real.invoke(HELLO).content,
        streamed=gathered.content,
        usage=[gathered.usage_metadata["input_tokens"], gathered.usage_metadata["output_tokens"]],
        calls=[
            {"name": call["name"], "arguments": call["args"]}
            for choice in ("get_weather", "any")
            for call in real.bind_tools([get_weather], tool_choice=choice, parallel_tool_calls=False)
            .invoke(ASK_WEATHER)
            .tool_calls
        ],
        streamed_calls=[{"name": call["name"], "arguments": call["args"]} for call in called.tool_calls],
        objects=[
            model.with_structured_output(Pet, method=method).invoke(ASK_PET).model_dump()
            for model, method in ((real, "json_schema"), (real, "function_calling"), (clever, "json_mode"))
        ],
        agent=loop(clever),
        vectors=embeddings.embed_documents(["The cat sat down.", "The sea is deep."]),
    )


main()
