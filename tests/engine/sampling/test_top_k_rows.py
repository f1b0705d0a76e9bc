"""What is chosen for several rows at once is what each sampler chooses alone."""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bdchat.engine.request import SamplingParams
from bdchat.engine.sampling.sampler import LogitsSampler, SamplerScratch
from bdchat.engine.sampling.top_k_rows import BLOCK, MAX_TOP_K, TopKChoice, TopKRows
from tests.engine.sampling.test_sampler import Numbers

N_VOCAB = 80 * BLOCK
SHAPES: list[dict[str, Any]] = [
    {"top_k": 40, "top_p": 0.95, "min_p": 0.05, "temperature": 0.7},
    {"top_k": 1},
    {"top_k": MAX_TOP_K, "temperature": 1.5},
    {"top_k": 40, "top_p": 0.9},
    {"top_k": 20, "min_p": 0.2, "temperature": 0.3},
    {"top_k": 7, "top_p": 1e-6},
    {"top_k": 50, "top_p": 0.999, "min_p": 1e-4, "temperature": 3.0},
]


def rows_of(rng: np.random.Generator, num_rows: int) -> npt.NDArray[np.float32]:
    """The tails of small models; every third row has few values, so that ties decide."""
    logits = (rng.standard_t(7, (num_rows, N_VOCAB)) * 3).astype(np.float32)
    logits[::3] = np.round(logits[::3])
    return logits


def sampler(scratch: SamplerScratch, seed: int = 1, **params: Any) -> LogitsSampler:
    return LogitsSampler(SamplingParams(**params), (), seed, scratch=scratch, vocabulary=Numbers())


def choices_of(samplers: list[LogitsSampler]) -> list[TopKChoice]:
    choices = [each.next_choice() for each in samplers]
    return [choice for choice in choices if choice is not None]


@pytest.mark.parametrize("num_rows", [1, 2, 16])
def test_rows_chosen_together_are_as_each_alone(num_rows: int) -> None:
    scratch, rows = SamplerScratch(N_VOCAB), TopKRows(N_VOCAB, 16)
    rng = np.random.default_rng(num_rows)
    shapes = itertools.islice(itertools.cycle(SHAPES), num_rows)
    samplers = [sampler(scratch, seed, **shape) for seed, shape in enumerate(shapes)]
    for _ in range(60):
        logits = rows_of(rng, num_rows)
        together = rows.choose(logits, choices_of(samplers))
        assert together == [each.sample(row) for each, row in zip(samplers, logits, strict=True)]


def test_rows_between_that_are_chosen_otherwise_are_left_out() -> None:
    scratch, logits = SamplerScratch(N_VOCAB), rows_of(np.random.default_rng(5), 4)
    samplers = [sampler(scratch, **shape) for shape in (SHAPES[0], {"temperature": 0.0}, SHAPES[3], {})]
    choices = [each.next_choice() for each in samplers]
    chosen = TopKRows(N_VOCAB, 4).choose_some(logits, choices)
    assert chosen == [samplers[0].sample(logits[0]), None, samplers[2].sample(logits[2]), None]
    assert TopKRows(N_VOCAB, 4).choose_some(logits[:2], choices[:2]) == [None, None]


def test_a_row_that_is_not_as_it_should_be_is_left_to_its_sampler() -> None:
    samplers = [sampler(SamplerScratch(N_VOCAB), **SHAPES[0]) for _ in range(2)]
    rows, logits = TopKRows(N_VOCAB, 2), rows_of(np.random.default_rng(1), 2)
    for bad in (np.nan, np.inf):
        broken = logits.copy()
        broken[1, 700] = bad
        assert rows.choose(broken, choices_of(samplers)) == [None, None]
    banned = np.full_like(logits, -np.inf)
    banned[:, :10] = logits[:, :10]
    assert rows.choose(banned, choices_of(samplers)) == [None, None]


def test_what_changes_the_row_first_or_keeps_too_much_of_it_is_chosen_alone() -> None:
    scratch = SamplerScratch(N_VOCAB)
    for params in (
        {"temperature": 0.0, "top_k": 40},
        {},
        {"top_p": 0.9},
        {"top_k": MAX_TOP_K + 1},
        {"top_k": 40, "repeat_penalty": 1.1},
        {"top_k": 40, "logit_bias": {3: 1.0}},
    ):
        assert sampler(scratch, **params).next_choice() is None
    assert not TopKRows(N_VOCAB + 1, 1).is_possible
    assert not TopKRows(MAX_TOP_K * BLOCK, 1).is_possible
