"""Every family of models: calls → prompt → the same calls read out of it, and what was cut off on the way."""

import json
import random

import pytest

from bdchat.engine.answers.detection import answer_format, shown_marks
from bdchat.engine.answers.families import FAMILIES
from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted, Content, Thought
from bdchat.engine.answers.reader import AnswerReader
from bdchat.engine.model_info import AnswerFormat
from tests.engine.answers.family_templates import FIXTURES, TOOLS, random_calls, template_of, written_answer
from tests.engine.answers.test_reader import joined

Call = tuple[str, object]
CONTENTS = ("", "Let me look.", "알아보겠습니다.\n\n`x < y`")


def read(text: str, answer_format: AnswerFormat, pieces: list[str] | None = None) -> list[AnswerPart]:
    reader = AnswerReader(answer_format, tools=TOOLS)
    parts = [part for piece in pieces or [text] for part in reader.feed(piece)]
    return joined([*parts, *reader.finish()])


def calls_in(parts: list[AnswerPart]) -> list[Call]:
    arguments = {part.number: part.text for part in parts if isinstance(part, CallArguments)}
    started = [part for part in parts if isinstance(part, CallStarted)]
    assert [part.number for part in started] == list(range(len(started)))
    return [(part.name, json.loads(arguments[part.number])) for part in started]


def content_in(parts: list[AnswerPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Content))


def test_every_family_has_a_template() -> None:
    assert {fixture.family for fixture in FIXTURES.values()} == set(FAMILIES)


@pytest.mark.parametrize("file", FIXTURES)
def test_the_family_is_found_from_the_template(file: str) -> None:
    assert template_of(file).answer_format.family == FIXTURES[file].family


@pytest.mark.parametrize("file", FIXTURES)
def test_twenty_conversations_come_back_as_they_were(file: str) -> None:
    fixture, template = FIXTURES[file], template_of(file)
    for seed in range(20):
        rng = random.Random(seed)
        content, calls = rng.choice(CONTENTS), random_calls(rng, fixture.max_calls)
        if not fixture.has_text:
            content = ""
        text = written_answer(template, fixture, content, calls)
        cuts = sorted(rng.choices(range(len(text) + 1), k=20))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        parts = read(text, template.answer_format, pieces)
        assert calls_in(parts) == [(call.name, json.loads(call.arguments)) for call in calls], text
        assert content_in(parts) == content
        assert parts == read(text, template.answer_format)


@pytest.mark.parametrize("file", FIXTURES)
def test_a_thought_before_the_calls_is_told_apart(file: str) -> None:
    fixture, template = FIXTURES[file], template_of(file)
    calls = random_calls(random.Random(file), fixture.max_calls)
    text = written_answer(template, fixture, "", calls)
    marks = template.answer_format
    thought = f"{marks.thought_opening}\nIs it {{raining}}?\n{marks.thought_closing}\n\n"
    if fixture.family == "harmony":
        thought = "<|channel|>analysis<|message|>Is it {raining}?<|end|><|start|>assistant"
    parts = read(thought + text, marks)
    assert parts[0] == Thought("Is it {raining}?")
    assert calls_in(parts) == [(call.name, json.loads(call.arguments)) for call in calls]


@pytest.mark.parametrize("file", FIXTURES)
def test_of_half_calls_nothing_is_lost_and_nothing_leaks(file: str) -> None:
    """Wherever an answer is cut: a call that was told has the beginning of its arguments, and its marks are in no
    content; one that was not told is content, whole."""
    fixture, template = FIXTURES[file], template_of(file)
    rng = random.Random(file)
    calls = random_calls(rng, fixture.max_calls)
    whole = [(call.name, json.loads(call.arguments)) for call in calls]
    text = written_answer(template, fixture, "", calls)
    for length in range(len(text)):
        parts = read(text[:length], template.answer_format)
        started = [part for part in parts if isinstance(part, CallStarted)]
        assert [part.name for part in started] == [name for name, _ in whole[: len(started)]]
        complete = started[:-1]
        assert (
            calls_in([p for p in parts if isinstance(p, CallStarted | CallArguments) and p.number < len(complete)])
            == (whole[: len(complete)])
        )
        content = content_in(parts)
        assert text[:length].endswith(content)
        if not started:
            assert (
                content.strip() == text[:length].strip()
                or FAMILIES[fixture.family].wrappers
                or (fixture.family == "harmony")
            )


@pytest.mark.parametrize("family", FAMILIES)
def test_text_that_holds_marks_and_no_call_is_content(family: str) -> None:
    for opening in FAMILIES[family].openings:
        text = f"The mark {opening} begins one, as in {opening}{{'x': 1}}."
        if family != "harmony":
            assert content_in(read(text, AnswerFormat(family=family))) == text


