"""A response is asked for; and what reached the engine."""

from typing import Any

import httpx

from bdchat.engine.request import ChatPrompt
from tests.fake_engine import FakeEngine

URL = "/v1/responses"


async def ask(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post(URL, json={"input": "hi"} | fields)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def prompt_of(fake: FakeEngine) -> ChatPrompt:
    prompt = fake.requests[-1].prompt
    assert isinstance(prompt, ChatPrompt)
    return prompt
