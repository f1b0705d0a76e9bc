"""kill -9 of the whole server, with the real model, at random moments of stored answers: the ledger of the client."""

from pathlib import Path

import pytest

from benchmark.server_kills import kill_servers
from benchmark.servers import bdchat

pytestmark = pytest.mark.anyio
NUM_KILLS = 3


async def test_nothing_acknowledged_is_lost_or_doubled_and_every_answer_is_complete(
    tmp_path: Path, default_model_path: Path
) -> None:
    """scripts/bench --workload server-kills does it a hundred times."""
    overrides = ("engine.calibrate=false", "engine.n_threads=1", "engine.n_ctx=2048", "generations.makes_titles=false")
    server = bdchat(default_model_path, tmp_path / "data", overrides)
    said: list[str] = []
    database = tmp_path / "data" / "bdchat.db"
    judgement = await kill_servers(server, database, tmp_path, seed=1, num_kills=NUM_KILLS, log=said.append)
    assert judgement.problems == [], "\n".join(said)
    assert judgement.num_kills == NUM_KILLS
    assert judgement.num_cut > 0, said  # a kill met an answer, else this proved nothing
