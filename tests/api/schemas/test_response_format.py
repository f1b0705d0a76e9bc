"""What form an answer is asked for, in the words of OpenAI, vLLM and llama.cpp."""

import json
from typing import Any

import pytest

from bdchat.api.http.errors import UnsupportedParameter
from bdchat.api.http.parsing import parse, validate
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.completions import CompletionRequest
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import Constraint
from bdchat.settings import LimitSettings

CHAT = {"messages": [{"role": "user", "content": "hi"}]}
SCHEMA = {"type": "object", "properties": {"b": {}, "a": {"const": "한"}}, "maximum": 10**30}
TEXT = '{"type":"object","properties":{"b":{},"a":{"const":"한"}},"maximum":1000000000000000000000000000000}'
GBNF, LARK = 'root ::= "a"', 'start: "a"'


def asked(**fields: Any) -> Constraint | None:
    """Of chat completions and of completions, which must agree."""
    chat = validate(ChatCompletionRequest, CHAT | fields, LimitSettings()).to_generation_request("r")
    (text,) = validate(CompletionRequest, {"prompt": "hi"} | fields, LimitSettings()).to_generation_requests("r")
    assert chat.constraint == text.constraint
    return chat.constraint


def of_openai(schema: Any, **more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True} | more}


@pytest.mark.parametrize(
    ("field", "value", "kind", "text"),
    [
        ("response_format", {"type": "json_object"}, "json_object", ""),
        ("response_format", of_openai(SCHEMA), "json_schema", TEXT),
        ("response_format", of_openai(None), "json_object", ""),
        ("response_format", of_openai(SCHEMA, name=None, strict=None), "json_schema", TEXT),
        ("response_format", {"type": "json_object", "schema": SCHEMA}, "json_schema", TEXT),
        ("response_format", {"type": "json_schema", "schema": SCHEMA}, "json_schema", TEXT),
        ("guided_json", SCHEMA, "json_schema", TEXT),
        ("guided_json", json.dumps(SCHEMA), "json_schema", TEXT),
        ("guided_regex", "a+", "regex", "a+"),
        ("guided_choice", ["예", "no"], "choice", '["예","no"]'),
        ("guided_grammar", GBNF, "gbnf", GBNF),
        ("guided_grammar", LARK, "lark", LARK),
        ("grammar", GBNF, "gbnf", GBNF),
        ("json_schema", SCHEMA, "json_schema", TEXT),
        ("json_schema", {}, "json_schema", "{}"),
        ("structured_outputs", {"json": SCHEMA, "regex": None, "json_object": False}, "json_schema", TEXT),
        ("structured_outputs", {"regex": "a+"}, "regex", "a+"),
        ("structured_outputs", {"choice": ["a"]}, "choice", '["a"]'),
        ("structured_outputs", {"grammar": LARK}, "lark", LARK),
        ("structured_outputs", {"json_object": True}, "json_object", ""),
    ],
)
def test_every_program_asks_for_a_form_in_its_own_words(field: str, value: Any, kind: Any, text: str) -> None:
    assert asked(**{field: value}) == Constraint(kind=kind, text=text, field=field)


@pytest.mark.parametrize(
    "fields",
    [
        {"response_format": None, "guided_json": {}, "guided_regex": "", "guided_choice": [], "grammar": ""},
        {"response_format": {"type": "text"}, "structured_outputs": {}, "guided_grammar": "", "json_schema": ""},
    ],
)
def test_what_asks_for_nothing_is_no_form(fields: dict[str, Any]) -> None:
    assert asked(**fields) is None


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("response_format", "json", ""),
        ("response_format", {}, ".type"),
        ("response_format", {"type": ["json_object"]}, ".type"),
        ("response_format", {"type": "json_schema"}, ".json_schema"),
        ("response_format", of_openai([1]), ".json_schema.schema"),
        ("response_format", of_openai(SCHEMA, name="a b"), ".json_schema.name"),
        ("response_format", of_openai(SCHEMA, strict="yes"), ".json_schema.strict"),
        ("response_format", {"type": "json_object", "schema": "{}"}, ".schema"),
        ("guided_json", "{", ""),
        ("guided_json", [1], ""),
        ("guided_regex", 5, ""),
        ("guided_choice", "a", ""),
        ("guided_choice", ["a", ""], "[1]"),
        ("grammar", {}, ""),
        ("json_schema", [], ""),
        ("structured_outputs", [], ""),
        ("structured_outputs", {"regex": "a", "choice": ["a"]}, ""),
    ],
)
def test_a_form_that_is_none_is_refused_by_name(field: str, value: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        asked(**{field: value})
    assert refusal.value.param == field + param


def test_a_form_of_another_kind_is_not_supported() -> None:
    with pytest.raises(UnsupportedParameter) as refusal:
        asked(response_format={"type": "structural_tag"})
    assert refusal.value.param == "response_format.type"


def test_two_forms_are_refused_and_the_same_form_said_twice_is_one() -> None:
    assert asked(response_format=of_openai(SCHEMA), guided_json=SCHEMA) == asked(response_format=of_openai(SCHEMA))
    with pytest.raises(InvalidRequest) as refusal:
        asked(response_format={"type": "json_object"}, guided_regex="a")
    assert refusal.value.param == "guided_regex"


def test_a_schema_within_a_schema_is_no_bomb() -> None:
    deep = b'{"messages":[{"role":"user","content":"hi"}],"json_schema":' + b'{"a":' * 900 + b"1" + b"}" * 901
    constraint = parse(ChatCompletionRequest, deep, LimitSettings()).constraint
    assert constraint is not None
    assert constraint.text.count("{") == 900
