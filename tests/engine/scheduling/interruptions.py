"""What the tests of preemption share: a batch answer, and who takes its place."""

import msgspec

from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.engine.request import GenerationRequest, Priority
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import Heard, add, ask, step
from tests.fakes import FakeRunner

LONG = [10 + n % 90 for n in range(100)]
SHORT = [120 + n % 50 for n in range(40)]
PLENTY = 1_000_000


def batch(prompt: list[int] = LONG, *, request_id: str = "batch", max_tokens: int = 40) -> GenerationRequest:
    return msgspec.structs.replace(
        ask(prompt, request_id=request_id, max_tokens=max_tokens), priority=Priority.BATCH, wants_progress=True
    )


def urgent(*, request_id: str = "urgent", max_tokens: int = 15) -> GenerationRequest:
    return ask(SHORT, request_id=request_id, max_tokens=max_tokens)


def two_places(layout: KVLayout = KVLayout.UNIFIED, memory_class: MemoryClass = MemoryClass.DENSE) -> FakeRunner:
    return FakeRunner(
        n_ctx=200,
        num_cells=400,
        num_sequences=2,
        n_batch=32,
        layout=layout,
        memory_class=memory_class,
    )


def steps(scheduler: Scheduler, num_steps: int) -> Heard:
    heard = Heard()
    for _ in range(num_steps):
        heard.take(step(scheduler))
    return heard


def interrupted(runner: FakeRunner, **options: object) -> tuple[Scheduler, Heard]:
    """A batch answer on the only place, and an urgent one that has just taken it."""
    scheduler = Scheduler(runner, **options)  # type: ignore[arg-type]
    add(scheduler, msgspec.structs.replace(batch(), cache_tag="chat"))
    heard = steps(scheduler, 10)
    add(scheduler, urgent())
    heard.take(step(scheduler))
    assert scheduler.metrics().num_preemptions == 1
    return scheduler, heard


def one_place(layout: KVLayout = KVLayout.STREAMS) -> FakeRunner:
    return FakeRunner(n_ctx=200, num_sequences=1, n_batch=32, layout=layout)
