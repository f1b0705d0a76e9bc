"""What a step of the scheduler takes beside the model: CPU time of this thread, without a model and without sampling.

64 sequences run, 1,000 wait and 500 states lie in RAM. Two kinds of steps: every place is taken and stays so; and one
answer has just ended, so that somebody is chosen out of the line and looked up in all tiers.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bdchat.engine.request import GenerationRequest, Priority, SamplingParams, TokenPrompt
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.scheduling.step_plan import Part, Sampled

from ..bars import Bar
from ..compare import Log, Run
from ..figures import percentile
from ..hardening import Outcome
from .stub_runner import N_VOCAB, StubRunner

NUM_RUNNING = 64
NUM_WAITING = 1000
NUM_SNAPSHOTS = 500
NUM_USERS = 50
NUM_SYSTEM_PROMPTS = 5
SYSTEM_TOKENS = 200
OWN_TOKENS = (50, 400)
NUM_STEPS = 300
MAX_STEP_MS = 1.0
STEP_MS = 50.0  # that a step of the model claims to take
PARTS = ("admit", "plan", "books", "end_step")


def scheduler_step(log: Log, *, seed: int, is_short: bool) -> list[Outcome]:
    num_steps = 50 if is_short else NUM_STEPS
    bench = StepBench(random.Random(f"step {seed}"))  # noqa: S311
    bench.fill()
    log(f"{bench.num_running} run, {bench.num_waiting} wait, {bench.num_snapshots} states in RAM")
    found = []
    for kind, is_turning in (("places taken", False), ("one place came free", True)):
        steps = [bench.step(ends_one=is_turning) for _ in range(num_steps)]
        found.append(outcome(kind, steps))
        log(found[-1].bar.text)
    return found


class StepBench:
    """Drives a scheduler as the engine core does."""

    def __init__(
        self, rng: random.Random, *, num_snapshots: int = NUM_SNAPSHOTS, num_waiting: int = NUM_WAITING
    ) -> None:
        self._rng = rng
        self._num_snapshots = num_snapshots
        self._num_waiting = num_waiting
        self._now = 0.0
        self._runner = StubRunner(num_sequences=NUM_RUNNING, n_ctx=2048, num_cells=NUM_RUNNING * 1024)
        self._scheduler = _TimedScheduler(
            self._runner,
            queue_limit=2 * num_waiting + NUM_RUNNING,
            queue_timeout_s=1e9,
            ram_cache_bytes=1 << 30,
            clock=self._clock,
        )
        self._systems = [self._tokens(SYSTEM_TOKENS) for _ in range(NUM_SYSTEM_PROMPTS)]
        self._num_asked = 0

    @property
    def num_running(self) -> int:
        return len(self._scheduler.sequences()[0])

    @property
    def num_waiting(self) -> int:
        return self._scheduler.num_waiting

    @property
    def num_snapshots(self) -> int:
        return len(self._scheduler.kv_cache.snapshots)

    def fill(self) -> None:
        """Answers until so many states have left the cells for RAM; then a line behind full places."""
        while self.num_snapshots < self._num_snapshots:
            while self.num_running + self.num_waiting < NUM_RUNNING:
                self._ask(max_tokens=2)
            self.step()
        while not self._is_full():
            while self.num_running + self.num_waiting < NUM_RUNNING + self._num_waiting:
                self._ask(max_tokens=1000)
            self.step()

    def _is_full(self) -> bool:
        running, waiting = self._scheduler.sequences()
        is_full = len(running) == NUM_RUNNING and len(waiting) == self._num_waiting
        return is_full and all(sequence.is_decoding and sequence.num_to_go > 2 for sequence in running)

    def step(self, *, ends_one: bool = False) -> dict[str, float]:
        """Seconds of CPU time of each of PARTS. `ends_one`: the eldest answer is over before it."""
        scheduler = self._scheduler
        if ends_one:
            scheduler.cancel(scheduler.sequences()[0][0].request.request_id)
            self._ask(max_tokens=1000)
        self._now += STEP_MS / 1000
        scheduler.spent = dict.fromkeys(PARTS, 0.0)
        with scheduler.timed("admit"):
            parts = scheduler.schedule()
        scheduler.spent["admit"] -= scheduler.spent["plan"]  # which is a part of it
        if parts:
            self._compute(parts)
        with scheduler.timed("end_step"):
            scheduler.end_step()
        return scheduler.spent

    def _compute(self, parts: list[Part]) -> None:
        scheduler, runner = self._scheduler, self._runner
        logits = runner.decode([part.as_slice() for part in parts])
        with scheduler.timed("books"):
            scheduler.observe(parts, step_ms=STEP_MS)
            for part in parts:
                scheduler.take_in(part)
        ready = [part for part in parts if not part.sequence.num_pending]
        sampled = [Sampled(part.sequence.sample(logits[0], runner, self._now, 1), 1, 0) for part in ready]
        with scheduler.timed("books"):
            for part, result in zip(ready, sampled, strict=True):
                scheduler.update(part, result)

    def _clock(self) -> float:
        return self._now

    def _ask(self, *, max_tokens: int) -> None:
        self._num_asked += 1
        prompt = [*self._rng.choice(self._systems), *self._tokens(self._rng.randint(*OWN_TOKENS))]
        request = GenerationRequest(
            request_id=str(self._num_asked),
            prompt=TokenPrompt(tokens=tuple(prompt)),
            sampling=SamplingParams(temperature=0.0, max_tokens=max_tokens),
            user=f"user {self._rng.randrange(NUM_USERS)}",
            priority=self._rng.choice(tuple(Priority)),
        )
        self._scheduler.add(request, prompt)

    def _tokens(self, num_tokens: int) -> list[int]:
        return [self._rng.randrange(N_VOCAB) for _ in range(num_tokens)]


class _TimedScheduler(Scheduler):
    """Knows what its planning took."""

    spent: dict[str, float]

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        began = time.thread_time()
        yield
        self.spent[part] += time.thread_time() - began

    def _plan(self) -> list[Part]:
        with self.timed("plan"):
            return super()._plan()


def outcome(kind: str, steps: list[dict[str, float]]) -> Outcome:
    """Half of the steps take no longer than what the bar holds against the promise; the slowest are told too."""
    totals = [1000 * sum(step.values()) for step in steps]
    median = percentile(totals, 50)
    each: Callable[[str], float] = lambda part: percentile([1000 * step[part] for step in steps], 50)  # noqa: E731
    figures = {f"{part}_ms": each(part) for part in PARTS}
    figures |= {"step_ms": median, "step_p95_ms": percentile(totals, 95), "step_max_ms": max(totals)}
    shown = ", ".join(f"{part} {figures[f'{part}_ms']:.3f}" for part in PARTS)
    text = (
        f"a scheduler's step, {kind}: {median:.3f} ms of CPU in the median (≤ {MAX_STEP_MS}), p95"
        f" {figures['step_p95_ms']:.3f}, at most {max(totals):.3f}; {shown}"
    )
    run = Run("bdchat", f"scheduler-step, {kind}", NUM_RUNNING, 0, figures)
    return Outcome(Bar(8, text, median <= MAX_STEP_MS), run)
