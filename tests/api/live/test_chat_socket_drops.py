"""Lines that drop at any moment: every reader ends with exactly the stored text.

`scripts/bench --workload socket-drops` does the same to a real server, a thousand times."""

import asyncio
import random

import pytest

from bdchat.settings import GenerationSettings, Settings
from benchmark.socket_drops import Budget, ask, flaws, read_with_drops
from tests.api.serving import over_http, signed_in
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
NUM_DROPS = 60


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}  # as the server runs


async def test_every_reader_ends_with_exactly_the_stored_text() -> None:
    rng = random.Random(7)
    engine = FakeEngine(pieces=[rng.choice(("환불은 ", "👍", "word ", "\n", "é")) for _ in range(250)])
    engine.token_gate = lambda: asyncio.sleep(0.001)
    settings = Settings(generations=GenerationSettings(makes_titles=False, commit_interval_ms=20))
    budget = Budget(NUM_DROPS, longest_line_s=0.03)
    async with over_http(engine, settings=settings) as http:
        http.headers.update(await signed_in(http))
        while budget.num_left:
            answers = [await ask(http, "tell", max_tokens=4000) for _ in range(2)]
            reading = [read_with_drops(answer, rng, budget) for answer in answers for _ in range(3)]
            shown = await asyncio.gather(*reading)
            for answer, readers in zip(answers, (shown[:3], shown[3:]), strict=True):
                assert await flaws(answer, readers) == []
                assert readers[0].content == "".join(engine.pieces)
    assert budget.num_reloads > 5
