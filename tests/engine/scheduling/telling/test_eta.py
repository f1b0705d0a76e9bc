"""What a waiting request is told of the time left comes true, as far as answers are as long as they are wont to be."""

import random
from collections.abc import Sequence

import msgspec
import pytest

from bdchat.engine.model_runner import KVLayout
from bdchat.engine.request import Delta, Progress
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import add, ask, step
from tests.fakes import EOS, FakeRunner, spell


def loaded(layout: KVLayout, rng: random.Random) -> list[float]:
    """Ratios of foretold to real, of each report to a request that waited or was read, a second before it spoke or
    more: 120 requests over 8 places, answers of 10 to 150 tokens, of which nobody knows."""
    lengths: dict[tuple[int, ...], int] = {}

    def next_token(tokens: Sequence[int]) -> int:
        head = tuple(tokens[:40])
        return EOS if len(tokens) >= starts[head] + lengths.setdefault(head, rng.randrange(10, 150)) else spell(tokens)

    starts: dict[tuple[int, ...], int] = {}
    runner = FakeRunner(
        n_ctx=1024,
        num_sequences=8,
        n_batch=256,
        num_cells=4096 if layout is KVLayout.UNIFIED else None,
        layout=layout,
        next_token=next_token,
        step_s=0.02,
        token_s=0.002,
    )
    idle_s = 0.0

    def clock() -> float:
        return runner.decode_seconds + idle_s

    scheduler = Scheduler(
        runner, queue_limit=500, queue_timeout_s=1e9, cost=StepCost(prefill_ms_per_token=2.0), clock=clock
    )
    told: dict[str, list[tuple[float, float]]] = {}
    spoke: dict[str, float] = {}
    arrivals = sorted(rng.uniform(0, 25) for _ in range(120))
    number = 0
    while number < len(arrivals) or scheduler.has_work:
        while number < len(arrivals) and arrivals[number] <= clock():
            prompt = [rng.randrange(97, 123) for _ in range(rng.randrange(40, 400))]
            starts[tuple(prompt[:40])] = len(prompt)
            request = ask(prompt, request_id=f"r{number}", max_tokens=400)
            add(scheduler, msgspec.structs.replace(request, wants_progress=True))
            number += 1
        if not scheduler.has_work:
            idle_s += arrivals[number] - clock()
            continue
        for event in step(scheduler):
            if isinstance(event, Progress) and event.eta_ms is not None:
                told.setdefault(event.request_id, []).append((clock(), event.eta_ms / 1000))
            elif isinstance(event, Delta):
                spoke.setdefault(event.request_id, clock())
    ratios = []
    for name, reports in told.items():
        ratios += [eta_s / (spoke[name] - at) for at, eta_s in reports if spoke[name] - at >= 1]
    return ratios


@pytest.mark.parametrize("layout", list(KVLayout))
def test_the_time_left_is_right_within_a_third(layout: KVLayout) -> None:
    ratios = [ratio for seed in range(2) for ratio in loaded(layout, random.Random(seed))]
    assert len(ratios) > 300
    off = sorted(abs(ratio - 1) for ratio in ratios)
    assert off[int(0.8 * len(off))] <= 0.3
