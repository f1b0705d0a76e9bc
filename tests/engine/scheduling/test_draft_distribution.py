"""With guesses, answers have the distribution that they have without: held against the known chances of a made-up model
by Pearson's χ²."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from bdchat.engine.model_runner import KVLayout, Sampler
from bdchat.engine.request import SamplingParams
from bdchat.engine.sampling.sampler import LogitsSampler, SamplerScratch
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import add, ask, run
from tests.fakes import N_VOCAB, FakeRunner

LETTERS = b"abcdef"
# After each letter the chances of the next: one is likely, so that guesses are often right, and never surely.
CHANCES = np.array([np.roll([0.62, 0.15, 0.1, 0.06, 0.04, 0.03], place + 1) for place in range(len(LETTERS))])
NUM_ANSWERS, NUM_TOKENS = 120, 60
# The 99.9 % quantile of χ² with 30 degrees of freedom: six rows of six letters, each row summing to its count.
LIMIT = 59.7


class Loaded(FakeRunner):
    """The next letter's logits follow from the last letter alone."""

    table = np.full((N_VOCAB, N_VOCAB), -1e9, np.float32)
    table[np.ix_(list(LETTERS), list(LETTERS))] = np.log(CHANCES)

    def likeliest(self, tokens: Sequence[int], tokens_sum: int) -> int:
        return tokens[-1]

    def choose(self, logits: npt.NDArray[np.float32], samplers: Sequence[Sampler | None]) -> list[int | None]:
        """Each sampler is asked alone."""
        return [None] * len(samplers)

    def make_sampler(self, params: SamplingParams, prompt: Sequence[int], seed: int) -> LogitsSampler:  # type: ignore[override]
        return LogitsSampler(params, prompt, seed, scratch=SamplerScratch(N_VOCAB), vocabulary=self)


def answers(num_streams: int, layout: KVLayout, *, max_draft_tokens: int) -> tuple[Scheduler, dict[int, list[int]]]:
    """By seed. Guesses cost next to nothing here, so that they are checked whenever there are any."""
    runner = Loaded(
        n_ctx=256, num_cells=256 * 4, n_batch=64, layout=layout, step_s=0.01, token_s=1e-5
    )  # fmt: skip
    runner.n_outputs_max = 64
    scheduler = Scheduler(runner, max_draft_tokens=max_draft_tokens)
    written: dict[int, list[int]] = {}
    for first in range(0, NUM_ANSWERS, num_streams):
        for seed in range(first, first + num_streams):
            request = ask([*LETTERS, *LETTERS], request_id=str(seed), max_tokens=NUM_TOKENS)
            sampling = msgspec.structs.replace(request.sampling, temperature=1.0, seed=seed)
            add(scheduler, msgspec.structs.replace(request, sampling=sampling))
        heard = run(scheduler)
        written |= {int(request_id): tokens for (request_id, _), tokens in heard.tokens.items()}
    return scheduler, written


def chi_squared(written: dict[int, list[int]]) -> float:
    """Of the pairs of neighbouring letters, against CHANCES."""
    pairs = Counter(pair for tokens in written.values() for pair in pairwise(tokens))
    total = 0.0
    for place, letter in enumerate(LETTERS):
        num_after = sum(pairs[letter, following] for following in LETTERS)
        for following, chance in zip(LETTERS, CHANCES[place], strict=True):
            total += (pairs[letter, following] - num_after * chance) ** 2 / (num_after * chance)
    return total


@pytest.mark.parametrize(
    ("num_streams", "layout"), [(1, KVLayout.UNIFIED), (4, KVLayout.UNIFIED), (4, KVLayout.STREAMS)]
)
def test_with_guesses_the_distribution_is_the_models_own(num_streams: int, layout: KVLayout) -> None:
    scheduler, written = answers(num_streams, layout, max_draft_tokens=6)
    metrics = scheduler.metrics()
    assert 0.1 * metrics.num_tokens_drafted < metrics.num_tokens_accepted < 0.9 * metrics.num_tokens_drafted
    assert metrics.num_steps < 0.9 * NUM_ANSWERS * NUM_TOKENS / num_streams
    assert chi_squared(written) < LIMIT
    _, plain = answers(num_streams, layout, max_draft_tokens=0)
    assert written == plain  # draw for draw


def test_the_test_finds_a_guess_that_is_taken_unchecked() -> None:
    """What it would be if one guess in four were believed without a look at the logits."""
    _, written = answers(1, KVLayout.UNIFIED, max_draft_tokens=0)
    credulous = {
        seed: [
            (LETTERS[(LETTERS.index(tokens[i - 1]) + 1) % 6] if i and i % 4 == 0 else token)
            for i, token in enumerate(tokens)
        ]
        for seed, tokens in written.items()
    }
    assert chi_squared(credulous) > LIMIT > chi_squared(written)
