"""Two halves of a search become one order."""

import random

import pytest

from bdchat.store.documents.mixing import Scale, mixed


def _order(scores: dict[int, float]) -> list[int]:
    return sorted(scores, key=lambda key: -scores[key])


def test_what_is_far_ahead_in_one_half_is_not_lost_to_what_is_middling_in_both() -> None:
    """Reciprocal ranks would put 2 first."""
    words = {1: 30.0, 2: 11.0, **dict.fromkeys(range(3, 9), 9.0)}
    meaning = {2: 0.803, 3: 0.802, 4: 0.802, 1: 0.801, **dict.fromkeys(range(5, 9), 0.80)}
    assert _order(mixed(words, meaning, Scale.of(words.values()), Scale.of(meaning.values()), coverage=1.0))[0] == 1


def test_without_one_half_the_other_orders() -> None:
    words = {1: 1.0, 2: 3.0, 3: 2.0}
    assert _order(mixed(words, {}, Scale.of(words.values()), Scale.of([]), coverage=1.0)) == [2, 3, 1]


def test_a_passage_whose_vector_is_not_there_yet_is_judged_by_its_words() -> None:
    words = {1: 9.0, 2: 5.0, 3: 0.0, 4: 0.0}
    meaning = {2: 0.9, 3: 0.8, 4: 0.7}
    found = mixed(words, meaning, Scale.of(words.values()), Scale.of(meaning.values()), coverage=1.0)
    assert found[1] == pytest.approx((9.0 - 3.5) / Scale.of(words.values()).spread)


def test_equal_scores_say_nothing() -> None:
    assert mixed({1: 2.0, 2: 2.0}, {1: 0.5, 2: 0.7}, Scale.of([2.0, 2.0]), Scale.of([0.5, 0.7]), coverage=1.0) == {
        1: pytest.approx(-0.5),
        2: pytest.approx(0.5),
    }


@pytest.mark.parametrize("seed", range(20))
def test_the_units_of_a_half_do_not_matter(seed: int) -> None:
    rng = random.Random(seed)
    words = {key: rng.uniform(0, 40) for key in range(30)}
    meaning = {key: rng.uniform(0.7, 0.9) for key in range(30)}
    scaled = {key: score * 7 + 3 for key, score in meaning.items()}
    one = mixed(words, meaning, Scale.of(words.values()), Scale.of(meaning.values()), coverage=1.0)
    other = mixed(words, scaled, Scale.of(words.values()), Scale.of(scaled.values()), coverage=1.0)
    assert other == {key: pytest.approx(score) for key, score in one.items()}


def test_chance_words_do_not_outweigh_meaning() -> None:
    """One rare word in common, of ten that were asked."""
    words = {1: 9.0, **dict.fromkeys(range(2, 30), 0.0)}
    meaning = {1: 0.80, 2: 0.90, **{key: 0.80 + 0.001 * (key % 7) for key in range(3, 30)}}
    halves = (words, meaning, Scale.of(words.values()), Scale.of(meaning.values()))
    assert _order(mixed(*halves, coverage=0.1))[0] == 2
