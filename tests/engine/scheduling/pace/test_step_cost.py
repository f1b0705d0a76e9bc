"""The laws of the step policy: numbers in, numbers out."""

from bdchat.engine.scheduling.pace.shares import share_budget
from bdchat.engine.scheduling.pace.step_cost import MIN_CHUNK, StepCost


def learned(*, base_ms: float, prefill_ms: float) -> StepCost:
    cost = StepCost()
    for _ in range(60):
        cost.observe(num_decodes=3, num_prefill=0, step_ms=base_ms)
        cost.observe(num_decodes=3, num_prefill=64, step_ms=base_ms + 64 * prefill_ms)
    return cost


def test_with_nobody_streaming_a_chunk_is_a_whole_batch() -> None:
    assert StepCost().prefill_budget(num_decodes=0, target_ms=150, n_batch=512) == 512


def test_the_chunk_meets_the_target_for_a_small_and_a_large_model() -> None:
    small = learned(base_ms=20, prefill_ms=0.8).prefill_budget(num_decodes=3, target_ms=150, n_batch=512)
    assert small == int(130 / 0.8)
    large = learned(base_ms=200, prefill_ms=40).prefill_budget(num_decodes=3, target_ms=150, n_batch=512)
    assert large == MIN_CHUNK


def test_a_chunk_is_never_shorter_than_what_attention_does_well() -> None:
    cost = StepCost(prefill_ms_per_token=40, min_chunk=64)
    assert cost.prefill_budget(num_decodes=3, target_ms=150, n_batch=512) == 64
    assert cost.prefill_budget(num_decodes=3, target_ms=150, n_batch=40) == 40


def test_prompts_never_starve_behind_slow_decodes() -> None:
    cost = learned(base_ms=140, prefill_ms=0.5)
    budget = cost.prefill_budget(num_decodes=3, target_ms=150, n_batch=512)
    assert budget * 0.5 >= 1.5 * 140 - MIN_CHUNK * 0.5


def test_an_unseen_batch_size_borrows_from_the_nearest() -> None:
    cost = learned(base_ms=20, prefill_ms=1)
    assert abs(cost.base_ms(5) - 20) < 0.01
    assert cost.base_ms(0) == 0


def test_the_shortest_prompt_reads_first() -> None:
    assert share_budget([300, 20, 100], 64) == [0, 20, 44]
    assert share_budget([300, 20, 100], 64, at_least=1) == [1, 20, 43]
    assert share_budget([3, 3, 3], 2, at_least=1) == [1, 1, 0]
    assert share_budget([], 64) == []
    assert share_budget([5], 64) == [5]


def test_steps_with_guesses_teach_neither_the_base_nor_the_price_of_a_prompt() -> None:
    cost = learned(base_ms=20, prefill_ms=1)
    before = cost.prefill_ms(100), cost.base_ms(1)
    cost.observe(num_decodes=1, num_prefill=0, num_drafted=8, step_ms=900)
    assert (cost.prefill_ms(100), cost.base_ms(1)) == before
