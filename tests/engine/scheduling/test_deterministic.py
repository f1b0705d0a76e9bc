"""A deterministic request is computed in the same pieces, whatever was cached, whoever runs beside it, however often it
was put off or cut; with a real model its logits are then the same to the last bit."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.kv.plan import KVPlan
from bdchat.engine.llama.runner import LlamaRunner
from bdchat.engine.model_runner import KVLayout
from bdchat.engine.request import GenerationRequest, Resumption, TokenLogprob
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.scheduling.step_plan import REPEATABLE_CHUNK
from bdchat.settings import EngineSettings
from tests.engine.scheduler_runs import Heard, add, ask, run, step
from tests.fakes import FakeRunner

LONG = list(b"a question that is long enough to be read in pieces. " * 12)
NEW = 12


def asked(prompt: list[int] = LONG, *, request_id: str = "r") -> GenerationRequest:
    request = ask(prompt, request_id=request_id, max_tokens=NEW)
    sampling = msgspec.structs.replace(request.sampling, num_top_logprobs=3)
    return msgspec.structs.replace(request, is_deterministic=True, sampling=sampling)


def runner() -> FakeRunner:
    return FakeRunner(n_ctx=1024, n_batch=64, layout=KVLayout.STREAMS)


def pieces(fake: FakeRunner, seq_id: int = 0) -> list[tuple[int, int]]:
    """Where each of its steps began and how many tokens it had; it was alone in each."""
    own = [batch for batch in fake.batches if any(piece.is_repeatable for piece in batch)]
    assert all(len(batch) == 1 for batch in own)
    return [(batch[0].start, len(batch[0].tokens)) for batch in own]


def cold() -> list[tuple[int, int]]:
    fake = runner()
    scheduler = Scheduler(fake)
    add(scheduler, asked())
    run(scheduler)
    return pieces(fake)


def test_its_prompt_is_cut_at_fixed_places_and_its_answer_token_by_token() -> None:
    starts = list(range(0, len(LONG), 64))
    prompt = [(start, min(64, len(LONG) - start)) for start in starts]
    assert cold() == prompt + [(len(LONG) + n, 1) for n in range(NEW - 1)]


def test_nothing_that_is_cached_is_reused() -> None:
    fake = runner()
    scheduler = Scheduler(fake)
    add(scheduler, ask(LONG, request_id="warm"))
    run(scheduler)
    add(scheduler, asked())
    heard = run(scheduler)
    assert pieces(fake) == cold()
    assert heard.finished["r", 0].usage.num_cached_tokens == 0


def test_it_shares_no_step_and_takes_turns_with_those_who_do() -> None:
    fake = runner()
    scheduler = Scheduler(fake, max_draft_tokens=8)
    for name in ("a", "b"):
        add(scheduler, ask([*LONG, ord(name)], request_id=name, max_tokens=40))
    for _ in range(5):
        step(scheduler)
    before = len(fake.batches)
    add(scheduler, asked())
    heard = run(scheduler)
    assert pieces(fake) == cold()
    kinds = [batch[0].is_repeatable for batch in fake.batches[before : before + 20]]
    assert kinds.count(True) == 10  # every other step
    assert {"a", "b", "r"} == {request_id for request_id, _ in heard.finished}


def test_one_that_goes_on_after_a_crash_computes_its_answer_token_by_token() -> None:
    first = Scheduler(runner())
    accepted = add(first, asked())
    whole = run(first).tokens["r", 0]
    fake = runner()
    scheduler = Scheduler(fake)
    resumption = Resumption(
        prompt_tokens=accepted.prompt_tokens,
        seed=accepted.seed,
        choice_tokens=(tuple(whole[:5]),),
        num_chars_sent=(5,),
        finished=(False,),
    )
    add(scheduler, asked(), resumption)
    heard = run(scheduler)
    assert pieces(fake) == cold()
    assert heard.tokens["r", 0] == whole[5:]


def test_without_a_seed_it_has_the_same_one_each_time() -> None:
    seeds = {add(Scheduler(runner()), asked()).seed for _ in range(3)}
    assert len(seeds) == 1


def test_where_all_cells_are_one_pool_it_is_refused_with_the_setting_that_helps() -> None:
    scheduler = Scheduler(FakeRunner(n_ctx=1024, layout=KVLayout.UNIFIED))
    with pytest.raises(InvalidRequest, match="kv_layout = streams"):
        add(scheduler, asked())


def test_a_server_may_make_all_requests_deterministic() -> None:
    fake = runner()
    scheduler = Scheduler(fake, is_deterministic=True)
    add(scheduler, ask(LONG, max_tokens=NEW))
    run(scheduler)
    assert pieces(fake) == cold()
    assert EngineSettings(deterministic=True).wanted_layout == "streams"
    with pytest.raises(ValueError, match="kv_layout"):
        EngineSettings(deterministic=True, kv_layout="unified")


# --- the default model ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[False, True], ids=["plain attention", "flash attention"])
def real(request: pytest.FixtureRequest, default_model_path: Path) -> Iterator[LlamaRunner]:
    settings = EngineSettings(n_ctx=1024, max_sequences=4, n_threads=1)
    plan = KVPlan(KVLayout.STREAMS, "f16", flash_attention=request.param)
    with LlamaRunner.open(default_model_path, "m", settings, plan=plan) as opened:
        yield opened


def emptied(real: LlamaRunner) -> LlamaRunner:
    for seq_id in range(real.num_sequences):
        real.truncate(seq_id, 0)
    return real


def said(heard: Heard, request_id: str = "r") -> list[TokenLogprob]:
    return heard.logprobs[request_id, 0]


@pytest.mark.gguf
def test_the_default_model_says_the_same_to_the_last_bit(real: LlamaRunner) -> None:
    prompt = [40 + (7 * n) % 900 for n in range(REPEATABLE_CHUNK + 15)]
    alone = Scheduler(emptied(real))
    accepted = add(alone, asked(prompt))
    expected = said(run(alone))
    assert len(expected) == NEW

    beside = Scheduler(emptied(real), max_draft_tokens=8)
    add(beside, ask(prompt[:200], request_id="a", max_tokens=30))
    add(beside, ask(prompt, request_id="b", max_tokens=30))
    for _ in range(4):
        step(beside)
    add(beside, asked(prompt))
    assert said(run(beside)) == expected

    cut = Scheduler(emptied(real))
    resumption = Resumption(
        prompt_tokens=accepted.prompt_tokens,
        seed=accepted.seed,
        choice_tokens=(tuple(each.token_id for each in expected[:5]),),
        num_chars_sent=(0,),
        finished=(False,),
    )
    add(cut, asked(prompt), resumption)
    assert said(run(cut)) == expected[5:]
