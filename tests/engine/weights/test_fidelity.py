"""Figures of nearness, against their definitions."""

import numpy as np
import pytest

from bdchat.engine.weights.fidelity import (
    MAX_NUMBERS,
    Comparison,
    Distance,
    Rows,
    fidelity_of,
    log_probabilities,
    passages,
)


def rows(*lists: list[float]) -> Rows:
    return log_probabilities(np.asarray(lists, np.float32))


def compared(exact: Rows, other: Rows, following: list[int]) -> Distance:
    comparison = Comparison()
    comparison.add(exact, other, following)
    return comparison.result()


def test_the_same_answers_are_no_distance_apart() -> None:
    exact = rows([1, 2, 3], [0, 5, 1])
    assert compared(exact, exact.copy(), [2, 1]) == Distance(0.0, 1.0, 1.0, 2)


def test_kl_and_perplexity_are_what_they_are_by_definition() -> None:
    exact, other = rows([0.0, 0.0]), rows([np.log(3.0), 0.0])
    distance = compared(exact, other, [1])
    assert distance.mean_kl == pytest.approx(0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25), rel=1e-5)
    assert distance.perplexity == pytest.approx(0.5 / 0.25, rel=1e-5)


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        compared(rows([1, 2]), np.asarray([[np.nan, 0]], np.float32), [0])


@pytest.mark.parametrize(
    ("kl", "perplexity", "file", "is_near"),
    [
        (0.005, 1.0, None, True),
        (0.007, 1.0, None, False),
        (0.005, 1.003, None, False),
        (0.007, 1.01, Distance(0.0075, 1.01, 1.0, 9), True),  # no farther than the file's own kernels are
        (0.007, 1.01, Distance(0.004, 1.01, 1.0, 9), False),
        (0.005, 1.01, Distance(0.004, 1.0, 1.0, 9), False),
    ],
)
def test_near_is_within_the_bound_or_as_near_as_the_file_is_run(
    kl: float, perplexity: float, file: Distance | None, is_near: bool
) -> None:
    assert fidelity_of(Distance(kl, perplexity, 0.95, 9), file).is_near(0.006) is is_near


def test_of_a_large_vocabulary_fewer_places_are_compared() -> None:
    texts = [list(range(600)), [1], list(range(100))]
    every = passages(texts, 1000, 512)
    assert [len(passage.tokens) for passage in every] == [512, 100]  # one token has nothing behind it
    assert every[0].places == tuple(range(511))
    n_vocab = MAX_NUMBERS // 200
    some = passages(texts, n_vocab, 512)
    assert sum(len(passage.places) for passage in some) * n_vocab <= MAX_NUMBERS
    assert all(place + 1 < len(passage.tokens) for passage in some for place in passage.places)
