"""The scheduler's laws on FakeRunner, whose next token is a function of all tokens before it: one wrong cell, one
mixed-up row, one lost token, and the text differs."""

import random
from collections.abc import Callable

import msgspec
import pytest

from bdchat.engine.errors import ContextLengthExceeded, InvalidRequest, QueueFull
from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.engine.request import FinishReason, Resumption, SamplingParams
from bdchat.engine.scheduling.pace.promises import Promises
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import PROMPT, Heard, add, ask, run, spelled, step
from tests.fakes import EOS, FakeRunner, spell, spell_out


def test_an_answer_is_spelled_and_counted() -> None:
    scheduler = Scheduler(FakeRunner())
    accepted = add(scheduler, ask(PROMPT))
    assert accepted.prompt_tokens == tuple(PROMPT)
    heard = run(scheduler)
    assert heard.text["r", 0] == spelled(PROMPT, 8)
    finished = heard.finished["r", 0]
    assert finished.reason is FinishReason.LENGTH
    assert (finished.usage.num_prompt_tokens, finished.usage.num_cached_tokens) == (len(PROMPT), 0)
    assert finished.usage.num_completion_tokens == 8


def test_the_end_of_generation_stops() -> None:
    def next_token(tokens: object) -> int:
        length = len(tokens)  # type: ignore[arg-type]
        return EOS if length == len(PROMPT) + 3 else ord("x")

    scheduler = Scheduler(FakeRunner(next_token=next_token))
    add(scheduler, ask(PROMPT))
    heard = run(scheduler)
    assert heard.text["r", 0] == "xxx"
    assert heard.finished["r", 0].reason is FinishReason.STOP
    assert heard.finished["r", 0].usage.num_completion_tokens == 4  # the end is one: it was sampled
    assert heard.tokens["r", 0] == [ord("x")] * 3
    assert scheduler.metrics().tokens_generated == 4


def test_the_end_of_generation_is_scored_like_any_token() -> None:
    """lm-eval takes the last entry for the new token: without this one it lost the last token of the prompt."""
    scheduler = Scheduler(FakeRunner(next_token=lambda _: EOS))
    request = ask(PROMPT, max_tokens=1, num_prompt_logprobs=0)
    add(scheduler, msgspec.structs.replace(request, sampling=SamplingParams(max_tokens=1, num_top_logprobs=0)))
    heard = run(scheduler)
    (end,) = heard.logprobs["r", 0]
    assert (end.token_id, end.token_bytes, end.control_text) == (EOS, b"", "<eos>")
    assert (heard.text["r", 0], heard.tokens["r", 0]) == ("", [])
    assert len(heard.prompt_logprobs["r"].tokens) == len(PROMPT)
    assert heard.finished["r", 0].usage.num_completion_tokens == 1


def test_a_prompt_that_is_read_again_is_scored_once() -> None:
    runner = FakeRunner(n_batch=8)
    scheduler = Scheduler(runner)
    for request_id in ("first", "second"):
        add(scheduler, ask(PROMPT, request_id=request_id, num_prompt_logprobs=0, max_tokens=1))
    step(scheduler)
    runner.refuse_slots = 4  # its step is halved first, as often as that helps
    heard = run(scheduler)
    assert scheduler.metrics().num_preemptions == 1
    for request_id in ("first", "second"):
        assert [entry.token_id for entry in heard.prompt_logprobs[request_id].tokens] == PROMPT


def test_a_stop_string_ends_the_answer_and_never_shows() -> None:
    text = spelled(PROMPT, 20)
    scheduler = Scheduler(FakeRunner())
    add(scheduler, ask(PROMPT, max_tokens=20, stop=(text[5:8],)))
    heard = run(scheduler)
    assert heard.text["r", 0] == text[: text.index(text[5:8])]
    assert heard.finished["r", 0].stop == text[5:8]


