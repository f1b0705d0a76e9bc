"""kill -9 of the whole server while stored responses are streamed: what each of their readers was told."""

import sys
from pathlib import Path

import pytest

from benchmark.response_kills import kill_under_responses
from benchmark.servers import ROOT, Contender

pytestmark = pytest.mark.anyio
NUM_KILLS = 3
NUM_TOKENS = 400  # a scripted token is a byte, five to an event


async def test_every_reader_is_told_what_is_stored_each_once_and_in_order(tmp_path: Path) -> None:
    """scripts/bench --workload response-kills does it thirty times, with the real model."""
    data = tmp_path / "data"
    command = (sys.executable, "-m", "tests.e2e.scripted_server", "--port", "{port}", "--data-dir", str(data))
    pace = ("--num-tokens", "90", "--tokens-per-s", "60", "--says-its-own")
    paths = f"{ROOT / 'src'}:{ROOT}:{ROOT / 'scripts'}"
    server = Contender("scripted", (*command, *pace), environment=(("PYTHONPATH", paths),))
    said: list[str] = []
    found = await kill_under_responses(
        server, data / "bdchat.db", tmp_path, seed=1, num_kills=NUM_KILLS, log=said.append, num_tokens=NUM_TOKENS
    )
    assert found.problems == [], "\n".join(said)
    assert found.num_kills == NUM_KILLS
    assert found.num_cut > 0, said  # a kill met a reader, else this proved nothing
