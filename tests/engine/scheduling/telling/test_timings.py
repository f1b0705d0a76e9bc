"""Every moment of a request is in one of its times, and every token of its prompt was computed or cached."""

import random

import pytest

from bdchat.engine.model_runner import KVLayout
from bdchat.engine.request import Event, Finished, FinishReason, Resumption
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import PROMPT, add, ask, run, step
from tests.fakes import FakeRunner, spell_out


class VirtualTime:
    """Goes on with what the runner computes, and when told to."""

    def __init__(self, runner: FakeRunner) -> None:
        self._runner = runner
        self.idle_s = 0.0

    def __call__(self) -> float:
        return self._runner.decode_seconds + self.idle_s


def total_ms(finished: Finished) -> float:
    times = finished.timings
    parts = (times.queue_ms, times.prefill_ms, times.decode_ms, times.swapped_ms)
    assert min(parts) >= -1e-6, times
    return sum(parts)


@pytest.mark.parametrize("layout", list(KVLayout))
@pytest.mark.parametrize("seed", range(12))
def test_the_times_of_a_request_add_up(seed: int, layout: KVLayout) -> None:
    rng = random.Random(seed)
    runner = FakeRunner(
        n_ctx=96,
        num_sequences=3,
        num_cells=110 if layout is KVLayout.UNIFIED else None,
        layout=layout,
        step_s=0.02,
        token_s=0.003,
    )
    clock = VirtualTime(runner)
    scheduler = Scheduler(runner, queue_timeout_s=4.0, ram_cache_bytes=2000, clock=clock)
    arrived: dict[str, float] = {}
    ended: dict[str, Finished] = {}
    prompts = [[rng.randrange(97, 123) for _ in range(rng.randrange(4, 60))] for _ in range(4)]

    def hear(events: list[Event], *moments: float) -> None:
        for event in events:
            if isinstance(event, Finished):
                spent = [1000 * (moment - arrived[event.request_id]) for moment in moments]
                assert any(total_ms(event) == pytest.approx(each, abs=1e-6) for each in spent), (event, spent)
                ended[event.request_id] = event

    for number in range(60):
        name = f"r{number}"
        arrived[name] = clock()
        add(scheduler, ask(rng.choice(prompts), request_id=name, max_tokens=rng.randrange(1, 30)))
        for _ in range(rng.randrange(4)):
            began = clock()
            if not rng.randrange(12):
                runner.refuse_slots = 1
            hear(step(scheduler), began, clock())
        clock.idle_s += rng.choice((0.0, 0.1))
        if not rng.randrange(8):
            scheduler.cancel(f"r{rng.randrange(number + 1)}")
            hear(scheduler.take_events(), clock())
    while scheduler.has_work:
        began = clock()
        hear(step(scheduler), began, clock())
    assert set(ended) == set(arrived)
    usages = {name: finished.usage for name, finished in ended.items()}
    assert sum(usage.num_preemptions for usage in usages.values()) == scheduler.metrics().num_preemptions
    assert sum(usage.num_cached_tokens for usage in usages.values()) == scheduler.metrics().prompt_tokens_cached
    assert sum(usage.num_computed_tokens for usage in usages.values()) == scheduler.metrics().prompt_tokens_computed
    for finished in ended.values():
        usage = finished.usage
        if finished.reason is FinishReason.LENGTH and not usage.num_preemptions:
            assert usage.num_cached_tokens + usage.num_computed_tokens == usage.num_prompt_tokens


def test_a_pause_is_neither_reading_nor_writing() -> None:
    runner = FakeRunner(num_sequences=2, step_s=1.0)
    scheduler = Scheduler(runner, clock=VirtualTime(runner))
    add(scheduler, ask(PROMPT, request_id="first", max_tokens=20))
    step(scheduler)
    add(scheduler, ask([1, *PROMPT], request_id="second", max_tokens=4))
    step(scheduler)
    runner.refuse_slots = 2  # the second gives way, then the first waits for nobody
    heard = run(scheduler)
    paused = heard.finished["second", 0]
    assert paused.usage.num_preemptions >= 1
    assert paused.timings.decode_ms == pytest.approx(3000)  # three steps behind its first token
    assert heard.finished["first", 0].timings.decode_ms == pytest.approx(19_000)


def test_what_was_brought_back_is_told_by_tier() -> None:
    runner = FakeRunner(n_ctx=200, num_sequences=1, num_cells=200, token_s=0.002)
    scheduler = Scheduler(runner, ram_cache_bytes=10_000, clock=VirtualTime(runner))
    chat = list(range(100))
    add(scheduler, ask(chat, request_id="chat", max_tokens=1))
    run(scheduler)
    add(scheduler, ask([200, *range(100)], request_id="other", max_tokens=1))  # its cells are the chat's
    run(scheduler)
    add(scheduler, ask([*chat, 7], request_id="back", max_tokens=1))
    usage = run(scheduler).finished["back", 0].usage
    assert (usage.num_cached_tokens, usage.num_cached_from_ram, usage.num_cached_from_disk) == (100, 100, 0)
    add(scheduler, ask([*chat, 7, 8], request_id="more", max_tokens=1))
    finished = run(scheduler).finished["more", 0]
    assert (finished.usage.num_cached_tokens, finished.usage.num_cached_from_ram) == (101, 0)
    assert finished.timings.saved_ms == pytest.approx(scheduler.cost.prefill_ms(101), rel=0.05)  # it learns on
    assert finished.timings.saved_ms > 0


def test_an_answer_that_goes_on_counts_all_its_tokens_and_the_time_since() -> None:
    runner = FakeRunner(step_s=0.5)
    scheduler = Scheduler(runner, clock=VirtualTime(runner))
    before = tuple(spell_out(PROMPT, 5))
    resumption = Resumption(
        prompt_tokens=tuple(PROMPT), seed=1, choice_tokens=(before,), num_chars_sent=(5,), finished=(False,)
    )
    add(scheduler, ask(PROMPT, max_tokens=8), resumption)
    finished = run(scheduler).finished["r", 0]
    assert (finished.usage.num_completion_tokens, finished.usage.num_computed_tokens) == (8, len(PROMPT))
    assert total_ms(finished) == pytest.approx(1000 * runner.decode_seconds)


def test_guesses_are_counted_with_the_answer_that_they_were_made_for() -> None:
    words = list(b"the cat sat on the mat and the dog sat on the cat ")
    runner = FakeRunner(
        n_ctx=400, num_cells=400, n_batch=64, next_token=lambda tokens: words[len(tokens) % len(words)], step_s=0.01
    )
    scheduler = Scheduler(runner, max_draft_tokens=8, clock=VirtualTime(runner))
    add(scheduler, ask(words * 3, max_tokens=100))
    usage = run(scheduler).finished["r", 0].usage
    metrics = scheduler.metrics()
    assert usage.num_drafted_tokens == metrics.num_tokens_drafted > 0
    assert usage.num_accepted_tokens == metrics.num_tokens_accepted > 0
