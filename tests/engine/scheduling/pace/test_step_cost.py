"""The laws of a step's predicted time."""

import random

import pytest

from bdchat.engine.scheduling.pace.step_cost import MAX_MARGIN, StepCost
from bdchat.engine.scheduling.pace.step_shape import StepPiece, StepShape
from tests.engine.scheduling.pace.timed_runner import LARGE, SMALL, Prices


def some_shape(rng: random.Random, *, is_streams: bool = True) -> tuple[StepShape, int]:
    """Of a step of a busy server, and its answers."""
    num_decodes = rng.choice([0, 1, 2, 4, 8, 12])
    pieces = [StepPiece(i, rng.randrange(20, 900), 1, 1) for i in range(num_decodes)]
    if not num_decodes or rng.random() < 0.4:
        pieces.append(StepPiece(num_decodes, rng.choice([0, 200, 1500]), rng.randrange(16, 200), rng.randrange(2)))
    return StepShape.of(pieces, is_streams=is_streams), num_decodes


def learned(prices: Prices, num_steps: int = 300, *, noise: float = 0.05, disturbed: float = 0.0) -> StepCost:
    """From figures of another machine. `disturbed`: share of the steps that take five times their time."""
    rng = random.Random(3)
    cost = StepCost(
        prefill_ms_per_token=2 * prices.silent, decode_base_ms=2 * prices.a_pass, decode_ms_per_sequence=prices.output
    )
    for _ in range(num_steps):
        shape, num_decodes = some_shape(rng)
        step_ms = prices.ms(shape) * rng.uniform(1 - noise, 1 + noise)
        if rng.random() < disturbed:
            step_ms *= 5
        cost.observe(shape, step_ms=step_ms, num_decodes=num_decodes)
    return cost


def errors(cost: StepCost, prices: Prices, num_shapes: int = 200) -> list[float]:
    """Of shapes that were not learned from, in order."""
    rng = random.Random(99)
    found = []
    for _ in range(num_shapes):
        shape, num_decodes = some_shape(rng)
        found.append(abs(cost.shape_ms(shape, num_decodes) / prices.ms(shape) - 1))
    return sorted(found)


@pytest.mark.parametrize("prices", [SMALL, LARGE])
def test_a_step_is_told_within_a_twentieth_whatever_it_holds(prices: Prices) -> None:
    found = errors(learned(prices), prices)
    assert found[len(found) // 2] < 0.05
    assert found[int(0.95 * len(found))] < 0.12


def test_disturbed_steps_do_not_spoil_it() -> None:
    """One of thirty takes five times as long: a plain mean would be 13 % too long."""
    found = errors(learned(SMALL, disturbed=1 / 30), SMALL)
    assert found[len(found) // 2] < 0.07


def test_a_machine_that_slows_down_is_believed_within_thirty_steps() -> None:
    """Also of prompts, none of which is read meanwhile."""
    cost = learned(SMALL)
    before = cost.prefill_ms(200)
    shape = StepShape.of([StepPiece(i, 100, 1, 1) for i in range(4)], is_streams=True)
    for _ in range(30):
        cost.observe(shape, step_ms=2 * SMALL.ms(shape), num_decodes=4)
    assert cost.shape_ms(shape, 4) == pytest.approx(2 * SMALL.ms(shape), rel=0.1)
    assert cost.prefill_ms(200) > 1.3 * before


def test_hours_of_the_same_step_leave_the_other_prices_as_they_are() -> None:
    cost = learned(SMALL)
    before = cost.prefill_ms(200), cost.prefill_ms(200, depth=3000)
    rng = random.Random(5)
    shape = StepShape.of([StepPiece(0, 100, 1, 1)], is_streams=True)
    for _ in range(5000):
        cost.observe(shape, step_ms=SMALL.ms(shape) * rng.uniform(0.95, 1.05), num_decodes=1)
    assert (cost.prefill_ms(200), cost.prefill_ms(200, depth=3000)) == pytest.approx(before, rel=0.25)
    assert errors(cost, SMALL)[100] < 0.1


def test_prices_are_never_negative_and_rise_again_from_nothing() -> None:
    cost = learned(Prices(20.0, 0.0, 1.0, 0.0))
    assert min(cost.prices) >= 0
    rng = random.Random(6)
    for _ in range(300):
        shape, num_decodes = some_shape(rng)
        cost.observe(shape, step_ms=SMALL.ms(shape), num_decodes=num_decodes)
    assert errors(cost, SMALL)[100] < 0.1


def test_depth_makes_prompts_and_answers_dearer() -> None:
    cost = learned(SMALL)
    assert cost.prefill_ms(256, depth=3000) > 1.5 * cost.prefill_ms(256)
    assert cost.step_ms(4, depth=2000) > cost.step_ms(4, depth=100)
    assert cost.step_ms(4, 64, depth=100) > cost.step_ms(4, depth=100) + 60 * SMALL.silent


def test_what_the_sum_does_not_know_of_a_number_of_answers_is_kept_beside_it() -> None:
    """Two rows take a kernel that one does not: drafts are judged by the time of one."""
    cost = StepCost(decode_base_ms=8, decode_ms_per_sequence=2.5)
    true_ms = {1: 8.0, 2: 14.0, 3: 15.0, 4: 16.0}
    for step in range(400):
        num_decodes = step % 4 + 1
        shape = StepShape.of([StepPiece(i, 100, 1, 1) for i in range(num_decodes)], is_streams=True)
        cost.observe(shape, step_ms=true_ms[num_decodes], num_decodes=num_decodes)
    for num_decodes, step_ms in true_ms.items():
        assert cost.base_ms(num_decodes) == pytest.approx(step_ms, rel=0.05)
    assert cost.base_ms(0) == 0


def test_the_margin_covers_nineteen_of_twenty() -> None:
    rng = random.Random(8)
    cost = StepCost(decode_base_ms=8, decode_ms_per_sequence=2.5, prefill_ms_per_token=1.6)
    shape = StepShape.of([StepPiece(0, 100, 1, 1), StepPiece(1, 0, 64, 0)], is_streams=True)
    for _ in range(3000):
        cost.observe(shape, step_ms=SMALL.ms(shape) * (1.3 if rng.random() < 0.15 else 1.0), num_decodes=1)
    late = 0
    for _ in range(1000):
        step_ms = SMALL.ms(shape) * (1.3 if rng.random() < 0.15 else 1.0)
        late += step_ms > cost.margin * cost.shape_ms(shape, 1)
        cost.observe(shape, step_ms=step_ms, num_decodes=1)
    assert late < 100  # of 150 that were disturbed
    assert cost.margin <= MAX_MARGIN


def test_steps_with_guesses_teach_neither_the_base_nor_the_price_of_a_prompt() -> None:
    cost = learned(SMALL)
    before = cost.prefill_ms(100), cost.base_ms(1)
    cost.observe(StepShape(1, 9, 0, 900.0), step_ms=900, num_decodes=1, num_drafted=8)
    assert (cost.prefill_ms(100), cost.base_ms(1)) == before
    assert cost.check_ms(1, 8) == 900
