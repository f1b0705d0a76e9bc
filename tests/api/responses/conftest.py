"""A client of an app whose stored answers run, on an engine that says what a test has it say."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from tests.api.serving import in_process, opened
from tests.fake_engine import FakeEngine


@pytest.fixture
async def fake() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def client(fake: FakeEngine) -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process(fake) as client:
        app = await opened(client)
        await app.durable.start()
        try:
            yield client
        finally:
            await app.generations.drain(timeout_s=0)
            await app.durable.aclose()
