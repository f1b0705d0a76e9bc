"""Laws of other spellings: the text never changes, control tokens never move, and nothing is claimed without gain."""

import random
from collections.abc import Sequence

import pytest

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.kv.realignment import MIN_GAIN, Alignment, align, respelled
from bdchat.engine.model_runner import Slice
from bdchat.engine.request import Finished, GenerationRequest, SamplingParams, TextPrompt, TokenPrompt
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import Heard, run
from tests.fakes import FakeRunner

PIECES = [b"a", b"b", b"c", b"ab", b"bc", b"abc", b"ca", "한".encode(), "한".encode()[:1], "한".encode()[1:], b"", b""]
A, B, C, AB, BC, ABC, CA, HAN, HAN_HEAD, HAN_TAIL, END, START = range(len(PIECES))


def token_bytes(token: int) -> bytes:
    return PIECES[token]


def spelled(tokens: Sequence[int]) -> list[bytes | int]:
    """The text, with control tokens as themselves."""
    text: list[bytes | int] = []
    for token in tokens:
        if not PIECES[token]:
            text.append(token)
        elif text and isinstance(text[-1], bytes):
            text[-1] += PIECES[token]
        else:
            text.append(PIECES[token])
    return text


@pytest.mark.parametrize(
    ("prompt", "cached", "expected"),
    [
        ([A, B, C], [A, B, C], (3, 3)),
        ([AB, C], [A, BC], (2, 2)),
        ([ABC, A], [A, B, C, B], (1, 3)),
        ([A, B, C, A], [ABC], (3, 1)),
        ([AB, CA, B], [ABC, A, C], (2, 2)),
        ([HAN, A], [HAN_HEAD, HAN_TAIL, A], (2, 3)),
        ([AB], [A], (0, 0)),  # in the middle of a token is no place to stop
        ([A, END, B], [A, START, B], (1, 1)),
        ([A, END, B], [A, B], (1, 1)),
        ([AB, END, C], [A, B, END, C], (3, 4)),
        ([A, END], [AB, END], (0, 0)),
        ([], [A], (0, 0)),
    ],
)
def test_where_two_spellings_part(prompt: list[int], cached: list[int], expected: tuple[int, int]) -> None:
    assert align(prompt, cached, 0, token_bytes) == Alignment(*expected)


@pytest.mark.parametrize("seed", range(200))
def test_what_is_aligned_spells_the_same_and_nothing_further_does(seed: int) -> None:
    rng = random.Random(seed)
    prompt = [rng.randrange(len(PIECES)) for _ in range(30)]
    cached = [rng.randrange(len(PIECES)) for _ in range(30)] if seed % 4 == 0 else _other_spelling(prompt, rng)
    start = 0
    found = align(prompt, cached, start, token_bytes)
    assert spelled(prompt[: found.num_prompt]) == spelled(cached[: found.num_cached])
    for i in range(found.num_prompt + 1, len(prompt) + 1):
        assert all(spelled(prompt[:i]) != spelled(cached[:j]) for j in range(len(cached) + 1) if PIECES[prompt[i - 1]])
    assert spelled(respelled(prompt, [cached], token_bytes)) == spelled(prompt)


def _other_spelling(tokens: Sequence[int], rng: random.Random) -> list[int]:
    """The same text in random tokens, sometimes cut off."""
    found: list[int] = []
    for piece in spelled(tokens):
        if isinstance(piece, int):
            found.append(piece)
            continue
        rest = piece
        while rest:
            token = rng.choice([t for t, text in enumerate(PIECES) if text and rest.startswith(text)])
            found.append(token)
            rest = rest[len(PIECES[token]) :]
    return found[: rng.randrange(len(found) + 1)]


def test_too_little_gain_changes_nothing() -> None:
    prompt = [A, *[AB] * 30, C]
    short = [A, *[A, B] * (MIN_GAIN // 2 - 1)]
    assert respelled(prompt, [short], token_bytes) is prompt
    long = [A, *[A, B] * 20]
    assert respelled(prompt, [short, long], token_bytes) == [*long, *[AB] * 10, C]
    assert respelled(prompt, [long, prompt[:-1]], token_bytes) is prompt  # it is there as it is


# --- with cells -------------------------------------------------------------------------------------------------------


class SpellingRunner(FakeRunner):
    """Ids 128 and more stand for two letters."""

    def token_bytes(self, token_id: int) -> bytes:
        if 128 <= token_id < 256:
            return bytes([token_id - 128]) * 2
        return super().token_bytes(token_id)


def a_chat() -> tuple[SpellingRunner, list[int], list[int]]:
    """(runner, the sampled spelling, the tokenizer's)"""
    question = list(b"question: ")
    sampled = [*question, *[ord("x")] * 60]
    return SpellingRunner(n_ctx=200, n_batch=200), sampled, [*question, *[128 + ord("x")] * 30]


def asked(prompt: TextPrompt | TokenPrompt, **fields: object) -> GenerationRequest:
    sampling = SamplingParams(max_tokens=2, temperature=0.0)
    return GenerationRequest(request_id="r", prompt=prompt, sampling=sampling, **fields)  # type: ignore[arg-type]


def ran(request: GenerationRequest, *, cached: bool = True) -> Finished:
    runner, sampled, canonical = a_chat()
    scheduler = Scheduler(runner)
    if cached:
        seq_id = scheduler.kv_cache.claim([*sampled, 0]).seq_id  # type: ignore[union-attr]
        runner.decode([Slice(seq_id, 0, sampled, 0)])
        scheduler.kv_cache.extend(seq_id, sampled)
        scheduler.kv_cache.release(seq_id)
    scheduler.add(request, [*canonical, *b" next"])
    heard: Heard = run(scheduler)
    return heard.finished["r", 0]


def test_an_answer_that_comes_back_as_text_is_found_in_the_cells() -> None:
    usage = ran(asked(TextPrompt(text="…"))).usage
    assert usage.num_cached_tokens == 70
    assert usage.num_prompt_tokens == 75
    assert usage.num_computed_tokens == 5


@pytest.mark.parametrize(
    "request_",
    [
        asked(TokenPrompt(tokens=(1,))),
        asked(TextPrompt(text="…"), cache_prompt=False),
        asked(TextPrompt(text="…"), num_prompt_logprobs=0),
    ],
)
def test_tokens_that_the_caller_chose_or_scores_stay(request_: GenerationRequest) -> None:
    assert ran(request_).usage.num_prompt_tokens == 45


def test_a_spelling_that_does_not_fit_the_context_is_not_taken() -> None:
    runner, sampled, canonical = a_chat()
    runner.info = type(runner.info)(
        **{**{f: getattr(runner.info, f) for f in runner.info.__struct_fields__}, "n_ctx": 71}
    )
    cache = KVCache(runner)
    seq_id = cache.claim([*sampled, 0]).seq_id  # type: ignore[union-attr]
    runner.decode([Slice(seq_id, 0, sampled, 0)])
    cache.extend(seq_id, sampled)
    cache.release(seq_id)
    assert cache.spelled_as_cached([*canonical, 7]) == [*canonical, 7]
