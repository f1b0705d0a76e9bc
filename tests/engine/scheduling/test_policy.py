"""The laws of the step policy: numbers in, numbers out."""

from bdchat.engine.scheduling.policy import MAX_STRETCH, MIN_CHUNK, ExpectedOutput, StepCost, share_budget


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


def test_the_expected_answer_follows_what_answers_were() -> None:
    expected = ExpectedOutput()
    assert expected.at_most(10) == 10
    for _ in range(100):
        expected.observe(30)
    assert 30 <= expected.at_most(4000) <= 32


def alone(*, base_ms: float, first_ms: float, next_ms: float) -> StepCost:
    """A sequence that runs alone; the first guess of a step is dearer than those behind it."""
    cost = StepCost()
    for _ in range(60):
        cost.observe(num_decodes=1, num_prefill=0, step_ms=base_ms)
        for num_drafted in (1, 4, 8):
            step_ms = base_ms + first_ms + next_ms * (num_drafted - 1)
            cost.observe(num_decodes=1, num_prefill=0, num_drafted=num_drafted, step_ms=step_ms)
    return cost


def test_the_surer_the_guess_the_more_of_it_is_checked() -> None:
    cost = alone(base_ms=8.5, first_ms=6.3, next_ms=4.0)
    lengths = [cost.draft_length(chance, target_ms=200, limit=16) for chance in (0.0, 0.3, 0.5, 0.8, 0.95, 1.0)]
    assert lengths[:2] == [0, 0]
    assert lengths == sorted(lengths)
    assert lengths[-1] == 16
    assert cost.draft_length(1.0, target_ms=200, limit=3) == 3
    assert cost.draft_length(1.0, target_ms=200, limit=0) == cost.draft_length(1.0, target_ms=200, limit=-1) == 0


def test_where_a_checked_token_costs_what_a_step_does_nothing_is_guessed() -> None:
    assert alone(base_ms=10, first_ms=10, next_ms=10).draft_length(0.99, target_ms=200, limit=16) == 0
    assert alone(base_ms=10, first_ms=0.5, next_ms=0.5).draft_length(0.6, target_ms=200, limit=16) > 3


def test_a_step_with_guesses_takes_no_longer_than_a_step_may() -> None:
    slow = alone(base_ms=320, first_ms=60, next_ms=60)  # a 7B model on two cores
    length = slow.draft_length(1.0, target_ms=200, limit=16)
    assert 4 <= length < 16
    assert 320 + slow.draft_ms(length) <= MAX_STRETCH * 320


def test_steps_with_guesses_teach_neither_the_base_nor_the_price_of_a_prompt() -> None:
    cost = learned(base_ms=20, prefill_ms=1)
    before = cost.prefill_ms(100), cost.base_ms(1)
    cost.observe(num_decodes=1, num_prefill=0, num_drafted=8, step_ms=900)
    assert (cost.prefill_ms(100), cost.base_ms(1)) == before
