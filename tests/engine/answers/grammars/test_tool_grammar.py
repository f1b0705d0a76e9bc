"""Whatever a family is made to write by its grammar is read as calls of the declared tools."""

import json
import random
from collections.abc import Mapping, Sequence

import jsonschema
import pytest
from llguidance import LLMatcher, LLTokenizer

from bdchat.engine.answers.families import FAMILIES
from bdchat.engine.answers.grammars.tool_grammar import ToolGrammar
from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted
from bdchat.engine.answers.reader import AnswerReader
from bdchat.engine.model_info import AnswerFormat

Tool = Mapping[str, object]
BYTES = LLTokenizer("byte")
EOS = BYTES.eos_token
ESCAPES = ("\n</parameter>\n", "</think>", "<|end|>", '"', "}", "]")  # what ends a text that may be anything
TOOLS: list[Tool] = [
    {"type": "function", "function": {"name": name, "parameters": parameters}}
    for name, parameters in {
        "get_weather": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "서울"},
                "days": {"type": "integer", "minimum": 1, "maximum": 9},
                "unit": {"type": "string", "enum": ["°C", "°F"]},
                "place": {"$ref": "#/$defs/place"},
            },
            "required": ["city", "unit"],
            "$defs": {"place": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}},
        },
        "either": {
            "anyOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"], "additionalProperties": False}]
        },
        "any-object": {"type": "object"},
        "now": None,
    }.items()
]


def schema_text(_: str, schema: Mapping[str, object]) -> str:
    style = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    return json.dumps({**schema, "x-guidance": style}, ensure_ascii=False)


def grammar(
    family: str, *, thinks: bool = False, is_parallel: bool = True, tools: Sequence[Tool] = TOOLS
) -> ToolGrammar:
    answer_format = AnswerFormat(family=family, thinks=thinks)
    return ToolGrammar(answer_format, tools, schema_text, {}, is_parallel)


def matcher(lark: str) -> LLMatcher:
    made = LLMatcher(BYTES, LLMatcher.grammar_from_lark(lark))
    assert not made.is_error(), made.get_error()
    return made


def written(lark: str, rng: random.Random) -> str:
    """A random answer that the grammar allows; what may be any text is ended soon."""
    following, answer = matcher(lark), bytearray()
    while not following.is_stopped():
        allowed = [token for token in range(256) if following.compute_logit_bias()[token]]
        forced = following.compute_ff_bytes()
        escapes = [mark.encode() for mark in ESCAPES if rng.random() < 0.4]
        escape = next((e for e in escapes if following.validate_tokens(list(e)) == len(e)), b"")
        if following.is_accepting() and rng.random() < 0.5:
            break
        piece = forced or escape or bytes([rng.choice([c for c in allowed if 32 <= c < 127 or c == 10] or allowed)])
        assert following.consume_tokens(list(piece))
        answer += piece
        assert len(answer) < 20_000
    return answer.decode()


def read(text: str, family: str) -> list[AnswerPart]:
    reader = AnswerReader(AnswerFormat(family=family), tools=TOOLS)
    return [*reader.feed(text), *reader.finish()]


def check_calls(parts: list[AnswerPart], text: str) -> int:
    started = [part for part in parts if isinstance(part, CallStarted)]
    assert all(isinstance(part, CallStarted | CallArguments) for part in parts), (text, parts)
    schemas = {str(tool["function"]["name"]): tool["function"]["parameters"] for tool in TOOLS}  # type: ignore[index]
    for call in started:
        arguments = "".join(p.text for p in parts if isinstance(p, CallArguments) and p.number == call.number)
        schema = schemas[call.name]
        jsonschema.validate(json.loads(arguments), schema or {"const": {}})
    return len(started)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_forced_is_read_as_valid_calls(family: str) -> None:
    rng, lark = random.Random(family), grammar(family).of_answer()
    for _ in range(6):
        text = written(lark, rng)
        assert check_calls(read(text, family), text) >= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_without_parallel_calls_there_is_one(family: str) -> None:
    rng, lark = random.Random(family), grammar(family, is_parallel=False).of_answer()
    for _ in range(3):
        text = written(lark, rng)
        assert check_calls(read(text, family), text) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_behind_an_opening_that_the_model_wrote_the_same_calls_are_forced(family: str) -> None:
    made, rng = grammar(family), random.Random(family)
    text = written(made.of_answer(), rng)
    for mark in FAMILIES[family].triggers:
        head, found, rest = text.partition(mark)
        if found:
            lark = made.of_call(mark)
            following = matcher(lark)
            assert following.consume_tokens(list(rest.encode())), following.get_error()
            assert following.is_accepting()
            text = head + mark + written(lark, rng)
            assert check_calls(read(text, family), text) >= 1