def test_the_context_is_the_longest_answer() -> None:
    scheduler = Scheduler(FakeRunner(n_ctx=32))
    add(scheduler, ask(PROMPT, max_tokens=None))
    heard = run(scheduler)
    assert len(heard.tokens["r", 0]) == 32 - len(PROMPT)
    assert heard.finished["r", 0].reason is FinishReason.LENGTH


def test_what_cannot_be_run_is_refused_at_the_door() -> None:
    scheduler = Scheduler(FakeRunner(n_ctx=32, num_sequences=1), queue_limit=2)
    with pytest.raises(ContextLengthExceeded) as caught:
        add(scheduler, ask(list(range(32))))
    assert (caught.value.num_prompt_tokens, caught.value.n_ctx) == (32, 32)
    with pytest.raises(InvalidRequest, match="prompt"):
        add(scheduler, ask([]))
    for i in range(3):
        add(scheduler, ask(PROMPT, request_id=str(i)))
    with pytest.raises(QueueFull) as full:
        add(scheduler, ask(PROMPT, request_id="late"))
    assert full.value.retry_after_s >= 1
    assert len(run(scheduler).finished) == 3


def test_max_tokens_zero_computes_the_prompt_only() -> None:
    scheduler = Scheduler(FakeRunner())
    add(scheduler, ask(PROMPT, max_tokens=0, num_prompt_logprobs=0))
    heard = run(scheduler)
    assert heard.tokens["r", 0] == []
    assert [t.token_id for t in heard.prompt_logprobs["r"].tokens] == PROMPT
    assert heard.prompt_logprobs["r"].tokens[0].logprob is None
    assert all((t.logprob or 0) < 0 for t in heard.prompt_logprobs["r"].tokens[1:])


@pytest.mark.parametrize("layout", list(KVLayout))
def test_choices_share_one_prompt(layout: KVLayout) -> None:
    runner = FakeRunner(n_ctx=100, num_sequences=4, n_batch=16, layout=layout)
    scheduler = Scheduler(runner)
    prompt = [*PROMPT, *PROMPT, *PROMPT]
    add(scheduler, ask(prompt, n=3, max_tokens=4))
    heard = run(scheduler)
    assert [heard.text["r", i] for i in range(3)] == [spelled(prompt, 4)] * 3
    assert runner.num_tokens_computed == len(prompt) + 2 + 3 * 3


@pytest.mark.parametrize("layout", list(KVLayout))
def test_requests_arriving_together_compute_their_common_prefix_once(layout: KVLayout) -> None:
    """All miss at arrival: nothing is computed yet. They wait for the one that reads the prefix."""
    runner = FakeRunner(n_ctx=400, num_sequences=8, num_cells=3200, n_batch=32, layout=layout)
    scheduler = Scheduler(runner)
    prefix = [i % 251 for i in range(200)]
    for i in range(8):
        add(scheduler, ask([*prefix, 60 + i, 1, 2], request_id=str(i), max_tokens=2))
    heard = run(scheduler)
    assert len(heard.finished) == 8
    for i in range(8):
        assert heard.text[str(i), 0] == spelled([*prefix, 60 + i, 1, 2], 2)
    assert runner.num_tokens_computed == 200 + 8 * 3 + 8


def test_the_next_turn_computes_only_what_is_new() -> None:
    runner = FakeRunner(n_ctx=200, num_sequences=2)
    scheduler = Scheduler(runner)
    add(scheduler, ask(PROMPT, request_id="a", max_tokens=6))
    answer = run(scheduler).tokens["a", 0]
    before = runner.num_tokens_computed
    turn = [*PROMPT, *answer, *b" and then?"]
    add(scheduler, ask(turn, request_id="b", max_tokens=1))
    heard = run(scheduler)
    # The last sampled token was never computed, so it is computed with the new ones.
    assert runner.num_tokens_computed - before == len(b" and then?") + 1
    assert heard.finished["b", 0].usage.num_cached_tokens == len(PROMPT) + 5