@pytest.mark.parametrize("file", FIXTURES)
def test_an_answer_of_words_is_its_text_in_every_family(file: str) -> None:
    text = "Hello, 세계 🙂.\n\n```python\nget_weather(city='x')\n```\n{\"a\": [1]} (now) "
    assert read(text, template_of(file).answer_format) == [Content(text)]


def test_python_calls_are_read_where_a_family_writes_them() -> None:
    expected: list[Call] = [
        ("get_weather", {"city": "서울", "days": 3}),
        ("search-web", {"query": "it's", "filters": {"a": [None, True, [1, 2]]}, "limit": -1.5}),
    ]
    filters = '{"a": [None, True, (1, 2)]}'
    listed = f"""[get_weather(city="서울", days=3), search-web(query='it\\'s', filters={filters}, limit=-1.5)]"""
    for family in ("llama4", "generic", "gemma3", "llama3"):
        assert calls_in(read(listed, AnswerFormat(family=family))) == expected
    assert calls_in(read(f"<|python_start|>{listed}<|python_end|>", AnswerFormat(family="llama4"))) == expected
    assert calls_in(read("```tool_code\nnow()\n```", AnswerFormat(family="gemma3"))) == [("now", {})]
    assert calls_in(read("<|python_tag|>get_weather.call(city='x')", AnswerFormat(family="llama3"))) == [
        ("get_weather", {"city": "x"})
    ]


@pytest.mark.parametrize(
    "text", ["now(1)", "now (x)", "[now(a=b c)]", "[unknown()]", "now", "[1, 2]", "get_weather(city"]
)
def test_what_only_looks_like_python_stays_text(text: str) -> None:
    assert read(text, AnswerFormat(family="llama4")) == [Content(text)]


def test_a_value_in_tags_has_the_type_of_its_parameter() -> None:
    text = (
        '<tool_call>\n<function=search-web>\n<parameter=query>\n123\n</parameter>\n<parameter=filters>\n{"a": 1}\n'
        "</parameter>\n<parameter=limit>\nnot a number\n</parameter>\n</function>\n</tool_call>"
    )
    assert calls_in(read(text, AnswerFormat(family="qwen3_coder"))) == [
        ("search-web", {"query": "123", "filters": {"a": 1}, "limit": "not a number"})
    ]


def test_a_long_text_in_tags_comes_in_pieces() -> None:
    reader = AnswerReader(AnswerFormat(family="qwen3_coder"), tools=TOOLS)
    reader.feed("<tool_call>\n<function=get_weather>\n<parameter=city>\n")
    assert reader.feed('line "one"\nline') == [CallArguments(0, 'line \\"one\\"\\nline')]
    assert reader.feed("\n</param") == []
    assert reader.feed("eter>\n</function>") == [CallArguments(0, '"}')]


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "harmony"])
def test_the_words_in_which_earlier_calls_are_told_are_read_in_every_family(family: str) -> None:
    """Mistral's third template loses a call beside a text: told of it as Hermes writes, the model did so too."""
    text = 'Let me look.\n<tool_call>\n{"name": "now", "arguments": {"a": 1}}\n</tool_call>'
    assert read(text, AnswerFormat(family=family)) == [
        Content("Let me look."),
        CallStarted(0, "now"),
        CallArguments(0, '{"a": 1}'),
    ]


def test_channels_are_told_apart() -> None:
    text = (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>Let me look.<|end|>"
        "<|start|>assistant<|channel|>analysis<|message|>Yes.<|end|><|start|>assistant<|channel|>final<|message|>Hello."
    )
    expected = [Thought("Hm."), Content("Let me look."), Thought("\n\nYes."), Content("\n\nHello.")]
    assert (
        read(text, AnswerFormat(family="harmony")) == read(text, AnswerFormat(family="harmony"), list(text)) == expected
    )
    assert read("<|channel|>fin", AnswerFormat(family="harmony")) == []
    unknown = " to=functions.unknown<|channel|>commentary json<|message|>{}"
    assert read(unknown, AnswerFormat(family="harmony")) == [Content(unknown)]


def test_a_template_that_shows_no_tools_is_generic_whatever_marks_it_has() -> None:
    assert answer_format("<tool_call> [TOOL_CALLS]", supports_tools=False).family == "generic"
    assert answer_format("x <tool_call>", supports_tools=True).family == "hermes"


def test_the_tags_of_a_thought_are_the_templates() -> None:
    found = answer_format("{{ m.content.split('[/THINK]') }}", supports_tools=False)
    assert (found.thought_opening, found.thought_closing, found.thinks) == ("[THINK]", "[/THINK]", True)
    assert answer_format("", supports_tools=False) == AnswerFormat()


def test_the_marks_of_a_family_are_shown_whatever_they_are_to_the_vocabulary() -> None:
    assert {"[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<think>", "</think>"} <= shown_marks(
        AnswerFormat(family="mistral_v11")
    )
    assert {"<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|constrain|>"} <= shown_marks(
        AnswerFormat(family="harmony")
    )
