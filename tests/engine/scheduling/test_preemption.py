"""Who gives way to others loses nothing but time: every token, score and end is what it would have been alone."""

from collections.abc import Callable
from random import Random

import msgspec
import pytest

from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.engine.request import (
    Constraint,
    FinishReason,
    GenerationRequest,
    Priority,
    Progress,
    Resumption,
)
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.grammars import byte_grammar
from tests.engine.scheduler_runs import Heard, add, ask, run, spelled, step
from tests.engine.scheduling.interruptions import (
    LONG,
    PLENTY,
    SHORT,
    batch,
    one_place,
    steps,
    two_places,
    urgent,
)
from tests.fakes import FakeRunner

PAIR = Constraint(kind="regex", text="[a-z]{9}, and then, [a-z]{9}\\.")


# --- whose place is taken ---------------------------------------------------------------------------------------------


def test_an_interactive_request_gets_the_place_of_a_batch_one_in_its_first_step() -> None:
    runner = two_places()
    scheduler = Scheduler(runner, ram_cache_bytes=PLENTY)
    for number in range(2):
        add(scheduler, batch([number, *LONG], request_id=f"batch {number}"))
    heard = steps(scheduler, 12)
    add(scheduler, urgent())
    heard.take(step(scheduler))
    running, waiting = scheduler.sequences()
    assert [sequence.request.request_id for sequence in running] == ["batch 0", "urgent"]
    assert [sequence.request.request_id for sequence in waiting] == ["batch 1"]  # it began last
    assert running[1].num_computed_tokens > 0
    run(scheduler, heard=heard)
    assert heard.text["urgent", 0] == spelled(SHORT, 15)
    for number in range(2):
        assert heard.text[f"batch {number}", 0] == spelled([number, *LONG], 40)
        assert heard.finished[f"batch {number}", 0].usage.num_preemptions == number
    metrics = scheduler.metrics()
    assert (metrics.num_preemptions, metrics.num_swaps_out, metrics.num_swaps_in) == (1, 1, 1)
    assert metrics.num_swaps_recomputed == 0
    assert runner.num_tokens_computed == 2 * (101 + 39) + 40 + 14  # nothing was read twice


def test_nobody_gives_way_to_its_like() -> None:
    scheduler = Scheduler(two_places(), ram_cache_bytes=PLENTY)
    for number in range(2):
        add(scheduler, ask([number, *LONG], request_id=f"first {number}", max_tokens=30))
    steps(scheduler, 10)
    add(scheduler, urgent())
    add(scheduler, batch())
    run(scheduler)
    assert scheduler.metrics().num_preemptions == 0


def test_as_many_give_way_as_the_cells_ask_for_and_none_in_vain() -> None:
    runner = FakeRunner(n_ctx=300, num_cells=300, num_sequences=4, n_batch=64)
    scheduler = Scheduler(runner, ram_cache_bytes=PLENTY)
    for number in range(2):
        add(scheduler, batch([number, *LONG], request_id=f"batch {number}", max_tokens=30))
    heard = steps(scheduler, 6)
    add(scheduler, ask(SHORT * 3, request_id="urgent", max_tokens=10))  # 130 cells; 300 - 2 * 131 are free
    heard.take(step(scheduler))
    assert [sequence.request.request_id for sequence in scheduler.sequences()[0]] == ["batch 0", "urgent"]
    add(scheduler, ask([1, *SHORT * 5], request_id="next", max_tokens=10))
    steps_before = scheduler.metrics().num_preemptions
    heard.take(step(scheduler))
    assert scheduler.metrics().num_preemptions - steps_before == 0  # without the last batch one it would not fit either
    run(scheduler, heard=heard)
    assert heard.text["urgent", 0] == spelled(SHORT * 3, 10)
    assert heard.text["next", 0] == spelled([1, *SHORT * 5], 10)
    assert {heard.text[f"batch {n}", 0] for n in range(2)} == {spelled([n, *LONG], 30) for n in range(2)}


# --- nothing but time is lost -----------------------------------------------------------------------------------------


def scored(request: GenerationRequest) -> GenerationRequest:
    sampling = msgspec.structs.replace(request.sampling, num_top_logprobs=2)
    return msgspec.structs.replace(request, sampling=sampling)


