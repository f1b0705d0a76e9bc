"""The laws of an answer's expected rest."""

import pytest

from bdchat.engine.request import Priority
from bdchat.engine.scheduling.pace.drain import LONGEST_WAIT_S, seconds_until_free
from bdchat.engine.scheduling.pace.growth import FIRST_GUESS, MAX_KINDS, REFRESHED_AFTER, AnswerGrowth
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import PROMPT, add, ask, step
from tests.fakes import FakeRunner

CHAT, BATCH = Priority.INTERACTIVE, Priority.BATCH


def learned(lengths: list[int], *, user: str = "u", priority: Priority = CHAT, max_tokens: int = 4000) -> AnswerGrowth:
    growth = AnswerGrowth()
    for num_generated in lengths:
        growth.observe(user, priority, max_tokens=max_tokens, num_generated=num_generated)
    return growth


def test_while_nothing_is_known_the_first_guess_holds_within_what_is_left() -> None:
    growth = AnswerGrowth()
    assert growth.remaining("u", CHAT, 4000, 0) == FIRST_GUESS + 1
    assert growth.remaining("u", CHAT, 10, 0) == 10
    assert growth.remaining("u", CHAT, 10, 10) == 0


def test_the_rest_is_what_those_that_got_as_far_went_further() -> None:
    """Short ones say nothing of an answer that is longer already: a running mean of 65 expected its end at 100."""
    growth = learned([10] * 20 + [120] * 20)
    assert growth.remaining("u", CHAT, 4000, 0) == 66
    assert growth.remaining("u", CHAT, 4000, 10) == 111
    assert growth.remaining("u", CHAT, 4000, 100) == 21


def test_longer_than_all_that_was_seen_goes_on_as_long_again() -> None:
    growth = learned([300] * 20)
    assert growth.remaining("u", CHAT, 4000, 300) == 301
    assert growth.remaining("u", CHAT, 310, 300) == 10


def test_an_answer_that_was_cut_counts_as_longer() -> None:
    """Titles of 8 tokens at most say of a long answer that it gets further than 8, not that it ends there."""
    growth = learned([8] * 40, max_tokens=8)
    assert growth.remaining("u", CHAT, 8, 0) == 8
    assert growth.remaining("u", CHAT, 4000, 0) > 100


def test_users_priorities_and_bounds_are_kinds_of_their_own() -> None:
    growth = learned([20] * 20, user="brief")
    for _ in range(20):
        growth.observe("verbose", CHAT, max_tokens=4000, num_generated=500)
        growth.observe("verbose", BATCH, max_tokens=4000, num_generated=50)
        growth.observe("verbose", CHAT, max_tokens=200, num_generated=90)
    assert growth.remaining("brief", CHAT, 4000, 0) == 21
    assert growth.remaining("verbose", CHAT, 4000, 0) == 501
    assert growth.remaining("verbose", BATCH, 4000, 0) == 51
    assert growth.remaining("verbose", CHAT, 200, 0) == 91


def test_a_stranger_is_expected_to_be_like_the_others() -> None:
    growth = learned([20] * 20)
    assert growth.remaining("stranger", CHAT, 4000, 0) == 21
    assert growth.remaining("stranger", BATCH, 60, 0) == 21


def test_only_the_newest_users_are_remembered() -> None:
    growth = learned([20] * 10, user="first")
    for place in range(MAX_KINDS):
        growth.observe(f"u{place}", CHAT, max_tokens=4000, num_generated=700)
    assert growth.remaining("first", CHAT, 4000, 0) == 701


@pytest.mark.parametrize("num_generated", [0, 1, 3, 7, 8, 20])
def test_the_rest_equals_a_plain_product_of_survivals(num_generated: int) -> None:
    lengths = [
        (1, 90),
        (3, 90),
        (8, 8),
        (5, 5),
        (20, 90),
        (9, 90),
        (30, 90),
        (40, 90),
        (41, 90),
        (42, 90),
        (43, 90),
        (44, 90),
    ]
    growth = AnswerGrowth()
    for length, most in lengths:
        growth.observe("u", CHAT, max_tokens=most, num_generated=length)
    # kinds by max_tokens differ, so that the priority's own kind, which has them all, answers
    expected, share = 0.0, 1.0
    for at in range(num_generated, 44):
        expected += share
        ends = sum(length == at + 1 and most == 90 for length, most in lengths)
        share *= 1 - ends / sum(length >= at + 1 for length, _ in lengths)
    assert growth.remaining("u", CHAT, 1000, num_generated) == int(expected) + 1


def test_a_place_is_free_the_sooner_the_more_answers_run() -> None:
    assert seconds_until_free([100], reading_ms=0, step_ms=50) == 5.0
    assert seconds_until_free([100] * 4, reading_ms=0, step_ms=50) == 1.25
    assert seconds_until_free([100] * 4, reading_ms=2000, step_ms=50, num_wanted=4) == 7.0
    assert seconds_until_free([], reading_ms=0, step_ms=50) == 1.0
    assert seconds_until_free([10**6], reading_ms=0, step_ms=5000) == LONGEST_WAIT_S


def test_what_is_told_of_a_sequence_counts_down_between_two_reckonings() -> None:
    runner = FakeRunner(n_ctx=400)
    scheduler = Scheduler(runner)
    growth = learned([100] * 10, user="", max_tokens=390)
    add(scheduler, ask(PROMPT, max_tokens=390 - len(PROMPT)))
    (sequence,) = scheduler.sequences()[1]
    assert growth.of(sequence) == 101
    step(scheduler)
    told = [growth.of(sequence)]
    for _ in range(REFRESHED_AFTER):
        step(scheduler)
        told.append(growth.of(sequence))
    assert told == list(range(100, 100 - len(told), -1))
    growth = learned([30] * 10, user="", max_tokens=390)
    for _ in range(REFRESHED_AFTER):
        step(scheduler)
        told.append(growth.of(sequence))
    assert told[-1] < 30 < told[REFRESHED_AFTER]
