"""The `openai` package as a client of the API over a fake engine."""

import openai
import pytest
from openai import AsyncOpenAI
from pydantic import SecretStr

from bdchat.settings import ServerSettings, Settings
from tests.api.sdk_contract import MESSAGES, check_all
from tests.api.serving import make_app, served
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio


async def test_the_sdk_works_as_with_openai() -> None:
    async with served(make_app(FakeEngine())) as url, AsyncOpenAI(base_url=f"{url}/v1", api_key="any") as client:
        await check_all(client, "fake")


async def test_a_wrong_key_is_an_authentication_error() -> None:
    settings = Settings(server=ServerSettings(api_key=SecretStr("right")))
    async with served(make_app(settings=settings)) as url:
        async with AsyncOpenAI(base_url=f"{url}/v1", api_key="wrong") as client:
            with pytest.raises(openai.AuthenticationError):
                await client.models.list()
        async with AsyncOpenAI(base_url=f"{url}/v1", api_key="right") as client:
            answer = await client.chat.completions.create(model="fake", messages=MESSAGES)
            assert answer.choices[0].message.content == "Hello world"
