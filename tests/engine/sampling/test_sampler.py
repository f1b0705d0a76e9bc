"""Sampling is exact: checked against a plain full-vocabulary reference, and against llama.cpp's own chain."""

import ctypes
import math
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
import pytest

from bdchat.engine.model_runner import DecodeFailed
from bdchat.engine.request import SamplingParams
from bdchat.engine.sampling.sampler import LogitsSampler, SamplerScratch, uniform

N_VOCAB = 5000
Row = npt.NDArray[np.float32]
Params = dict[str, Any]
FILTERS: list[Params] = [
    {"temperature": 1.0},
    {"temperature": 0.6},
    {"temperature": 3.0},
    {"top_p": 0.9},
    {"top_p": 0.999, "temperature": 1.3},
    {"top_p": 1e-6},
    {"top_k": 40},
    {"top_k": 3000, "temperature": 0.8},
    {"min_p": 0.05},
    {"top_k": 40, "top_p": 0.9, "temperature": 0.8},
    {"top_k": 100, "top_p": 0.95, "min_p": 0.02, "temperature": 1.5},
    {"top_p": 0.8, "min_p": 0.01, "temperature": 0.7},
]


class Numbers:
    """A vocabulary whose token 0 is a control token."""

    def token_bytes(self, token_id: int) -> bytes:
        return b"%d" % token_id if token_id else b""

    def control_text(self, token_id: int) -> str:
        return "" if token_id else "<zero>"


def make(prompt: tuple[int, ...] = (), seed: int = 1, n_vocab: int = N_VOCAB, **params: Any) -> LogitsSampler:
    return LogitsSampler(
        SamplingParams(**params),
        prompt,
        seed,
        scratch=SamplerScratch(n_vocab),
        vocabulary=Numbers(),
    )


def heavy_tailed(seed: int) -> Row:
    """Like a small model's: the mass of the far tail is not negligible."""
    return (np.random.default_rng(seed).standard_t(7, N_VOCAB) * 1.6).astype(np.float32)


def llama_chain(row: Row, params: SamplingParams) -> dict[int, float]:
    """The oracle: llama.cpp's samplers on the full vocabulary."""
    data = (llama_cpp.llama_token_data * len(row))(
        *[llama_cpp.llama_token_data(i, float(logit), 0.0) for i, logit in enumerate(row)]
    )
    array = llama_cpp.llama_token_data_array(ctypes.cast(data, llama_cpp.llama_token_data_p), len(row), -1, False)
    chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    if params.top_k > 0:
        llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_top_k(params.top_k))
    llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_top_p(params.top_p, 1))
    llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_min_p(params.min_p, 1))
    llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_temp(params.temperature))
    llama_cpp.llama_sampler_apply(chain, ctypes.byref(array))
    kept = {int(array.data[i].id): float(array.data[i].logit) for i in range(array.size)}
    llama_cpp.llama_sampler_free(chain)
    highest = max(kept.values())
    total = math.fsum(math.exp(logit - highest) for logit in kept.values())
    return {i: math.exp(logit - highest) / total for i, logit in kept.items()}


@pytest.mark.parametrize("params", FILTERS)
@pytest.mark.parametrize("seed", range(5))
def test_the_distribution_is_llama_cpps_own(params: Params, seed: int) -> None:
    row = heavy_tailed(seed)
    expected = llama_chain(row, SamplingParams(**params))
    ids, probabilities = make(**params).distribution(row)
    found = dict(zip(ids.tolist(), probabilities.tolist(), strict=True))
    differing = set(found) ^ set(expected)
    assert len(differing) <= 2  # llama.cpp sums in single precision: a cut's edge may fall one token beside
    assert sum(max(found.get(i, 0.0), expected.get(i, 0.0)) for i in differing) < 1e-3
    for i in set(found) & set(expected):
        assert found[i] == pytest.approx(expected[i], rel=2e-3, abs=1e-7)


@pytest.mark.parametrize("params", FILTERS)
def test_draws_follow_the_distribution(params: Params) -> None:
    """χ² over 20,000 seeded draws; rare tokens pooled. The bound is five standard deviations above the mean."""
    row, num_draws = heavy_tailed(7)[:600], 20_000
    sampler = make(n_vocab=len(row), **params)
    ids, probabilities = sampler.distribution(row)
    drawn = np.bincount([sampler.sample(row) for _ in range(num_draws)], minlength=len(row))
    expected = np.zeros(len(row))
    expected[ids] = probabilities * num_draws
    assert drawn[expected == 0].sum() == 0
    is_common = expected >= 10
    observed = np.append(drawn[is_common], drawn[~is_common].sum())
    wanted = np.append(expected[is_common], max(expected[~is_common].sum(), 1e-9))
    if wanted[-1] < 10:
        observed, wanted = observed[:-1], wanted[:-1]
    freedom = max(1, len(wanted) - 1)
    assert (((observed - wanted) ** 2) / wanted).sum() < freedom + 5 * math.sqrt(2 * freedom)


