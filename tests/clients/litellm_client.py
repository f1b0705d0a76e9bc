"""LiteLLM, through which many programs speak: chat, streams, tools, schemas, embeddings and its names of errors."""

import os

os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}

import json

import litellm

from tests.clients.told import ASK_PET, ASK_WEATHER, HELLO, KEY, LONG, MODEL, Pet, tell, urls, weather_text

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "How warm it will be.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Seoul", "Busan"]}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}


def ask(url: str, text: str, **fields: object) -> litellm.ModelResponse:
    return ask_all(url, [{"role": "user", "content": text}], **fields)


def ask_all(url: str, messages: list[object], **fields: object) -> litellm.ModelResponse:
    return litellm.completion(
        model=f"openai/{MODEL}", api_base=url, api_key=KEY, messages=messages, temperature=0, max_tokens=128,
        num_retries=0, **fields,
    )  # fmt: skip


def calls_of(answer: litellm.ModelResponse) -> list[dict[str, object]]:
    return [
        {"name": call.function.name, "arguments": json.loads(call.function.arguments)}
        for call in answer.choices[0].message.tool_calls or []
    ]


def name_of_error(url: str, text: str) -> str:
    try:
        ask(url, text)
    except Exception as error:  # its class is what is asked for
        return type(error).__name__
    return ""


def main() -> None:
    real, clever = urls()
    named = {"type": "function", "function": {"name": "get_weather"}}
    chunks = list(ask(real, HELLO, stream=True, stream_options={"include_usage": True}))
    whole = litellm.stream_chunk_builder(chunks)
    streamed = litellm.stream_chunk_builder(list(ask(clever, ASK_WEATHER, tools=[TOOL], stream=True)))
    thinking = ask(clever, ASK_WEATHER, tools=[TOOL])
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": weather_text(**json.loads(call.function.arguments))}
        for call in thinking.choices[0].message.tool_calls
    ]
    asked = {"role": "user", "content": ASK_WEATHER}
    vectors = litellm.embedding(
        model=f"openai/{MODEL}", api_base=real, api_key=KEY, input=["The cat sat down.", "The sea is deep."]
    )
    tell(
        chat=ask(real, HELLO).choices[0].message.content,
        streamed=whole.choices[0].message.content,
        usage=[whole.usage.prompt_tokens, whole.usage.completion_tokens],
        calls=[
            call
            for choice in (named, "required")
            for call in calls_of(ask(real, ASK_WEATHER, tools=[TOOL], tool_choice=choice, parallel_tool_calls=False))
        ],
        streamed_calls=calls_of(streamed),
        thought=thinking.choices[0].message.reasoning_content,
        objects=[json.loads(ask(real, ASK_PET, response_format=Pet).choices[0].message.content)],
        agent=ask_all(clever, [asked, thinking.choices[0].message.model_dump(), *results], tools=[TOOL])
        .choices[0]
        .message.content,
        vectors=[each["embedding"] for each in vectors.data],
        overflow=name_of_error(real, LONG),
    )


main()
