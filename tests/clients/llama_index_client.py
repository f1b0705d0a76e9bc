"""LlamaIndex: OpenAILike and OpenAILikeEmbedding."""

from typing import Literal

from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike

from tests.clients.told import ASK_PET, ASK_WEATHER, HELLO, KEY, MODEL, Pet, tell, urls, weather_text


def get_weather(city: Literal["Seoul", "Busan"], days: int) -> str:
    """How warm it will be."""
    return weather_text(city, days)


def chat_model(url: str) -> OpenAILike:
    return OpenAILike(
        model=MODEL, api_base=url, api_key=KEY, is_chat_model=True, is_function_calling_model=True, temperature=0,
        max_tokens=128, max_retries=0, context_window=8192,
    )  # fmt: skip


def main() -> None:
    real, clever = (chat_model(url) for url in urls())
    tools = [FunctionTool.from_defaults(get_weather)]
    forced = real.chat_with_tools(tools, user_msg=ASK_WEATHER, tool_required=True)
    asked = ChatMessage(role="user", content=ASK_WEATHER)
    thinking = clever.chat_with_tools(tools, chat_history=[asked])
    ran = clever.predict_and_call(tools, chat_history=[asked])
    called = clever.get_tool_calls_from_response(thinking)
    results = [
        ChatMessage(
            role="tool", content=str(get_weather(**call.tool_kwargs)), additional_kwargs={"tool_call_id": call.tool_id}
        )
        for call in called
    ]
    embeddings = OpenAILikeEmbedding(model_name=MODEL, api_base=urls()[0], api_key=KEY, max_retries=0)
    tell(
        chat=real.complete(HELLO).text,
        streamed="".join(chunk.delta or "" for chunk in real.stream_complete(HELLO)),
        calls=[
            {"name": call.tool_name, "arguments": call.tool_kwargs}
            for call in real.get_tool_calls_from_response(forced)
        ],
        ran=[str(source.content) for source in ran.sources],
        objects=[real.as_structured_llm(Pet).complete(ASK_PET).raw.model_dump()],
        vectors=embeddings.get_text_embedding_batch(["The cat sat down.", "The sea is deep."]),
        agent=clever.chat_with_tools(tools, chat_history=[asked, thinking.message, *results]).message.content,
    )


main()
