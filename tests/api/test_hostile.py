"""The hostile corpus against the API over a fake engine: 4xx in OpenAI's shape, no 5xx, health goes on."""

import pytest

from tests.api.hostile import attacks, silencing
from tests.api.serving import error_of, in_process, over_http
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
ALL = list(attacks())


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(ALL) >= 200
    assert len({attack.name for attack in ALL}) == len(ALL)


async def test_every_attack_is_refused_in_openai_shape() -> None:
    async with in_process(FakeEngine()) as client:
        for attack in ALL:
            response = await attack.sent(client)
            assert response.status_code in attack.statuses, (attack.name, response.text[:500])
            error = error_of(response, response.status_code)
            assert attack.param in {None, error["param"]}, (attack.name, error)
            assert len(response.content) < 2000, attack.name  # an error does not echo the attack


async def test_the_whole_corpus_leaves_a_real_server_alive() -> None:
    engine = FakeEngine()
    async with over_http(engine) as client:
        assert await silencing(client) == []
    assert engine.num_running == 0
