"""A caller that names a seed gets the same text again: its steps have the same shape, cached or not."""

import msgspec
import pytest

from bdchat.engine.model_runner import KVLayout
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import PROMPT, add, ask, run
from tests.fakes import FakeRunner


def shapes_of(runner: FakeRunner) -> list[list[int]]:
    """How many tokens each sequence has in each batch since the last look."""
    shapes = [[len(piece.tokens) for piece in batch] for batch in runner.batches]
    runner.batches.clear()
    return shapes


@pytest.mark.parametrize("layout", list(KVLayout))
def test_the_last_token_of_its_prompt_is_computed_by_itself(layout: KVLayout) -> None:
    runner = FakeRunner(n_ctx=400, n_batch=64, next_token=lambda _: 97, layout=layout)
    scheduler = Scheduler(runner, max_draft_tokens=8)
    found = []
    for request_id in ("fresh", "cached"):
        add(scheduler, msgspec.structs.replace(ask(PROMPT, request_id=request_id, max_tokens=40), is_seeded=True))
        run(scheduler)
        found.append(shapes_of(runner))
    fresh, cached = found
    assert fresh == [[len(PROMPT) - 1], *cached], "the answer's tokens are computed alike"
    assert all(shape == [1] for shape in cached), "nothing is guessed"


def test_who_names_none_has_it_read_in_one_piece() -> None:
    runner = FakeRunner(n_ctx=400, n_batch=64, next_token=lambda _: 97)
    scheduler = Scheduler(runner)
    add(scheduler, ask(PROMPT, max_tokens=2))
    run(scheduler)
    assert shapes_of(runner)[0] == [len(PROMPT)]
