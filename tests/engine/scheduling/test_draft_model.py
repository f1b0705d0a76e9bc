"""A draft model: the same answers in fewer steps where it guesses well, left alone where it does not."""

from collections.abc import Callable, Sequence

import pytest

from bdchat.engine.model_runner import KVLayout
from bdchat.engine.scheduling.draft_model import DraftModel
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import PROMPT, add, ask, run, step
from tests.fakes import FakeRunner, spell

STEP_S, TOKEN_S = 0.01, 0.0005


def mostly_right(tokens: Sequence[int]) -> int:
    return ord("?") if len(tokens) % 7 == 0 else spell(tokens)


def never_right(tokens: Sequence[int]) -> int:
    return ord("?")


def made(
    guesses: Callable[[Sequence[int]], int] = mostly_right,
    *,
    layout: KVLayout = KVLayout.UNIFIED,
    step_s: float = 0.001,
    n_ctx: int = 400,
    num_cells: int = 1600,
    n_batch: int = 64,
) -> tuple[FakeRunner, FakeRunner, Scheduler]:
    """The large one, the small one, and a scheduler over both."""
    runner = FakeRunner(n_ctx=400, num_cells=1600, n_batch=64, layout=layout, step_s=STEP_S, token_s=TOKEN_S)
    runner.n_outputs_max = 64
    small = FakeRunner(n_ctx=n_ctx, num_cells=num_cells, n_batch=n_batch, next_token=guesses, step_s=step_s)
    scheduler = Scheduler(runner, max_draft_tokens=8)
    scheduler.drafts.guess_by(DraftModel(small, share=0.1))
    return runner, small, scheduler


def written(scheduler: Scheduler, names: str, *, max_tokens: int = 100) -> dict[str, str]:
    for name in names:
        add(scheduler, ask([*PROMPT, ord(name)], request_id=name, max_tokens=max_tokens))
    heard = run(scheduler)
    scheduler.kv_cache.check()
    return {name: heard.text[name, 0] for name in names}


def plainly(names: str, *, max_tokens: int = 100) -> tuple[FakeRunner, dict[str, str]]:
    runner = FakeRunner(n_ctx=400, num_cells=1600, n_batch=64, step_s=STEP_S, token_s=TOKEN_S)
    return runner, written(Scheduler(runner), names, max_tokens=max_tokens)


@pytest.mark.parametrize("layout", list(KVLayout))
@pytest.mark.parametrize("names", ["a", "abcd"])
def test_the_same_text_in_less_time(layout: KVLayout, names: str) -> None:
    plain, expected = plainly(names)
    runner, small, scheduler = made(layout=layout)
    assert written(scheduler, names) == expected
    assert runner.decode_seconds + small.decode_seconds < 0.75 * plain.decode_seconds
    metrics = scheduler.metrics()
    assert 0 < metrics.num_model_tokens_accepted < metrics.num_model_tokens_drafted
    assert metrics.decode_seconds == runner.decode_seconds + small.decode_seconds


def test_one_that_guesses_badly_is_tried_now_and_then_and_no_more() -> None:
    plain, expected = plainly("a", max_tokens=380)
    runner, small, scheduler = made(never_right)
    assert written(scheduler, "a", max_tokens=380) == expected
    assert 0 < scheduler.metrics().num_model_tokens_drafted < 60
    assert runner.decode_seconds + small.decode_seconds < 1.05 * plain.decode_seconds


def test_one_that_takes_as_long_as_the_large_one_is_left_alone() -> None:
    plain, expected = plainly("a", max_tokens=380)
    runner, small, scheduler = made(step_s=STEP_S)
    assert written(scheduler, "a", max_tokens=380) == expected
    assert runner.decode_seconds + small.decode_seconds < 1.15 * plain.decode_seconds


def test_its_cells_follow_what_was_cancelled_and_what_came_instead() -> None:
    """FakeRunner raises at a hole or an overlap."""
    _, expected = plainly("bcde")
    _, small, scheduler = made()
    for name in "xyz":
        add(scheduler, ask([*PROMPT, ord(name)], request_id=name, max_tokens=200))
    for _ in range(20):
        step(scheduler)
    assert small.num_decodes > 0
    scheduler.cancel("y")
    assert written(scheduler, "bcde") == expected


def test_where_it_has_no_room_nothing_is_guessed() -> None:
    _, expected = plainly("abcd")
    _, small, scheduler = made(num_cells=40)
    assert written(scheduler, "abcd") == expected
    assert small.num_used_cells <= 40
    _, _, short = made(n_ctx=30)
    assert written(short, "abcd") == expected


def test_a_long_prompt_is_read_by_it_over_several_steps() -> None:
    _, small, scheduler = made(n_batch=32)
    prompt = [*PROMPT * 12]
    add(scheduler, ask(prompt, max_tokens=100))
    heard = run(scheduler)
    plain = FakeRunner(n_ctx=400, n_batch=64)
    other = Scheduler(plain)
    add(other, ask(prompt, max_tokens=100))
    assert heard.text["r", 0] == run(other).text["r", 0]
    assert scheduler.metrics().num_model_tokens_accepted > 0
    assert max(sum(len(piece.tokens) for piece in batch) for batch in small.batches) <= 32