KINDS: dict[str, Callable[[], GenerationRequest]] = {
    "plain": batch,
    "two choices": lambda: msgspec.structs.replace(batch(), num_choices=2),
    "scored": lambda: scored(batch()),
    "scored prompt": lambda: msgspec.structs.replace(batch(), num_prompt_logprobs=1),
    "nothing shared": lambda: msgspec.structs.replace(batch(), cache_prompt=False),
    "stop string": lambda: msgspec.structs.replace(
        batch(), sampling=msgspec.structs.replace(batch().sampling, stop=(spelled(LONG, 30)[25:28],))
    ),
    "held": lambda: msgspec.structs.replace(batch(), constraint=PAIR),
    "deterministic": lambda: msgspec.structs.replace(batch(), is_deterministic=True),
}


def asked(scheduler: Scheduler, request: GenerationRequest, resumption: Resumption | None = None) -> None:
    grammar = byte_grammar(request.constraint) if request.constraint else None
    add(scheduler, request, resumption, grammar=grammar)


CASES = [
    (kind, layout)
    for kind in KINDS
    for layout in KVLayout
    if kind != "deterministic" or layout is KVLayout.STREAMS  # which is refused elsewhere
]


@pytest.mark.parametrize("num_steps", [2, 12], ids=["reading", "writing"])
@pytest.mark.parametrize("ram", [0, PLENTY], ids=["no RAM", "RAM"])
@pytest.mark.parametrize("memory_class", list(MemoryClass))
@pytest.mark.parametrize(("kind", "layout"), CASES)
def test_what_is_told_is_what_would_have_been_told(
    kind: str, layout: KVLayout, memory_class: MemoryClass, ram: int, num_steps: int
) -> None:
    request = KINDS[kind]()
    alone = Scheduler(two_places(layout, memory_class), ram_cache_bytes=ram)
    asked(alone, request)
    expected = run(alone)

    runner = two_places(layout, memory_class)
    scheduler = Scheduler(runner, ram_cache_bytes=ram, max_draft_tokens=4)
    asked(scheduler, batch([7, *LONG], request_id="other", max_tokens=45))
    asked(scheduler, request)
    heard = steps(scheduler, num_steps)
    for number in range(2):
        asked(scheduler, urgent(request_id=f"urgent {number}"))
    run(scheduler, heard=heard)

    ids = [key for key in expected.text if key[0] == "batch"]
    assert ids
    for key in ids:
        assert heard.text[key] == expected.text[key]
        assert heard.tokens[key] == expected.tokens[key]
        assert heard.logprobs[key] == expected.logprobs[key]
        assert heard.finished[key].reason is expected.finished[key].reason
        assert heard.finished[key].stop == expected.finished[key].stop
    assert heard.prompt_logprobs == expected.prompt_logprobs
    assert heard.finished["batch", 0].usage.num_preemptions == 1
    metrics = scheduler.metrics()
    assert metrics.num_preemptions == 2
    if num_steps == 12:  # earlier one of them has read nothing yet, or next to nothing
        assert (metrics.num_swaps_in, metrics.num_swaps_recomputed) == ((2, 0) if ram else (0, 2))
    assert (metrics.num_swaps_in > 0) == (ram > 0)
    scheduler.kv_cache.check()
    assert scheduler.kv_cache.snapshots.num_reserved_bytes == 0


# --- what its caller hears, and its time ------------------------------------------------------------------------------


def test_a_pause_is_told_and_nothing_else_until_it_goes_on() -> None:
    runner = one_place()
    scheduler = Scheduler(runner, ram_cache_bytes=PLENTY, clock=lambda: float(runner.num_decodes))
    add(scheduler, batch())
    steps(scheduler, 10)
    for number in range(2):
        add(scheduler, urgent(request_id=f"urgent {number}"))
    told = [event for event in step(scheduler) if isinstance(event, Progress)]
    assert [(event.request_id, event.is_paused) for event in told] == [("batch", True)]  # with the step that it misses
    while scheduler.has_work:
        told += [event for event in step(scheduler) if isinstance(event, Progress)]
    assert {event.request_id for event in told} == {"batch"}
    assert all(event.is_paused for event in told)  # not that it reads its prompt, or waits for its first place, again


