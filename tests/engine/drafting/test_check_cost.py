"""What steps take that check guesses: by number of tokens, between those that were seen, and not for ever."""

import pytest

from bdchat.engine.drafting.check_cost import FORGOTTEN_AFTER, CheckCost

BASE_MS, TOKEN_MS = 9.0, 4.0


def ms(cost: CheckCost, num_tokens: int, *, num_sequences: int = 1, base_ms: float = BASE_MS) -> float:
    return cost.step_ms(num_sequences=num_sequences, num_tokens=num_tokens, base_ms=base_ms, token_ms=TOKEN_MS)


def seen(*points: tuple[int, float], num_sequences: int = 1) -> CheckCost:
    cost = CheckCost()
    for num_tokens, step_ms in points:
        cost.observe(num_sequences=num_sequences, num_tokens=num_tokens, step_ms=step_ms)
    return cost


def test_before_any_was_seen_a_guess_costs_what_a_prompt_token_does() -> None:
    assert ms(CheckCost(), 6) == BASE_MS + 5 * TOKEN_MS


def test_between_two_that_were_seen_it_is_read_off_and_beyond_them_reckoned() -> None:
    cost = seen((2, 27.0), (10, 59.0))
    assert ms(cost, 2) == 27.0
    assert ms(cost, 6) == pytest.approx(43.0)
    assert ms(cost, 12) == 59.0 + 2 * TOKEN_MS
    assert ms(cost, 1) == BASE_MS


def test_it_is_never_less_than_the_step_without_guesses() -> None:
    assert ms(seen((5, 3.0)), 5) == BASE_MS


def test_another_number_of_sequences_has_its_own_figures_where_there_are_any() -> None:
    cost = seen((20, 90.0))
    assert ms(cost, 20, num_sequences=4, base_ms=36.0) == 90.0
    cost.observe(num_sequences=4, num_tokens=20, step_ms=120.0)
    assert ms(cost, 20, num_sequences=4, base_ms=36.0) == 120.0
    assert ms(cost, 20) == 90.0


def test_one_bad_moment_is_forgotten() -> None:
    cost = seen((9, 900.0))
    for _ in range(2 * FORGOTTEN_AFTER):
        cost.pass_by()
    assert ms(cost, 9) == BASE_MS + 8 * TOKEN_MS


def test_a_quicker_step_is_believed_sooner_than_a_slower_one() -> None:
    slower, quicker = seen((9, 60.0), (9, 100.0)), seen((9, 60.0), (9, 20.0))
    assert ms(slower, 9) - 60 < 60 - ms(quicker, 9)