def test_a_request_that_shares_nothing_is_told_so() -> None:
    runner = FakeRunner(n_ctx=200, num_sequences=2)
    scheduler = Scheduler(runner)
    for request_id in ("a", "b"):
        add(scheduler, ask(PROMPT, request_id=request_id, max_tokens=1, cache_prompt=False))
        assert run(scheduler).finished[request_id, 0].usage.num_cached_tokens == 0
    assert runner.num_tokens_computed == 2 * len(PROMPT)


def test_a_long_prompt_does_not_silence_running_answers() -> None:
    """Chunks within the target: every step that reads the prompt also carries every running answer."""
    runner = FakeRunner(n_ctx=4000, num_sequences=4, num_cells=8000, n_batch=512)
    scheduler = Scheduler(runner, promises=Promises(max_gap_ms=100))
    for i in range(3):
        add(scheduler, ask([*PROMPT, i], request_id=str(i), max_tokens=60))
    for _ in range(3):
        step(scheduler)
    add(scheduler, ask([i % 200 for i in range(2000)], request_id="long", max_tokens=1))
    run(scheduler)
    mixed = [batch for batch in runner.batches if any(len(s.tokens) > 1 for s in batch)][1:]
    assert all(sum(len(s.tokens) == 1 for s in batch) == 3 for batch in mixed[:10])


def test_in_streams_no_prompt_between_busy_ones_sits_a_step_out() -> None:
    """llama.cpp computes neighbouring streams in one pass; a live stream without a token in a step cut it in pieces.
    Those that lie behind all that are busy cut nothing."""
    runner = FakeRunner(n_ctx=2000, num_sequences=6, n_batch=512, layout=KVLayout.STREAMS, token_s=0.001)
    scheduler = Scheduler(runner, promises=Promises(max_gap_ms=30))
    for i in range(4):
        add(scheduler, ask([*PROMPT, i], request_id=str(i), max_tokens=200 if i in (0, 3) else 3))
    while scheduler.metrics().num_running != 2 or scheduler.num_waiting:
        step(scheduler)
    for i in range(4):
        add(scheduler, ask([100 + i] * (1900 - i), request_id=f"long{i}", max_tokens=1))
    for _ in range(5):
        step(scheduler)
        computed = {s.seq_id: len(s.tokens) for s in runner.batches[-1]}
        assert len(computed) < 6
        assert sorted(computed) == list(range(max(computed) + 1))
        assert sorted(computed.values())[:-1] == [1] * (len(computed) - 1)  # one reads on


def test_in_streams_a_step_is_in_their_order_also_when_a_latecomer_has_an_earlier_one() -> None:
    """The runner had to copy the logits into the order that was asked for."""
    runner = FakeRunner(n_ctx=200, num_sequences=3, layout=KVLayout.STREAMS)
    scheduler = Scheduler(runner)
    for i in range(3):
        add(scheduler, ask([*PROMPT, i], request_id=str(i), max_tokens=100))
    for _ in range(3):
        step(scheduler)
    scheduler.cancel("0")
    add(scheduler, ask([9, 8, 7], request_id="late", max_tokens=100))
    for _ in range(3):
        step(scheduler)
    assert [s.request.request_id for s in scheduler.sequences()[0]] == ["1", "2", "late"]
    assert [s.seq_id for s in runner.batches[-1]] == [0, 1, 2]


def test_cancelling_frees_the_place_and_keeps_the_cells_as_cache() -> None:
    runner = FakeRunner(n_ctx=200, num_sequences=1)
    scheduler = Scheduler(runner)
    add(scheduler, ask(PROMPT, request_id="gone", max_tokens=100))
    add(scheduler, ask([*PROMPT, 5], request_id="next", max_tokens=2))
    for _ in range(4):
        step(scheduler)
    scheduler.cancel("gone")
    heard = run(scheduler)
    assert heard.finished["gone", 0].reason is FinishReason.CANCELLED
    assert heard.finished["next", 0].usage.num_cached_tokens == len(PROMPT)
    scheduler.cancel("nobody")


