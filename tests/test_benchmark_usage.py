"""The bench's mixed load and its comparison, against an application with a fake engine."""

import random
from collections import Counter

import pytest

from bdchat.settings import GenerationSettings, Settings
from benchmark.usage_sums import NAMES, Load, booked, counted, is_idle
from tests.api.serving import app_of, over_http, signed_in
from tests.patience import until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_every_kind_of_request_is_made_and_booked_as_counted() -> None:
    settings = Settings(generations=GenerationSettings(makes_titles=False))
    async with over_http(settings=settings) as client:
        client.headers.update(await signed_in(client, "root", admin=True))
        load = Load(client, random.Random(5))
        while len(load.kinds) < 7:
            await load.one()
        app = app_of(client)
        await until(lambda: not app.generations.num_running and not app.durable.running())
        await app.ledger.flush()
        books, counts = await booked(client), await counted(client)
        assert await is_idle(client)
    assert {name: books[name] for name in NAMES} == {name: counts[name] for name in NAMES}
    assert books["num_messages"] == load.num_messages > 0
    assert counts > Counter[str]()
