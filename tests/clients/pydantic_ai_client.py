"""pydantic-ai: agents with tools and typed results over the chat completions model."""

import asyncio
from typing import Literal

from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.clients.told import ASK_PET, ASK_WEATHER, HELLO, KEY, MODEL, Pet, tell, urls, weather_text


def chat_model(url: str) -> OpenAIChatModel:
    return OpenAIChatModel(
        MODEL,
        provider=OpenAIProvider(base_url=url, api_key=KEY),
        settings={"temperature": 0, "max_tokens": 128, "parallel_tool_calls": False},
    )


async def main() -> None:
    real, clever = (chat_model(url) for url in urls())

    def get_weather(city: Literal["Seoul", "Busan"], days: int) -> str:
        """How warm it will be."""
        return weather_text(city, days)

    talker = Agent(real)
    async with talker.run_stream(HELLO) as stream:
        streamed = "".join([text async for text in stream.stream_text(delta=True)])
        usage = stream.usage() if callable(stream.usage) else stream.usage
    tell(
        chat=(await talker.run(HELLO)).output,
        streamed=streamed,
        usage=[usage.input_tokens, usage.output_tokens],
        objects=[
            (await Agent(real, output_type=output, retries=0).run(ASK_PET)).output.model_dump()
            for output in (Pet, NativeOutput(Pet))
        ],
        agent=(await Agent(clever, tools=[get_weather]).run(ASK_WEATHER)).output,
    )


asyncio.run(main())