def test_greedy_is_the_highest_and_the_lower_id_among_equals() -> None:
    row = heavy_tailed(1)
    row[[77, 33]] = row.max() + 1
    assert make(temperature=0.0).sample(row) == 33


@pytest.mark.parametrize("params", [{}, {"temperature": 0.0}, {"top_k": 5, "frequency_penalty": 0.5}])
def test_sampling_never_writes_to_the_logits(params: Params) -> None:
    row = heavy_tailed(1)
    before = row.copy()
    sampler = make(logit_bias={3: 5.0}, presence_penalty=1.0, repeat_penalty=1.2, prompt=(1, 2), **params)
    for _ in range(3):
        sampler.sample(row)
    np.testing.assert_array_equal(row, before)


@pytest.mark.parametrize("params", [*FILTERS, {"repeat_penalty": 1.3}, {"frequency_penalty": 1.0, "top_k": 20}])
def test_a_resumed_sequence_draws_exactly_the_same(params: Params) -> None:
    rows = [heavy_tailed(seed) for seed in range(12)]
    whole = make(prompt=(5, 6), seed=9, **params)
    expected = [whole.sample(row) for row in rows]
    resumed = make(prompt=(5, 6), seed=9, **params)
    for token_id in expected[:7]:
        resumed.accept(token_id)
    assert [resumed.sample(row) for row in rows[7:]] == expected[7:]


def test_seeds_differ() -> None:
    row = heavy_tailed(1)
    draws = {tuple(sampler.sample(row) for _ in range(5)) for sampler in (make(seed=seed) for seed in range(20))}
    assert len(draws) == 20


def test_uniform_is_spread_over_the_unit_interval() -> None:
    values = np.array([uniform(seed, index) for seed in range(20) for index in range(500)])
    assert values.min() >= 0.0
    assert values.max() < 1.0
    counts = np.histogram(values, bins=20, range=(0, 1))[0]
    assert ((counts - 500) ** 2 / 500).sum() < 19 + 5 * math.sqrt(38)


def test_minus_100_bans_and_100_forces() -> None:
    row = heavy_tailed(1)
    best = int(row.argmax())
    worst = int(row.argmin())
    assert make(temperature=0.0, logit_bias={best: -100.0}).sample(row) != best
    assert {make(seed=seed, temperature=2.0, logit_bias={worst: 100.0}).sample(row) for seed in range(20)} == {worst}
    banned = make(logit_bias={best: -100.0})
    assert best not in {banned.sample(row) for _ in range(200)}


def test_a_bias_lifts_a_token_that_pruning_would_have_dropped() -> None:
    row = heavy_tailed(1)
    worst = int(row.argmin())
    lift = float(row.max() - row.min()) + 3
    assert make(temperature=0.0, top_k=1, logit_bias={worst: lift}).sample(row) == worst


def test_penalties_are_llama_cpps_repeat_and_openais_presence_and_frequency() -> None:
    row = np.zeros(10, np.float32)
    row[:4] = [4.0, 3.0, -1.0, 2.0]
    sampler = make(n_vocab=10, prompt=(0, 2, 9, 9), repeat_penalty=2.0, repeat_last_n=4)
    _, probabilities = sampler.distribution(row)
    weights = np.exp([2.0, 3.0, -2.0, 2.0] + [0.0] * 6)  # positive divided, negative multiplied, prompt included
    np.testing.assert_allclose(probabilities, weights / weights.sum(), rtol=1e-5)

    sampler = make(n_vocab=10, prompt=(3, 3), presence_penalty=0.5, frequency_penalty=0.25)
    for token_id in (1, 1, 0):
        sampler.accept(token_id)
    _, probabilities = sampler.distribution(row)
    weights = np.exp([4.0 - 0.75, 3.0 - 1.0, -1.0, 2.0] + [0.0] * 6)  # the prompt does not count
    np.testing.assert_allclose(probabilities, weights / weights.sum(), rtol=1e-5)


def test_the_repeat_window_forgets() -> None:
    row = np.zeros(10, np.float32)
    row[0] = 4.0
    sampler = make(n_vocab=10, prompt=(0,), repeat_penalty=2.0, repeat_last_n=2)
    for token_id in (5, 6):
        sampler.accept(token_id)
    assert sampler.distribution(row)[1][0] == pytest.approx(math.exp(4) / (math.exp(4) + 9), rel=1e-5)


def test_a_repeat_window_without_bound_forgets_nothing() -> None:
    row = np.zeros(10, np.float32)
    row[0] = 4.0
    sampler = make(n_vocab=10, prompt=(0, 0), repeat_penalty=2.0, repeat_last_n=None)
    for token_id in (5, 6) * 100:
        sampler.accept(token_id)
    assert sampler.distribution(row)[1][0] == pytest.approx(math.exp(2) / (math.exp(2) + 9), rel=1e-5)


