"""The hostile corpora against the API over a fake engine: 4xx in each wire's own shape, no 5xx, health goes on."""

import pytest

from tests.api.hostile import attacks, silencing
from tests.api.hostile_wires import RESPONSES, UNKNOWN_ID, attacks_on_wires, is_admins, told
from tests.api.serving import error_of, in_process, over_http, signed_in
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
ALL = list(attacks())


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(ALL) >= 200
    assert len({attack.name for attack in ALL}) == len(ALL)
    others = [attack.name for attack in attacks_on_wires(UNKNOWN_ID)]
    assert len(others) >= 1000
    assert len(set(others)) == len(others)


async def test_every_attack_is_refused_in_openai_shape() -> None:
    async with in_process(FakeEngine()) as client:
        for attack in ALL:
            response = await attack.sent(client)
            assert response.status_code in attack.statuses, (attack.name, response.text[:500])
            error = error_of(response, response.status_code)
            assert attack.param in {None, error["param"]}, (attack.name, error)
            assert len(response.content) < 2000, attack.name  # an error does not echo the attack


async def test_every_attack_on_another_wire_is_refused_in_its_own_shape_and_names_the_field() -> None:
    async with in_process(FakeEngine()) as client:
        admin = await signed_in(client, admin=True)
        response_id = (await client.post(RESPONSES, json={"input": "hi"})).json()["id"]
        for attack in attacks_on_wires(response_id):
            response = await attack.sent(client, admin if is_admins(attack.path) else None)
            assert response.status_code in attack.statuses, (attack.name, response.status_code, response.text[:500])
            message = told(attack, response)
            assert attack.param is None or attack.param in message, (attack.name, message)
            assert len(response.content) < 2000, attack.name
        assert (await client.get(f"{RESPONSES}/{response_id}")).status_code == 200


async def test_the_whole_corpus_leaves_a_real_server_alive() -> None:
    engine = FakeEngine()
    async with over_http(engine) as client:
        assert await silencing(client) == []
    assert engine.num_running == 0
