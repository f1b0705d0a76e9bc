"""What an answer's text means, whatever the pieces are in which it comes."""

import json
import random
from collections.abc import Sequence

import pytest

from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted, Content, Thought
from bdchat.engine.answers.reader import AnswerReader
from bdchat.engine.model_info import AnswerFormat

TOOLS = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "search", "now")]
HERMES = AnswerFormat(family="hermes")
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "서울", "days": [1, {"a": null}]}}\n</tool_call>'
ARGUMENTS = '{"city": "서울", "days": [1, {"a": null}]}'


def joined(parts: Sequence[AnswerPart]) -> list[AnswerPart]:
    """Neighbours of one kind as one."""
    result: list[AnswerPart] = []
    for part in parts:
        last = result[-1] if result else None
        if isinstance(part, CallStarted) or last is None or last[:-1] != part[:-1] or type(last) is not type(part):
            result.append(part)
        else:
            result[-1] = part._replace(text=last[-1] + part.text)
    return result


def read(
    text: str, answer_format: AnswerFormat = HERMES, *, pieces: Sequence[str] | None = None, **options: object
) -> list[AnswerPart]:
    reader = AnswerReader(answer_format, **{"tools": TOOLS} | options)  # type: ignore[arg-type]
    parts = [part for piece in pieces or [text] for part in reader.feed(piece)]
    return joined([*parts, *reader.finish()])


@pytest.mark.parametrize(
    "text", ["", " ", "Hello.\n", "\n\nHello </think> <b>", "a < b <tool", '{"name": "search"}', "``` x", "안녕 🙂 "]
)
def test_an_answer_without_marks_is_its_text(text: str) -> None:
    assert read(text) == ([Content(text)] if text else [])


def test_a_thought_is_split_from_the_content_and_the_white_space_around_it_dropped() -> None:
    assert read("<think>\nHmm.\n\nYes.\n</think>\n\nHello.") == [Thought("Hmm.\n\nYes."), Content("Hello.")]
    assert read("\n<think></think>Hello.") == [Content("Hello.")]


def test_a_thought_that_the_template_opened_needs_no_opening_and_one_written_again_is_dropped() -> None:
    expected = [Thought("Hmm."), Content("Hello.")]
    assert read("Hmm.</think>\nHello.", opens_thought=True) == expected
    assert read("<think>Hmm.</think>\nHello.", opens_thought=True) == expected


def test_a_thought_that_never_ends_is_all_thought() -> None:
    assert read("<think>Hmm. </thin") == [Thought("Hmm. </thin")]


def test_a_tag_within_the_content_opens_no_thought() -> None:
    assert read("The tag <think> opens it.") == [Content("The tag <think> opens it.")]


def test_a_thought_has_the_tags_of_its_model() -> None:
    answer_format = AnswerFormat(thought_opening="[THINK]", thought_closing="[/THINK]")
    assert read("[THINK]Hmm.[/THINK]Hello.", answer_format) == [Thought("Hmm."), Content("Hello.")]
    assert read("<think>Hmm.", answer_format) == [Content("<think>Hmm.")]


def test_a_call_is_told_by_name_once_then_its_arguments_as_they_are_written() -> None:
    assert read(f"<think>So.</think>\nLet me look.\n{CALL}\n{CALL}\n") == [
        Thought("So."),
        Content("Let me look."),
        CallStarted(0, "get_weather"),
        CallArguments(0, ARGUMENTS),
        CallStarted(1, "get_weather"),
        CallArguments(1, ARGUMENTS),
    ]


def test_arguments_come_in_pieces_as_they_arrive() -> None:
    reader = AnswerReader(HERMES, tools=TOOLS)
    assert reader.feed('<tool_call>{"name": "search", "argu') == []
    assert reader.feed('ments": {"q') == [CallStarted(0, "search"), CallArguments(0, '{"q')]
    assert reader.feed('": "two') == [CallArguments(0, '": "two')]
    assert reader.feed(' words"') == [CallArguments(0, ' words"')]
    assert reader.feed("}}</tool_call>") == [CallArguments(0, "}")]