def test_a_cancelled_waiting_request_never_runs() -> None:
    runner = FakeRunner(n_ctx=200, num_sequences=1)
    scheduler = Scheduler(runner)
    add(scheduler, ask(PROMPT, request_id="a"))
    add(scheduler, ask([1, 2, 3], request_id="b"))
    scheduler.cancel("b")
    heard = run(scheduler)
    assert heard.finished["b", 0].reason is FinishReason.CANCELLED
    assert not heard.tokens["b", 0]


def test_a_refused_batch_fails_its_own_sequences_only() -> None:
    runner = FakeRunner(n_ctx=100, num_sequences=2)
    scheduler = Scheduler(runner)
    add(scheduler, ask(PROMPT, request_id="a"))
    step(scheduler)
    runner.fail_decodes = 1
    add(scheduler, ask([9, 9, 9], request_id="waiting"))
    add(scheduler, ask([8, 8, 8], request_id="behind"))
    heard = run(scheduler)
    assert heard.finished["a", 0].reason is FinishReason.ERROR
    assert heard.finished["behind", 0].reason is FinishReason.LENGTH
    assert heard.text["behind", 0] == spelled([8, 8, 8], 8)


def test_no_slot_is_answered_by_waiting_not_by_failing() -> None:
    runner = FakeRunner(n_ctx=100, num_sequences=3, num_cells=300)
    scheduler = Scheduler(runner)
    for i in range(3):
        add(scheduler, ask([*PROMPT, i], request_id=str(i)))
    heard = Heard()
    heard.take(step(scheduler))
    runner.refuse_slots = 2
    run(scheduler, heard=heard)
    for i in range(3):
        assert heard.text[str(i), 0] == spelled([*PROMPT, i], 8)
        assert heard.finished[str(i), 0].reason is FinishReason.LENGTH


def test_an_answer_goes_on_after_the_engine_died() -> None:
    whole = spell_out(PROMPT, 10)
    scheduler = Scheduler(FakeRunner())
    resumption = Resumption(
        prompt_tokens=tuple(PROMPT),
        seed=1,
        choice_tokens=(tuple(whole[:4]),),
        num_chars_sent=(3,),
        finished=(False,),
    )
    add(scheduler, ask(PROMPT, max_tokens=10), resumption)
    heard = run(scheduler)
    assert heard.text["r", 0] == bytes(whole[3:]).decode()
    assert heard.tokens["r", 0] == whole[4:]
    assert heard.finished["r", 0].usage.num_completion_tokens == 10


def test_an_answer_whose_stop_string_had_come_ends_with_it_when_it_goes_on() -> None:
    """The engine died, or its server, after the last token and before its end was told: what came next asserted."""
    whole = spell_out(PROMPT, 10)
    text = bytes(whole).decode()
    scheduler = Scheduler(FakeRunner())
    resumption = Resumption(
        prompt_tokens=tuple(PROMPT), seed=1, choice_tokens=(tuple(whole[:6]),), num_chars_sent=(2,), finished=(False,)
    )
    add(scheduler, ask(PROMPT, max_tokens=10, stop=(text[4:6],)), resumption)
    heard = run(scheduler)
    assert heard.text["r", 0] == text[2:4]
    assert (heard.finished["r", 0].reason, heard.finished["r", 0].stop) == (FinishReason.STOP, text[4:6])


def test_a_finished_choice_is_not_resumed() -> None:
    scheduler = Scheduler(FakeRunner())
    resumption = Resumption(
        prompt_tokens=tuple(PROMPT), seed=1, choice_tokens=((), (1,)), num_chars_sent=(0, 1), finished=(False, True)
    )
    add(scheduler, ask(PROMPT, n=2), resumption)
    assert list(run(scheduler).finished) == [("r", 0)]


def test_fail_all_ends_everything_and_leaves_a_working_scheduler() -> None:
    scheduler = Scheduler(FakeRunner(num_sequences=1))
    add(scheduler, ask(PROMPT, request_id="a"))
    add(scheduler, ask(PROMPT, request_id="b"))
    step(scheduler)
    heard = Heard()
    heard.take(scheduler.fail_all("broken"))
    assert {f.reason for f in heard.finished.values()} == {FinishReason.ERROR}
    assert not scheduler.has_work
    add(scheduler, ask(PROMPT, request_id="c"))
    assert run(scheduler).text["c", 0] == spelled(PROMPT, 8)


