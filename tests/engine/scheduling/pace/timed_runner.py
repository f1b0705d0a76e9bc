"""Engines on a virtual clock: a FakeRunner whose steps take what llama.cpp's would, and what their callers saw when."""

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bdchat.engine.model_runner import KVLayout, Slice
from bdchat.engine.request import Delta, Event, GenerationRequest, Priority, SamplingParams, TokenPrompt
from bdchat.engine.scheduling.engine_core import EngineCore
from bdchat.engine.scheduling.pace.promises import Promises
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.pace.step_shape import StepPiece, StepShape
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.fakes import FakeRunner


class Prices(NamedTuple):
    """Of a step, in ms."""

    a_pass: float
    output: float
    silent: float
    thousand_cells: float

    def ms(self, shape: StepShape) -> float:
        tokens_ms = self.output * shape.num_outputs + self.silent * shape.num_silent
        return self.a_pass * shape.num_passes + tokens_ms + self.thousand_cells * shape.num_attended / 1000


SMALL = Prices(5.5, 2.5, 1.6, 0.5)  # SmolLM2 on two cores: 8 ms a token, 2.5 a further answer
LARGE = Prices(250.0, 50.0, 38.0, 1.5)  # a 7B model there


class TimedRunner(FakeRunner):
    """Some steps take a little longer or shorter, one of a hundred half as long again. `now`: the virtual clock."""

    def __init__(self, prices: Prices, *, layout: KVLayout = KVLayout.STREAMS, num_sequences: int = 16) -> None:
        num_cells = 4096 * num_sequences if layout is KVLayout.UNIFIED else None
        super().__init__(
            n_ctx=4096, num_sequences=num_sequences, n_batch=512 + num_sequences, layout=layout, num_cells=num_cells
        )
        self._prices = prices
        self._random = random.Random(4)
        self.now = 0.0

    def decode(self, slices: Sequence[Slice]) -> npt.NDArray[np.float32]:
        pieces = sorted(StepPiece(s.seq_id, s.start, len(s.tokens), s.num_outputs) for s in slices)
        ms = self._prices.ms(StepShape.of(pieces, is_streams=self.layout is KVLayout.STREAMS))
        ms *= 1.5 if self._random.random() < 0.01 else self._random.uniform(0.95, 1.05)
        logits = super().decode(slices)
        self.decode_seconds += ms / 1000
        self.now += ms / 1000
        return logits


class Arrival(NamedTuple):
    at_s: float
    request_id: str
    num_prompt: int
    num_wanted: int = 128
    priority: Priority = Priority.INTERACTIVE
    user: str = ""


class Seen(NamedTuple):
    ttft_s: dict[str, float]
    gaps_s: dict[str, list[float]]
    runner: TimedRunner

    def gap_ms(self, quantile: float, *request_ids: str) -> float:
        gaps = [gap for request_id in request_ids or self.gaps_s for gap in self.gaps_s[request_id]]
        return 1000 * float(np.quantile(gaps, quantile))


def play(
    prices: Prices,
    arrivals: Sequence[Arrival],
    *,
    layout: KVLayout = KVLayout.STREAMS,
    num_sequences: int = 16,
    until_s: float = 1e9,
    promises: Promises | None = None,
) -> Seen:
    """Calibration was right to a tenth."""
    runner = TimedRunner(prices, layout=layout, num_sequences=num_sequences)
    cost = StepCost(
        prefill_ms_per_token=1.1 * prices.silent,
        decode_base_ms=0.95 * (prices.a_pass + prices.output),
        decode_ms_per_sequence=prices.output,
        is_streams=layout is KVLayout.STREAMS,
    )
    scheduler = Scheduler(runner, promises=promises, cost=cost, clock=lambda: runner.now, queue_timeout_s=1e9)
    core, numbers = EngineCore(scheduler, runner), random.Random(7)
    seen = Seen({}, defaultdict(list), runner)
    came = {arrival.request_id: arrival.at_s for arrival in arrivals}
    last: dict[str, float] = {}
    waiting = sorted(arrivals)
    while (waiting or scheduler.has_work) and runner.now < until_s:
        if not scheduler.has_work:
            runner.now = max(runner.now, waiting[0].at_s)
        while waiting and waiting[0].at_s <= runner.now:
            arrival = waiting.pop(0)
            tokens = [numbers.randrange(1, 250) for _ in range(arrival.num_prompt)]
            scheduler.add(_request(arrival, tokens), tokens)
        for request_id in _heard(core.step()):
            if request_id in last:
                seen.gaps_s[request_id].append(runner.now - last[request_id])
            else:
                seen.ttft_s[request_id] = runner.now - came[request_id]
            last[request_id] = runner.now
    return seen


def _request(arrival: Arrival, tokens: list[int]) -> GenerationRequest:
    return GenerationRequest(
        request_id=arrival.request_id,
        prompt=TokenPrompt(tokens=tuple(tokens)),
        sampling=SamplingParams(max_tokens=arrival.num_wanted, temperature=0.0),
        priority=arrival.priority,
        user=arrival.user,
    )


def _heard(events: list[Event]) -> list[str]:
    return [event.request_id for event in events if isinstance(event, Delta) and event.tokens]