def test_a_pause_is_nobodys_time() -> None:
    """It is paused for longer than a request may wait for its first place, and than an answer may take."""
    now = 0.0
    scheduler = Scheduler(one_place(), generation_s=10, queue_timeout_s=17, ram_cache_bytes=PLENTY, clock=lambda: now)
    add(scheduler, batch(max_tokens=30))
    heard = steps(scheduler, 10)
    now = 2.0
    for number in range(6):
        add(scheduler, urgent(request_id=f"urgent {number}", max_tokens=3))
    while ("urgent 5", 0) not in heard.finished:
        heard.take(step(scheduler))
        now += 1
    run(scheduler, heard=heard)
    finished = heard.finished["batch", 0]
    assert (finished.reason, finished.error) == (FinishReason.LENGTH, None)
    assert heard.text["batch", 0] == spelled(LONG, 30)  # not cut
    timings = finished.timings
    assert timings.swapped_ms > 17_000
    assert timings.queue_ms + timings.prefill_ms + timings.decode_ms + timings.swapped_ms == 1000 * now


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("layout", list(KVLayout))
def test_an_arrival_makes_no_more_give_way_than_there_are_places(layout: KVLayout, seed: int) -> None:
    """Also where cells are short, and whatever comes when: nobody gives way to and fro."""
    random = Random(seed)
    num_cells = 260 if layout is KVLayout.UNIFIED else None
    runner = FakeRunner(n_ctx=160, num_sequences=3, num_cells=num_cells, n_batch=32, layout=layout)
    scheduler = Scheduler(
        runner, ram_cache_bytes=random.choice([0, 900, PLENTY]), clock=lambda: 0.1 * runner.num_decodes
    )
    heard, wanted = Heard(), {}
    for number in range(24):
        prompt = [number, *LONG[: random.randrange(5, 90)]]
        length = random.randrange(1, 60)
        request = ask(prompt, request_id=str(number), max_tokens=length)
        priority = random.choice(list(Priority))
        add(scheduler, msgspec.structs.replace(request, priority=priority, user=random.choice("abc")))
        wanted[str(number), 0] = spelled(prompt, length)
        for _ in range(random.randrange(12)):
            heard.take(step(scheduler))
    run(scheduler, heard=heard)
    assert dict(heard.text) == wanted
    metrics = scheduler.metrics()
    assert metrics.num_preemptions <= 24 * 3
    assert sum(finished.usage.num_preemptions for finished in heard.finished.values()) == metrics.num_preemptions
    assert metrics.num_failed == 0
    assert scheduler.kv_cache.snapshots.num_reserved_bytes == 0


# --- llama.cpp finds no slot ------------------------------------------------------------------------------------------


def test_a_refused_step_is_halved_before_anybody_gives_way() -> None:
    runner = two_places()
    scheduler = Scheduler(runner)
    add(scheduler, ask([1, *LONG], request_id="a"))
    add(scheduler, ask([2, *LONG], request_id="b"))
    runner.refuse_slots = 2
    heard = run(scheduler)
    assert [sum(len(piece.tokens) for piece in pieces) for pieces in runner.batches[:2]] == [8, 32]
    assert scheduler.metrics().num_preemptions == 0
    assert heard.text["a", 0] == spelled([1, *LONG], 8)
    assert heard.text["b", 0] == spelled([2, *LONG], 8)


def test_who_can_be_halved_no_more_gives_way_and_only_who_is_alone_fails() -> None:
    runner = two_places()
    scheduler = Scheduler(runner, ram_cache_bytes=PLENTY)
    add(scheduler, ask(LONG, request_id="a", max_tokens=20))
    add(scheduler, batch([2, *LONG], max_tokens=20))
    heard = steps(scheduler, 10)
    runner.refuse_slots = 1  # one token each: there is nothing to halve
    heard.take(step(scheduler))
    assert [sequence.request.request_id for sequence in scheduler.sequences()[0]] == ["a"]
    assert run(scheduler, heard=heard).text == {("a", 0): spelled(LONG, 20), ("batch", 0): spelled([2, *LONG], 20)}
    add(scheduler, urgent())
    runner.refuse_slots = 10
    assert run(scheduler).finished["urgent", 0].reason is FinishReason.ERROR
