"""GET /props."""

import pytest

from tests.api.serving import error_of, in_process
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio


async def test_the_served_model_is_told_in_llama_cpps_words() -> None:
    async with in_process(FakeEngine("a"), FakeEngine("b", n_ctx=64)) as client:
        props = (await client.get("/props")).json()
        other = (await client.get("/props", params={"model": "b"})).json()
        assert error_of(await client.get("/props", params={"model": "c"}), 404)["code"] == "model_not_found"
    assert props["model_alias"] == "a"
    assert props["default_generation_settings"]["n_ctx"] == 4096
    assert props["default_generation_settings"]["params"]["temperature"] == 0.7
    assert props["total_slots"] >= 1
    assert props["modalities"] == {"vision": False, "audio": False}
    assert other["default_generation_settings"]["n_ctx"] == 64