def test_a_token_stays_in_the_window_while_one_of_its_places_does() -> None:
    row = np.zeros(10, np.float32)
    row[0] = 4.0
    sampler = make(n_vocab=10, prompt=(0, 5, 0, 6), repeat_penalty=2.0, repeat_last_n=3)
    assert sampler.distribution(row)[1][0] == pytest.approx(math.exp(2) / (math.exp(2) + 9), rel=1e-5)
    sampler.accept(7)
    assert sampler.distribution(row)[1][0] == pytest.approx(math.exp(2) / (math.exp(2) + 9), rel=1e-5)
    sampler.accept(8)
    assert sampler.distribution(row)[1][0] == pytest.approx(math.exp(4) / (math.exp(4) + 9), rel=1e-5)


def test_a_top_p_of_nothing_leaves_the_likeliest_token() -> None:
    row = heavy_tailed(4)
    ids, probabilities = make(top_p=0.0).distribution(row)
    assert (list(ids), list(probabilities)) == ([row.argmax()], [1.0])
    assert make(top_p=0.0, top_k=40).sample(row) == row.argmax()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("params", [{}, {"temperature": 0.0}, {"top_k": 5}])
def test_logits_that_are_not_numbers_are_an_error(params: Params, bad: float) -> None:
    row = heavy_tailed(1)
    row[100] = bad
    with pytest.raises(DecodeFailed):
        make(**params).sample(row)
    with pytest.raises(DecodeFailed):
        make(**params).logprob(row, 1, 0)


@pytest.mark.parametrize("num_top", [0, 1, 5, 20])
def test_logprobs_are_exact_over_the_full_vocabulary(num_top: int) -> None:
    row = heavy_tailed(3)
    reference = row.astype(np.float64) - row.max()
    reference -= math.log(math.fsum(np.exp(reference)))
    found = make(top_k=1, temperature=0.5).logprob(row, 17, num_top)
    assert found.token_id == 17
    assert found.token_bytes == b"17"
    assert found.logprob == pytest.approx(reference[17], abs=1e-4)
    ids = np.argsort(-reference, kind="stable")[:num_top].tolist()
    assert 17 not in ids
    ids += [17] if num_top else []  # the token itself, behind those that were asked for
    assert [top.token_id for top in found.top] == ids
    assert [top.logprob for top in found.top] == pytest.approx(reference[ids].tolist(), abs=1e-4)


def test_a_likely_token_is_among_the_likeliest_once_and_control_tokens_have_a_text() -> None:
    row = np.zeros(10, np.float32)
    row[[0, 3]] = 5.0, 4.0
    found = make(n_vocab=10).logprob(row, 0, 2)
    assert [top.token_id for top in found.top] == [0, 3]
    assert (found.token_bytes, found.control_text) == (b"", "<zero>")
    assert [top.control_text for top in found.top] == ["<zero>", ""]


def test_top_logprobs_of_equals_begin_with_the_greedy_token() -> None:
    row = np.full(300, 1.5, np.float32)
    sampler = make(n_vocab=300, temperature=0.0)
    assert [top.token_id for top in sampler.logprob(row, 0, 3).top] == [0, 1, 2]
    assert sampler.sample(row) == 0


@pytest.mark.parametrize("params", FILTERS)
def test_a_mask_leaves_the_distribution_of_what_may_follow(params: Params) -> None:
    """Drawn as if the rest of the vocabulary were not there: every filter counts over what is left."""
    row = heavy_tailed(5)
    allowed = np.random.default_rng(6).choice(N_VOCAB, 500, replace=False)
    mask = np.full(N_VOCAB, -np.inf, np.float32)
    mask[allowed] = 0.0
    kept = np.full(N_VOCAB, -np.inf, np.float32)
    kept[allowed] = row[allowed]
    masked, as_given = make(**params), make(**params)
    drawn = [masked.sample(row, mask) for _ in range(50)]
    assert drawn == [as_given.sample(kept) for _ in range(50)]
    assert set(drawn) <= set(allowed.tolist())


def test_biases_that_leave_nothing_of_what_may_follow_give_way() -> None:
    row, mask = heavy_tailed(5), np.full(N_VOCAB, -np.inf, np.float32)
    mask[[7, 8]] = 0.0
    likelier = 7 if row[7] > row[8] else 8
    banned = make(temperature=0.0, logit_bias={7: -100.0, 8: -100.0})
    assert banned.sample(row, mask) == likelier
    assert make(temperature=0.0, logit_bias={9: 100.0}).sample(row, mask) == likelier
    assert make(temperature=0.0, logit_bias={likelier: -100.0}).sample(row, mask) == 15 - likelier
