"""Where a grammar takes over from an answer that runs free."""

import pytest

from bdchat.engine.answers.opening_watch import Opening, OpeningWatch
from bdchat.engine.model_info import AnswerFormat

HERMES = AnswerFormat(family="hermes")


def watched(text: str, answer_format: AnswerFormat = HERMES, *, opens_thought: bool = False) -> list[Opening | None]:
    """Fed letter by letter: what it says of each, None left out."""
    watch = OpeningWatch(answer_format, opens_thought=opens_thought)
    return [opening for letter in text if (opening := watch.feed(letter)) is not None]


@pytest.mark.parametrize(
    ("family", "text", "mark"),
    [
        ("hermes", "Let me look.\n<tool_call>", "<tool_call>"),
        ("mistral_v7", "```\n[TOOL_CALLS]", "[TOOL_CALLS]"),
        ("command_r", "Action: ```json", "Action: ```json"),
        ("harmony", "<|channel|>commentary to=functions.", "to=functions."),
        ("qwen3_coder", "<function=", "<function="),
        ("gemma3", "<tool_call>", "<tool_call>"),
    ],
)
def test_the_opening_is_seen_with_its_last_letter(family: str, text: str, mark: str) -> None:
    answer_format = AnswerFormat(family=family)
    assert watched(text[:-1], answer_format) == []
    assert watched(text, answer_format) == [Opening(mark, "")]


def test_what_the_same_token_wrote_behind_it_is_told() -> None:
    watch = OpeningWatch(HERMES)
    assert watch.feed("<tool_") is None
    assert watch.feed('call>\n{"') == Opening("<tool_call>", '\n{"')


@pytest.mark.parametrize(
    "text", ["<think>a <tool_call> b", "```\n<tool_call>", "<tool_cal", "<think>a</think>```<tool_call>", "tool_call>"]
)
def test_no_opening_counts_in_thoughts_and_examples(text: str) -> None:
    assert watched(text) == []


def test_behind_thoughts_and_fences_openings_count_again() -> None:
    assert watched("<think>a <tool_call></think>\n<tool_call>") == [Opening("<tool_call>", "")]
    assert watched("a <tool_call></think>\n<tool_call>", opens_thought=True) == [Opening("<tool_call>", "")]
    assert watched("```\nx\n```\n<tool_call>") == [Opening("<tool_call>", "")]
    assert watched("x <think> <tool_call>") == [Opening("<tool_call>", "")]


@pytest.mark.parametrize("family", ["llama4", "functionary_v32"])
def test_a_family_whose_calls_nothing_sets_apart_runs_free(family: str) -> None:
    assert watched('>>>all\n{"name": 1}', AnswerFormat(family=family)) == []
