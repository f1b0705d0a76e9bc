"""What accounts were answered lately: found by the account itself alone, bounded, forgotten with its conversation."""

import random

import pytest

from bdchat.engine.drafting.recent_answers import MATCH_TOKENS, RecentAnswers

PASSAGE = list(range(50, 90))


def found(answers: RecentAnswers, account: str, tokens: list[int]) -> list[int]:
    view = answers.of(account)
    at = view.find(tokens, most_agreeing=17) if view is not None else None
    return at.after(4) if at is not None else []


def test_an_account_finds_its_own_answers_and_no_others() -> None:
    answers = RecentAnswers(1000)
    answers.remember("ann", "", PASSAGE)
    assert found(answers, "ann", [1, 52, 53, 54]) == [55, 56, 57, 58]
    assert found(answers, "bob", [1, 52, 53, 54]) == []


def test_of_who_has_no_account_nothing_is_kept() -> None:
    answers = RecentAnswers(1000)
    answers.remember("", "", PASSAGE)
    assert answers.num_tokens == 0
    assert answers.of("") is None


def test_the_newest_answer_counts() -> None:
    answers = RecentAnswers(1000)
    answers.remember("ann", "", PASSAGE)
    answers.remember("ann", "", [*range(52, 55), *range(200, 230)])
    assert found(answers, "ann", [52, 53, 54]) == [200, 201, 202, 203]


def test_a_deleted_conversation_is_forgotten() -> None:
    answers = RecentAnswers(1000)
    answers.remember("ann", "chat", PASSAGE)
    answers.remember("ann", "other", [*range(300, 330)])
    answers.forget("chat")
    assert found(answers, "ann", [52, 53, 54]) == []
    assert found(answers, "ann", [301, 302, 303]) == [304, 305, 306, 307]
    answers.forget("")  # those without a conversation are not one
    assert answers.num_tokens == 30


@pytest.mark.parametrize("seed", range(20))
def test_it_holds_no_more_than_its_bound_and_only_what_was_remembered(seed: int) -> None:
    """Against the plainest model of it: a list of answers, searched from the end."""
    rng = random.Random(seed)
    answers, kept = RecentAnswers(300), list[tuple[str, str, list[int]]]()
    for _ in range(60):
        account, tag = rng.choice("ab"), rng.choice("xyz")
        answer = [rng.randrange(6) for _ in range(rng.randrange(16, 80))]
        answers.remember(account, tag, answer)
        kept.append((account, tag, answer))
        while sum(len(tokens) for _, _, tokens in kept) > 300:
            kept.pop(0)
        if rng.random() < 0.1:
            answers.forget(tag := rng.choice("xyz"))
            kept = [each for each in kept if each[1] != tag]
        assert answers.num_tokens == sum(len(tokens) for _, _, tokens in kept) <= 300
        tail = [rng.randrange(6) for _ in range(MATCH_TOKENS)]
        view = answers.of(account)
        assert view is not None
        at = view.find(tail, most_agreeing=17)
        if at is not None:
            assert any(who == account and tokens == at.answer for who, _, tokens in kept)
            assert at.answer[at.place - MATCH_TOKENS : at.place] == tail


def test_an_answer_longer_than_the_bound_is_kept_from_its_end() -> None:
    answers = RecentAnswers(100)
    answers.remember("ann", "", list(range(500)))
    assert answers.num_tokens == 100
    assert found(answers, "ann", [450, 451, 452]) == [453, 454, 455, 456]
