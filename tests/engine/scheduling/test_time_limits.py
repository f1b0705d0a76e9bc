"""Nobody waits for a place, or keeps one, for ever."""

import msgspec

from bdchat.engine.request import FinishReason, Priority, Resumption
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import PROMPT, Heard, add, ask, run, spelled, step
from tests.fakes import FakeRunner, spell_out


def test_waiting_too_long_is_said() -> None:
    now = 0.0
    scheduler = Scheduler(FakeRunner(num_sequences=1), queue_timeout_s=60, clock=lambda: now)
    add(scheduler, ask(PROMPT, request_id="a", max_tokens=30))
    add(scheduler, ask(PROMPT, request_id="b"))
    step(scheduler)
    now = 61.0
    heard = run(scheduler)
    assert heard.finished["b", 0].reason is FinishReason.ERROR
    assert heard.finished["b", 0].error == "QueueTimeout"
    assert heard.finished["a", 0].reason is FinishReason.LENGTH


def test_a_batch_request_waits_ten_times_as_long() -> None:
    now = 0.0
    scheduler = Scheduler(FakeRunner(num_sequences=1), queue_timeout_s=60, clock=lambda: now)
    add(scheduler, ask(PROMPT, request_id="a", max_tokens=None))
    step(scheduler)
    for name, priority in (("batch", Priority.BATCH), ("late", Priority.INTERACTIVE)):
        add(scheduler, msgspec.structs.replace(ask(PROMPT, request_id=name), priority=priority))
    heard = Heard()
    for now, ended in ((61.0, {"late"}), (599.0, {"late"}), (601.0, {"late", "batch"})):  # noqa: B007
        heard.take(step(scheduler))
        assert {request_id for request_id, _ in heard.finished if request_id != "a"} == ended


def test_an_answer_that_takes_too_long_ends_as_length_with_its_text() -> None:
    now = 0.0
    scheduler = Scheduler(FakeRunner(), generation_s=10, clock=lambda: now)
    add(scheduler, ask(PROMPT, request_id="a", max_tokens=None))
    heard = Heard()
    for now in (1.0, 9.0, 12.0):  # noqa: B007  # the scheduler's clock reads it
        heard.take(step(scheduler))
    assert heard.finished["a", 0].reason is FinishReason.LENGTH
    assert heard.text["a", 0] == spelled(PROMPT, 2)
    assert not scheduler.has_work


def test_what_an_answer_took_before_the_engine_died_counts() -> None:
    now = 0.0
    scheduler = Scheduler(FakeRunner(), generation_s=10, clock=lambda: now)
    whole = spell_out(PROMPT, 3)
    resumption = Resumption(
        prompt_tokens=(),
        seed=1,
        choice_tokens=(tuple(whole),),
        num_chars_sent=(2,),
        finished=(False,),
        seconds_spent=9.0,
    )
    add(scheduler, ask(PROMPT, max_tokens=None), resumption)
    heard = Heard()
    for now in (0.0, 2.0):  # noqa: B007  # the scheduler's clock reads it
        heard.take(step(scheduler))
    assert heard.finished["r", 0].reason is FinishReason.LENGTH
    assert heard.tokens["r", 0] == spell_out(PROMPT, 4)[3:]
