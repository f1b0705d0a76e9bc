"""The laws of who reads first and how much."""

from bdchat.engine.scheduling.pace.shares import PATIENCE_S, USER_BAND, ReadingPrompt, reading_order, share_budget


def order(*prompts: ReadingPrompt) -> list[int]:
    return reading_order(prompts, token_ms=1.0)


def test_the_shortest_prompt_reads_first() -> None:
    by_length = order(*[ReadingPrompt(n, 0.0, is_interactive=True) for n in (300, 20, 100)])
    assert by_length == [1, 2, 0]
    assert share_budget([300, 20, 100], 64, order=by_length) == [0, 20, 44]
    assert share_budget([300, 20, 100], 64, order=by_length, at_least=[1, 1, 1]) == [1, 20, 43]
    assert share_budget([3, 3, 3], 2, order=[0, 1, 2], at_least=[1, 1, 1]) == [1, 1, 0]
    assert share_budget([9, 9], 3, order=[1, 0], at_least=[1, 0]) == [1, 2]
    assert share_budget([], 64, order=[]) == []


def test_equal_prompts_read_one_after_the_other() -> None:
    assert order(*[ReadingPrompt(100, 1.0, is_interactive=True)] * 3) == [0, 1, 2]


def test_newcomers_pass_nobody_who_has_waited_as_long_as_its_reading_takes() -> None:
    newcomer = ReadingPrompt(20, 0.0, is_interactive=True)
    assert order(ReadingPrompt(3000, 2.9, is_interactive=True), newcomer) == [1, 0]
    assert order(ReadingPrompt(3000, 3.0, is_interactive=True), newcomer) == [0, 1]


def test_interactive_prompts_come_before_batch_ones_that_have_not_waited_long() -> None:
    asked = ReadingPrompt(3000, 0.0, is_interactive=True)
    assert order(ReadingPrompt(5, PATIENCE_S - 1, is_interactive=False), asked) == [1, 0]
    assert order(ReadingPrompt(5, PATIENCE_S, is_interactive=False), asked) == [0, 1]


def test_who_was_served_least_reads_first() -> None:
    heavy = [ReadingPrompt(20, 5.0, is_interactive=True, served=1000 + USER_BAND)] * 2
    assert order(*heavy, ReadingPrompt(300, 0.0, is_interactive=True, served=1000)) == [2, 0, 1]
    assert order(*heavy, ReadingPrompt(300, 0.0, is_interactive=True, served=1001)) == [0, 1, 2]