def test_arguments_may_be_missing_null_a_string_or_before_the_name() -> None:
    for call, arguments in [
        ('{"name": "now"}', "{}"),
        ('{"name": "now", "arguments": null}', "{}"),
        ('{"name": "now", "arguments": "{\\"a\\": 1}"}', '{"a": 1}'),
        ('{"arguments": {"a": 1}, "id": 7, "name": "now"}', '{"a": 1}'),
        ('[{"name": "now", "parameters": {"a": 1}, "id": "x"}]', '{"a": 1}'),
    ]:
        assert read(f"<tool_call>{call}</tool_call>") == [CallStarted(0, "now"), CallArguments(0, arguments)]


def test_a_line_break_within_a_string_is_escaped() -> None:
    _, arguments = read('<tool_call>{"name": "now", "arguments": {"a": "one\ntwo"}}</tool_call>')
    assert json.loads(arguments.text) == {"a": "one\ntwo"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "unknown", "arguments": {}}</tool_call>',
        "<tool_call> is the tag",
        '<tool_call>{"name": "now", "arguments": [1]}</tool_call>',
        '<tool_call>{"name": "now", "arguments": {1: 2}}</tool_call>',
        '<tool_call>{"name": "now" "arguments": {}}</tool_call>',
        f"For example:\n```\n{CALL}\n```\nSo.",
        '<tool_call>\n{"name": "now", "argume',
        '<tool_call>\n{"arguments": {"a": 1}, "name": "no',
        "<tool_call>",
        "text <tool_ca",
    ],
)
def test_text_that_only_looks_like_a_call_stays_text(text: str) -> None:
    assert read(text) == [Content(text)]


def test_behind_a_fence_a_call_is_a_call() -> None:
    assert read(f"```\nx\n```\n{CALL}") == [
        Content("```\nx\n```"),
        CallStarted(0, "get_weather"),
        CallArguments(0, ARGUMENTS),
    ]


def test_no_tools_or_tool_choice_none_reads_no_calls() -> None:
    assert read(CALL, tools=[]) == read(CALL, reads_calls=False) == [Content(CALL)]


def test_what_follows_a_call_is_content() -> None:
    assert read(f"{CALL}\n\nDone.")[-1] == Content("Done.")


@pytest.mark.parametrize("length", range(1, len(CALL)))
def test_of_a_call_that_was_cut_off_nothing_is_lost_and_nothing_leaks(length: int) -> None:
    text = CALL[:length]
    match read(text):
        case [Content(text=content)]:
            assert content == text
        case [CallStarted(name="get_weather"), CallArguments(text=arguments)]:
            assert ARGUMENTS.startswith(arguments)
            assert text.endswith(arguments) or arguments == ARGUMENTS
        case parts:
            pytest.fail(str(parts))


def test_behind_a_call_half_an_opening_is_no_content() -> None:
    for length in range(len("<tool_call>")):
        assert read(f"{CALL}\n{'<tool_call>'[:length]}") == read(CALL)


def test_arguments_that_break_off_leave_their_rest_as_text() -> None:
    parts = read('<tool_call>{"name": "now", "arguments": {"a": oops, "b": 1}}</tool_call>')
    assert parts[:2] == [CallStarted(0, "now"), CallArguments(0, '{"a": oops')]
    assert parts[2:] == [Content(', "b": 1}}</tool_call>')]


@pytest.mark.parametrize("seed", range(20))
def test_the_parts_are_the_same_however_the_text_is_cut(seed: int) -> None:
    rng = random.Random(seed)
    scraps = ["<think>", "</think>", CALL, CALL[: rng.randrange(len(CALL))], "```", "\n", " ", "안녕 🙂", "<tool_call>"]
    text = "".join(rng.choices(scraps, k=8))
    cuts = sorted(rng.sample(range(len(text) + 1), k=min(12, len(text))))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(text, pieces=pieces) == read(text) == read(text, pieces=list(text) or [""])
