"""Prompt lookup: what is guessed, how sure it is, what it learns."""

from bdchat.engine.drafting.guess import GuessSource
from bdchat.engine.drafting.prompt_lookup import MAX_GUESS, PromptLookup
from bdchat.engine.drafting.recent_answers import MATCH_TOKENS, RecentAnswers


def test_what_followed_last_time_is_guessed() -> None:
    assert PromptLookup().guess([1, 2, 3, 4, 5, 9, 1, 2, 3]).tokens[:4] == [4, 5, 9, 1]


def test_of_several_places_the_newest_counts() -> None:
    assert PromptLookup().guess([1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3]).tokens[0] == 5


def test_a_new_beginning_is_not_guessed() -> None:
    lookup = PromptLookup()
    assert lookup.guess([1, 2, 3, 4, 5, 6]).tokens == []
    assert lookup.guess([]).tokens == []
    assert lookup.guess([1, 2, 3][: MATCH_TOKENS - 1]).tokens == []


def test_what_repeats_goes_on_into_the_guess() -> None:
    guess = PromptLookup().guess([7, 8, 9] * 3)
    assert guess.tokens == ([7, 8, 9] * MAX_GUESS)[:MAX_GUESS]


def test_a_longer_agreement_is_surer() -> None:
    short = PromptLookup().guess([1, 2, 3, 4, 9, 1, 2, 3])
    long = PromptLookup().guess([*range(30), 99, *range(30)])
    assert short.chance < long.chance


def test_chances_follow_what_came_whether_or_not_the_guess_was_computed() -> None:
    right, wrong = PromptLookup(), PromptLookup()
    start = [1, 2, 3, 4, 9, 1, 2, 3]
    first = right.guess(start).chance
    wrong.guess(start)
    assert right.guess([*start, 4, 9, 8, 1, 2, 3]).chance > first
    assert wrong.guess([*start, 7, 6, 8, 1, 2, 3]).chance < first


def test_a_long_prompt_is_taken_in_over_a_few_steps() -> None:
    tokens = [*range(9000), 0, 1, 2]
    lookup = PromptLookup()
    guesses = [lookup.guess(tokens).tokens for _ in range(6)]
    assert guesses[0][:2] == guesses[-1][:2] == [3, 4]
    late = [*tokens, 8990, 8991, 8992]
    assert lookup.guess(late).tokens[0] == 8993


def test_where_the_text_itself_knows_nothing_a_recent_answer_of_the_account_does() -> None:
    answers = RecentAnswers(1000)
    answers.remember("ann", "", [*range(100, 140)])
    lookup = PromptLookup(answers.of("ann"))
    guess = lookup.guess([1, 2, 110, 111, 112])
    assert (guess.source, guess.tokens[:3]) == (GuessSource.RECENT, [113, 114, 115])
    before = guess.chance
    assert lookup.guess([1, 2, 110, 111, 112, 113, 114, 115]).chance > before
    assert PromptLookup(answers.of("bob")).guess([1, 2, 110, 111, 112]).tokens == []


def test_an_edited_passage_is_taken_up_again_behind_the_edit() -> None:
    """Of a word that is another one: what stood behind it is guessed at once, behind a longer one some tokens later."""
    passage = [*range(100, 140)]
    lookup = PromptLookup()
    written = [*passage, 1]
    for token in passage[:20]:
        written.append(token)
        lookup.guess(written)
    replaced = lookup.guess([*written, 7])
    assert replaced.tokens[:3] == [121, 122, 123]
    assert replaced.chance > 0.3
    taken_up = lookup.guess([*written, 7, 8, 9, 121, 122, 123])  # three tokens for one
    assert taken_up.tokens[:3] == [124, 125, 126]
    assert taken_up.chance > PromptLookup().guess([*passage, 1, 121, 122, 123]).chance


def test_a_passage_that_is_left_for_good_is_not_guessed_from() -> None:
    lookup = PromptLookup()
    written = [*range(100, 140), 1, *range(100, 120)]
    lookup.guess(written)
    for token in range(500, 600):
        written.append(token)
        guess = lookup.guess(written)
    assert guess.tokens == []
