"""openai-agents over its own default, the Responses model: an agent with a tool, a forced tool, a typed result."""

import asyncio
from typing import Literal

from agents import Agent, ModelSettings, OpenAIResponsesModel, Runner, StopAtTools, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

from tests.clients.told import ASK_PET, ASK_WEATHER, HELLO, KEY, MODEL, Pet, tell, urls, weather_text


@function_tool
def get_weather(city: Literal["Seoul", "Busan"], days: int) -> str:
    """How warm it will be."""
    return weather_text(city, days)


async def main() -> None:
    set_tracing_disabled(True)
    real, clever = (
        OpenAIResponsesModel(MODEL, AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0)) for url in urls()
    )
    short = ModelSettings(temperature=0, max_tokens=128)
    forced = Agent(
        name="forced", model=real, tools=[get_weather],
        tool_use_behavior=StopAtTools(stop_at_tool_names=["get_weather"]),
        model_settings=ModelSettings(temperature=0, max_tokens=128, tool_choice="required", parallel_tool_calls=False),
    )  # fmt: skip
    streaming = Runner.run_streamed(Agent(name="clever", model=clever, tools=[get_weather]), ASK_WEATHER)
    streamed_events = [event.type async for event in streaming.stream_events()]
    assert streamed_events
    typed = await Runner.run(Agent(name="typed", model=real, output_type=Pet, model_settings=short), ASK_PET)
    tell(
        # of the script: the default model runs to the limit, and the package takes a cut answer for an error
        chat=(await Runner.run(Agent(name="clever", model=clever), HELLO)).final_output,
        ran=[(await Runner.run(forced, ASK_WEATHER)).final_output],
        objects=[typed.final_output.model_dump()],
        agent=streaming.final_output,
    )


asyncio.run(main())