def test_totals_add_up() -> None:
    runner = FakeRunner(n_ctx=200, num_sequences=2)
    scheduler = Scheduler(runner)
    for request_id in ("a", "b"):
        add(scheduler, ask(PROMPT, request_id=request_id, max_tokens=5))
        run(scheduler)
    metrics = scheduler.metrics()
    assert metrics.prompt_tokens_computed + metrics.prompt_tokens_cached == 2 * len(PROMPT)
    assert metrics.tokens_generated == 10
    assert metrics.num_requests == 2
    assert metrics.num_batched_tokens == runner.num_tokens_computed
    assert metrics.num_cells == runner.num_used_cells


@pytest.mark.parametrize("layout", list(KVLayout))
@pytest.mark.parametrize("seed", range(150))
def test_greedy_batched_equals_greedy_alone(seed: int, layout: KVLayout) -> None:
    """The golden law, in random histories: arrivals, shared prefixes, n choices, cancellations, scarce cells, refused
    slots, RAM tier or none. Every answer is what it would have been alone; nothing is left behind."""
    rng = random.Random(seed)
    runner = FakeRunner(
        n_ctx=rng.choice([48, 90]),
        num_sequences=rng.randrange(1, 5),
        num_ids=5,
        n_batch=rng.choice([16, 40]),
        layout=layout,
        memory_class=rng.choice([MemoryClass.DENSE, MemoryClass.DENSE, MemoryClass.RECURRENT]),
    )
    scheduler = Scheduler(runner, ram_cache_bytes=rng.choice([0, 1000, 100_000]), queue_limit=1000)
    asked: dict[str, tuple[list[int], int, int]] = {}
    heard = Heard()
    cancelled: set[str] = set()
    for number in range(rng.randrange(1, 14)):
        base = rng.choice([[], *[[*p, *heard.tokens[r, 0]] for r, (p, _, _) in asked.items()]])
        tail = [rng.randrange(97, 100) for _ in range(rng.randrange(1, 20))]
        prompt = ([*base[: rng.randrange(len(base) + 1)], *tail])[-(runner.info.n_ctx - 10) :]
        request_id, n, max_tokens = str(number), rng.choice([1, 1, 1, 2]), rng.randrange(1, 12)
        add(scheduler, ask(prompt, request_id=request_id, n=n, max_tokens=max_tokens))
        asked[request_id] = (prompt, n, max_tokens)
        runner.refuse_slots = rng.choice([0, 0, 0, 1])
        for _ in range(rng.randrange(6)):
            heard.take(step(scheduler))
        if rng.random() < 0.15:
            victim = rng.choice(list(asked))
            scheduler.cancel(victim)
            cancelled.add(victim)
    run(scheduler, heard=heard)
    for request_id, (prompt, n, max_tokens) in asked.items():
        alone = spelled(prompt, min(max_tokens, runner.info.n_ctx - len(prompt)))
        for index in range(n):
            finished = heard.finished[request_id, index]
            if finished.reason is FinishReason.CANCELLED:
                assert request_id in cancelled
                assert alone.startswith(heard.text[request_id, index])
            elif finished.reason is FinishReason.ERROR:
                assert finished.message is not None
                assert "no room" in finished.message
            else:
                assert heard.text[request_id, index] == alone
    assert scheduler.metrics().num_running == 0


def test_spell_depends_on_every_token() -> None:
    changed: Callable[[int], list[int]] = lambda i: [*PROMPT[:i], PROMPT[i] + 1, *PROMPT[i + 1 :]]  # noqa: E731
    assert sum(spell(changed(i)) != spell(PROMPT) for i in range(len(PROMPT))) >= len(PROMPT) - 2
