"""The hostile corpus against the API over a fake engine: 4xx in OpenAI's shape, no 5xx, health goes on."""

import asyncio
import time

import httpx
import pytest

from tests.api.hostile import Attack, attacks
from tests.api.serving import error_of, in_process, over_http
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
ALL = list(attacks())
MAX_SILENCE_S = 2.0


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(ALL) >= 200
    assert len({attack.name for attack in ALL}) == len(ALL)


async def send(client: httpx.AsyncClient, attack: Attack) -> httpx.Response:
    return await client.request(attack.method, attack.path, content=attack.content, headers=attack.headers)


async def test_every_attack_is_refused_in_openai_shape() -> None:
    async with in_process(FakeEngine()) as client:
        for attack in ALL:
            response = await send(client, attack)
            assert response.status_code in attack.statuses, (attack.name, response.text[:500])
            error = error_of(response, response.status_code)
            assert attack.param in {None, error["param"]}, (attack.name, error)
            assert len(response.content) < 2000, attack.name  # an error does not echo the attack


async def test_the_whole_corpus_leaves_a_real_server_alive() -> None:
    engine = FakeEngine()
    silences: list[float] = []

    async def watch_health(client: httpx.AsyncClient) -> None:
        while True:
            started = time.perf_counter()
            assert (await client.get("/health")).status_code == 200
            silences.append(time.perf_counter() - started)
            await asyncio.sleep(0.01)

    async with over_http(engine) as client:
        watcher = asyncio.create_task(watch_health(client))
        for attack in ALL:
            response = await send(client, attack)
            assert 400 <= response.status_code < 500, (attack.name, response.text[:500])
        assert not watcher.done()
        watcher.cancel()
    assert max(silences) < MAX_SILENCE_S
    assert engine.num_running == 0
