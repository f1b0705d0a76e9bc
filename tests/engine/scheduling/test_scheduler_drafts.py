"""Guessed tokens: the answer is the one that would have been written without them, in fewer steps."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from bdchat.engine.drafting.lengths import MIN_SPEED
from bdchat.engine.kv.plan import KVPlan
from bdchat.engine.llama.runner import LlamaRunner
from bdchat.engine.model_runner import KVLayout, MemoryClass, Slice
from bdchat.engine.request import FinishReason
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.settings import EngineSettings
from tests.engine.scheduler_runs import PROMPT, add, ask, run
from tests.fakes import EOS, FakeRunner, spell

STEP_S, TOKEN_S = 0.01, 0.0005  # a checked guess costs a twentieth of a step
PHRASE = b"the cat sat on the mat; "


def rote(tokens: Sequence[int]) -> int:
    """One phrase again and again, with a slip at every fiftieth place: some guesses are right, some wrong."""
    return spell(tokens) if len(tokens) % 50 == 49 else PHRASE[len(tokens) % len(PHRASE)]


def answer(
    next_token: Callable[[Sequence[int]], int], *, max_draft_tokens: int, n_ctx: int = 400, **options: object
) -> tuple[FakeRunner, Scheduler, str]:
    runner = FakeRunner(n_ctx=n_ctx, n_batch=64, next_token=next_token, step_s=STEP_S, token_s=TOKEN_S, **options)  # type: ignore[arg-type]
    scheduler = Scheduler(runner, max_draft_tokens=max_draft_tokens)
    add(scheduler, ask(PROMPT, max_tokens=300))
    heard = run(scheduler)
    scheduler.kv_cache.check()
    num_end_tokens = heard.finished["r", 0].reason is FinishReason.STOP
    assert heard.finished["r", 0].usage.num_completion_tokens == len(heard.tokens["r", 0]) + num_end_tokens
    return runner, scheduler, heard.text["r", 0]


@pytest.mark.parametrize("layout", list(KVLayout))
@pytest.mark.parametrize("max_draft_tokens", [1, 3, 8])
def test_the_same_text_in_fewer_steps(layout: KVLayout, max_draft_tokens: int) -> None:
    plain, _, expected = answer(rote, max_draft_tokens=0, layout=layout)
    drafting, scheduler, text = answer(rote, max_draft_tokens=max_draft_tokens, layout=layout)
    assert text == expected
    assert drafting.num_decodes < 0.75 * plain.num_decodes
    metrics = scheduler.metrics()
    assert 0 < metrics.num_tokens_accepted < metrics.num_tokens_drafted
    assert metrics.tokens_generated == 300


def test_text_that_never_repeats_is_not_guessed() -> None:
    plain, _, expected = answer(spell, max_draft_tokens=0)
    drafting, _, text = answer(spell, max_draft_tokens=8)
    assert text == expected
    assert drafting.num_tokens_computed <= 1.1 * plain.num_tokens_computed


def test_an_end_within_a_guess_ends_the_answer_there() -> None:
    def until_120(tokens: Sequence[int]) -> int:
        return EOS if len(tokens) == 120 else rote(tokens)

    _, _, expected = answer(until_120, max_draft_tokens=0)
    _, scheduler, text = answer(until_120, max_draft_tokens=8)
    assert text == expected
    assert scheduler.metrics().num_tokens_accepted > 0


def test_a_stop_string_within_a_guess_ends_the_answer_there() -> None:
    runner = FakeRunner(n_ctx=400, n_batch=64, next_token=rote, step_s=STEP_S, token_s=TOKEN_S)
    scheduler = Scheduler(runner, max_draft_tokens=8)
    first = add(scheduler, ask(PROMPT, max_tokens=300, stop=("mat; the cat sat on the mat; the cat sat on the mat",)))
    heard = run(scheduler)
    assert heard.finished[first.request_id, 0].reason is FinishReason.STOP
    assert scheduler.metrics().num_tokens_accepted > 0
    scheduler.kv_cache.check()


def test_guesses_never_pass_max_tokens_or_the_context() -> None:
    runner, _, text = answer(rote, max_draft_tokens=8, n_ctx=100)
    assert len(text) == 100 - len(PROMPT)
    assert max(piece.start + len(piece.tokens) for batch in runner.batches for piece in batch) <= 100


def beside(
    num_streams: int, layout: KVLayout, *, max_draft_tokens: int, quoting: int
) -> tuple[FakeRunner, Scheduler, dict[str, str]]:
    """`quoting` streams write the phrase, the others what never repeats."""

    def next_token(tokens: Sequence[int]) -> int:
        return rote(tokens) if tokens[len(PROMPT)] < ord("a") + quoting else spell(tokens)

    runner = FakeRunner(
        n_ctx=400, num_cells=400 * num_streams, num_sequences=num_streams, n_batch=64, layout=layout,
        next_token=next_token, step_s=STEP_S, token_s=TOKEN_S,
    )  # fmt: skip
    runner.n_outputs_max = num_streams + 32
    scheduler = Scheduler(runner, max_draft_tokens=max_draft_tokens)
    names = "abcdefgh"[:num_streams]
    for name in names:
        add(scheduler, ask([*PROMPT, ord(name)], request_id=name, max_tokens=150))
    heard = run(scheduler)
    scheduler.kv_cache.check()
    return runner, scheduler, {name: heard.text[name, 0] for name in names}


@pytest.mark.parametrize("layout", list(KVLayout))
@pytest.mark.parametrize(("num_streams", "quoting"), [(2, 2), (4, 4), (5, 5)])
def test_beside_others_each_has_the_same_text_in_fewer_steps(layout: KVLayout, num_streams: int, quoting: int) -> None:
    plain, _, expected = beside(num_streams, layout, max_draft_tokens=0, quoting=quoting)
    drafting, scheduler, texts = beside(num_streams, layout, max_draft_tokens=8, quoting=quoting)
    assert texts == expected
    assert drafting.decode_seconds < 0.8 * plain.decode_seconds
    metrics = scheduler.metrics()
    assert 0 < metrics.num_tokens_accepted < metrics.num_tokens_drafted
    if layout is KVLayout.STREAMS:  # unlike lengths would be passes of their own
        assert all(len({len(piece.tokens) for piece in batch}) == 1 for batch in drafting.batches[2 * num_streams :])


@pytest.mark.parametrize("layout", list(KVLayout))
def test_one_that_guesses_nothing_beside_others_is_hardly_slowed_and_what_fills_it_up_is_no_guess(
    layout: KVLayout,
) -> None:
    plain, _, expected = beside(4, layout, max_draft_tokens=0, quoting=3)
    drafting, scheduler, texts = beside(4, layout, max_draft_tokens=8, quoting=3)
    assert texts == expected
    assert drafting.decode_seconds < plain.decode_seconds / MIN_SPEED  # its own answer's time
    metrics = scheduler.metrics()
    assert metrics.num_tokens_accepted > 0.7 * metrics.num_tokens_drafted


def test_nothing_is_guessed_beside_many_or_where_it_could_not_be_cut_off() -> None:
    _, many, _ = beside(6, KVLayout.UNIFIED, max_draft_tokens=8, quoting=6)
    assert many.metrics().num_tokens_drafted == 0
    _, recurrent, _ = answer(rote, max_draft_tokens=8, memory_class=MemoryClass.RECURRENT)
    assert recurrent.metrics().num_tokens_drafted == 0


def test_an_account_is_guessed_from_its_own_recent_answers_and_from_no_others() -> None:
    """The same answer a second time, without a word of it in the prompt: in fewer steps for its account alone."""

    def asked(scheduler: Scheduler, runner: FakeRunner, account: str, *, cache_prompt: bool = True) -> int:
        before = runner.num_decodes
        request = ask(PROMPT, request_id=f"{account}{before}", max_tokens=100, cache_prompt=cache_prompt)
        add(scheduler, msgspec.structs.replace(request, account=account, cache_tag="chat"))
        run(scheduler)
        return runner.num_decodes - before

    runner = FakeRunner(n_ctx=400, n_batch=64, next_token=spell, step_s=STEP_S, token_s=TOKEN_S)
    scheduler = Scheduler(runner, max_draft_tokens=8, draft_memory_tokens=1000)
    first = asked(scheduler, runner, "ann")
    assert asked(scheduler, runner, "bob") > 0.9 * first
    assert asked(scheduler, runner, "") > 0.9 * first
    assert asked(scheduler, runner, "ann") < 0.5 * first
    assert scheduler.metrics().num_recent_tokens_accepted > 50
    assert asked(scheduler, runner, "ann", cache_prompt=False) > 0.9 * first
    scheduler.drafts.recent.forget("chat")
    assert asked(scheduler, runner, "ann") > 0.9 * first


def test_where_cells_are_short_the_guess_is_left_out() -> None:
    runner, scheduler, text = answer(rote, max_draft_tokens=8, n_ctx=400, num_cells=len(PROMPT) + 120)
    assert runner.num_used_cells <= len(PROMPT) + 120
    assert len(text) >= 119
    assert scheduler.metrics().num_preemptions == 0


def test_a_runner_that_cannot_cut_computes_again() -> None:
    class Stubborn(FakeRunner):
        def truncate(self, seq_id: int, num_tokens: int) -> bool:
            super().truncate(seq_id, 0 if num_tokens < len(self.tokens(seq_id)) else num_tokens)
            return num_tokens in (0, len(self.tokens(seq_id)))

    runner = Stubborn(n_ctx=400, n_batch=64, next_token=rote, step_s=STEP_S, token_s=TOKEN_S)
    scheduler = Scheduler(runner, max_draft_tokens=8)
    add(scheduler, ask(PROMPT, max_tokens=150))
    heard = run(scheduler)
    _, _, expected = answer(rote, max_draft_tokens=0)
    assert heard.text["r", 0] == expected[:150]


@pytest.mark.gguf
@pytest.mark.parametrize("layout", list(KVLayout))
def test_a_real_model_writes_with_guesses_what_it_would_have_chosen_itself(
    default_model_path: Path, layout: KVLayout
) -> None:
    """Not compared with a second run: kernels round differently by batch shape. Every token must be (nearly) the best
    by logits that are computed afterwards in one plain pass."""
    settings = EngineSettings(n_ctx=512, max_sequences=2, n_threads=1)
    prompt = [504, 2365, 6354, 1690, 2040, 260, 3528, 1767, 30, 533, 1181, 253] * 8
    with LlamaRunner.open(default_model_path, "m", settings, plan=KVPlan(layout, "f16", False)) as runner:
        scheduler = Scheduler(runner, max_draft_tokens=8, cost=StepCost(decode_base_ms=50, prefill_ms_per_token=0.1))
        add(scheduler, ask(prompt, max_tokens=60))
        heard = run(scheduler)
        metrics = scheduler.metrics()
        assert metrics.num_tokens_accepted >= 10
        assert metrics.num_steps < 60
        written = heard.tokens["r", 0]
        whole = [*prompt, *written]
        assert runner.truncate(0, 0)
        rows = [runner.decode([Slice(0, place, [token], 1)]).copy()[0] for place, token in enumerate(whole[:-1])]
        for token, row in zip(written, rows[len(prompt) - 1 :], strict=True):
            assert row[token] > row.max() - 1.0