def test_an_answer_has_no_more_than_sixteen_calls() -> None:
    call = b'<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
    following = matcher(grammar("hermes").of_answer())
    assert following.consume_tokens(list(b"\n".join([call] * 16)))
    assert following.is_stopped()


@pytest.mark.parametrize("family", ["hermes", "harmony"])
def test_a_model_that_thinks_may_think_first(family: str) -> None:
    lark = grammar(family, thinks=True).of_answer()
    thought = (
        "<think>x < y</think>\n\n" if family == "hermes" else "<|channel|>analysis<|message|>x<|end|><|start|>assistant"
    )
    following = matcher(lark)
    assert following.consume_tokens(list(thought.encode()))
    assert not following.is_accepting()
    assert matcher(grammar(family).of_answer()).validate_tokens(list(thought.encode())) < len(thought)
    call = written(grammar(family).of_answer(), random.Random(1))
    assert following.consume_tokens(list(call.encode()))
    assert matcher(lark).consume_tokens(list(call.encode()))


def test_marks_that_are_control_tokens_are_written_as_such() -> None:
    marks = {5: "[TOOL_CALLS]", 6: "[ARGS]", 7: "[THINK]", 8: "[/THINK]"}
    answer_format = AnswerFormat(
        family="mistral_v11", thought_opening="[THINK]", thought_closing="[/THINK]", thinks=True
    )
    lark = ToolGrammar(answer_format, TOOLS, schema_text, marks).of_answer()
    assert "<[5]> call (<[5]> call){0,15}" in lark
    assert '"get_weather" <[6]> call_0_arguments' in lark
    assert "<[7]> thinking" in lark
    assert "thinking: /(?s:.*)/ <[8]>" in lark


def test_no_other_tool_and_no_other_arguments_pass() -> None:
    lark = grammar("generic").of_answer()
    for text in ('<tool_call>\n{"name": "nowhere', '<tool_call>\n{"name": "now", "arguments": {"', "Hello"):
        following = matcher(lark)
        assert following.validate_tokens(list(text.encode())) < len(text.encode())


@pytest.mark.parametrize(
    ("more", "is_closed"),
    [
        ({}, True),
        ({"required": ["city"]}, True),
        ({"required": ["other"]}, False),
        ({"additionalProperties": True}, False),
        ({"additionalProperties": {"type": "string"}}, False),
        ({"minProperties": 2}, False),
        ({"anyOf": [{"required": ["city"]}, {"required": ["other"]}]}, False),
    ],
)
def test_a_call_says_no_more_than_the_function_names(more: dict[str, object], is_closed: bool) -> None:
    """What a schema neither allows nor refuses kept small models writing until their tokens were used up."""
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, **more}
    tool = {"type": "function", "function": {"name": "weather", "parameters": parameters}}
    asked: list[Mapping[str, object]] = []

    def text_of(_: str, schema: Mapping[str, object]) -> str:
        asked.append(schema)
        return "{}"

    ToolGrammar(AnswerFormat(), [tool], text_of, mark_tokens={}).of_answer()
    assert asked == [{**parameters, "additionalProperties": False} if is_closed else parameters]
