"""Models that can't be cut back read again what is new, and little else."""

import msgspec
import pytest

from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import add, ask, run, spelled
from tests.fakes import EOS, FakeRunner

SYSTEM = [*b"be brief, be kind, be right, and say so" * 2, EOS]


def make(
    layout: KVLayout = KVLayout.UNIFIED,
    *,
    memory_class: MemoryClass = MemoryClass.RECURRENT,
    ram_cache_bytes: int = 1 << 20,
) -> tuple[Scheduler, FakeRunner]:
    runner = FakeRunner(
        n_ctx=2000, num_sequences=4, n_batch=64, layout=layout, num_cells=8000, memory_class=memory_class
    )
    return Scheduler(runner, ram_cache_bytes=ram_cache_bytes), runner


def answer(scheduler: Scheduler, prompt: list[int], *, max_tokens: int = 30) -> str:
    add(scheduler, ask(prompt, max_tokens=max_tokens))
    return run(scheduler).text["r", 0]


def message(text: bytes) -> list[int]:
    return [*text, EOS]


KINDS = pytest.mark.parametrize(
    ("layout", "memory_class"),
    [
        (KVLayout.UNIFIED, MemoryClass.RECURRENT),
        (KVLayout.STREAMS, MemoryClass.RECURRENT),
        (KVLayout.UNIFIED, MemoryClass.SWA),
    ],
)


@KINDS
def test_a_turn_reads_what_is_new_although_answers_come_back_otherwise(
    layout: KVLayout, memory_class: MemoryClass
) -> None:
    """A thought is left out of the next prompt, a blank is cut off: the sequence that holds the answer is of no use."""
    scheduler, runner = make(layout, memory_class=memory_class)
    prompt, num_new = list(SYSTEM), len(SYSTEM)
    for turn in range(6):
        question = message(b"question %d of somebody who asks on and on" % turn)
        prompt += question
        num_new += len(question)
        before = runner.num_tokens_computed
        text = answer(scheduler, [*prompt, ord(">")])
        assert text == spelled([*prompt, ord(">")], 30)
        num_read = runner.num_tokens_computed - before - 30
        assert num_read <= 1.1 * num_new + 1, turn
        prompt += message(text.strip()[:20].encode())
        num_new = 21
    scheduler.kv_cache.check()


@KINDS
def test_a_regenerated_answer_and_an_edited_question_read_no_old_message(
    layout: KVLayout, memory_class: MemoryClass
) -> None:
    scheduler, runner = make(layout, memory_class=memory_class)
    first = [*SYSTEM, *message(b"one question, and its answer") * 3]
    last = message(b"what does it say?")
    answer(scheduler, [*first, *last, ord(">")], max_tokens=40)
    for question in (last, message(b"no, what does it mean?")):
        before = runner.num_tokens_computed
        prompt = [*first, *question, ord(">")]
        assert answer(scheduler, prompt) == spelled(prompt, 30)
        assert runner.num_tokens_computed - before - 30 <= len(question) + 1


def test_a_chat_that_lost_its_cells_comes_back_from_its_checkpoint() -> None:
    scheduler, runner = make()
    prompt = [*SYSTEM, *message(b"first"), ord(">")]
    answer(scheduler, prompt)
    for number in range(8):  # others take every place and every cell
        answer(scheduler, [number] * 300, max_tokens=1)
    before = runner.num_tokens_computed
    assert answer(scheduler, prompt) == spelled(prompt, 30)
    assert runner.num_tokens_computed - before - 30 <= 2


def test_without_room_for_them_everything_is_read_again() -> None:
    scheduler, runner = make(ram_cache_bytes=0)
    prompt = [*SYSTEM, ord(">")]
    for _ in range(2):
        before = runner.num_tokens_computed
        assert answer(scheduler, prompt) == spelled(prompt, 30)
        assert runner.num_tokens_computed - before >= len(prompt)
    assert len(scheduler.kv_cache.checkpoints) == 0


def test_what_is_deleted_leaves_no_checkpoint() -> None:
    scheduler, runner = make()
    request = ask([*SYSTEM, ord(">")])
    add(scheduler, msgspec.structs.replace(request, cache_tag="chat"))
    run(scheduler)
    assert len(scheduler.kv_cache.checkpoints)
    scheduler.kv_cache.forget("chat")
    assert len(scheduler.kv_cache.checkpoints) == 0
    before = runner.num_tokens_computed
    answer(scheduler, [*SYSTEM, ord(">")])
    assert runner.num_tokens_computed - before >= len(SYSTEM)
