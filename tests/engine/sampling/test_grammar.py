import json

import pytest

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import Constraint
from tests.engine.grammars import accepts, byte_compiler, order

PERSON = json.dumps(
    {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 9}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
)


@pytest.mark.parametrize(
    ("kind", "text", "right", "wrong"),
    [
        ("json_object", "", ['{"a": [1, {"b": null}]}', "{}"], ["[1]", '{"a":\n1}', '{"a": 1}\n', "12"]),
        (
            "json_schema",
            PERSON,
            ['{"name": "김 😀", "age": 9}'],
            ['{"name": "x", "age": 10}', '{"age": 1, "name": ""}'],
        ),
        ("regex", r"\d{2}-\d", ["12-3"], ["12-", "١٢-٣", "12-34"]),
        ("regex", "^a/b|\n$", ["a/b", "\n"], ["a"]),
        ("choice", '["yes", "no (a.b)", "서울", "a\\nb"]', ["yes", "no (a.b)", "서울", "a\nb"], ["ye", "no (acb)", ""]),
        ("lark", 'start: "a" b+\nb: /[0-9]/\n', ["a1", "a12"], ["a", "b1"]),
        ("gbnf", 'root ::= "a" [0-9]+ ("b" | "c")?', ["a1", "a12c"], ["a", "a1d"]),
    ],
)
def test_what_each_kind_allows(kind: str, text: str, right: list[str], wrong: list[str]) -> None:
    constraint = Constraint(kind=kind, text=text)  # type: ignore[arg-type]
    assert [each for each in right if not accepts(constraint, each)] == []
    assert [each for each in wrong if accepts(constraint, each)] == []


def test_a_printable_character_is_never_escaped() -> None:
    assert not accepts(Constraint(kind="json_object"), '{"a": "\\ud55c"}')
    assert accepts(Constraint(kind="json_object"), '{"a": "한\\n"}')


@pytest.mark.parametrize(
    ("kind", "text", "code", "said"),
    [
        (
            "json_schema",
            '{"a": {"items": {"type": "string"}}, "uniqueItems": true}',
            "unsupported_schema",
            "uniqueItems",
        ),
        ("json_schema", '{"type": "foo"}', "unsupported_schema", "foo"),
        ("json_schema", '{"$ref": "#/nowhere"}', "unsupported_schema", "/nowhere"),
        ("json_schema", "{", "unsupported_schema", "double quotes"),
        ("regex", "(a", "invalid_grammar", "regex"),
        ("lark", "foo", "invalid_grammar", "Expected"),
        ("lark", 'foo: "a"', "invalid_grammar", "start"),
        ("choice", "[]", "invalid_grammar", "no choice"),
        ("choice", '{"a": 1}', "invalid_grammar", "array"),
        ("gbnf", "root ::= " + "(" * 5000, "invalid_grammar", "deeply"),
        ("gbnf", "root ::= foo", "invalid_grammar", "foo"),
        ("gbnf", 'rule ::= "a"', "invalid_grammar", "root"),
        ("gbnf", "root ::= (", "invalid_grammar", "line 1"),
        ("regex", "a" * 100_001, "invalid_grammar", "large"),
    ],
)
def test_a_refusal_names_the_field_and_the_place(kind: str, text: str, code: str, said: str) -> None:
    constraint = Constraint(kind=kind, text=text, field="guided")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest) as caught:
        byte_compiler().compile(order(constraint))
    assert (caught.value.param, caught.value.code) == ("guided", code)
    assert said in caught.value.reason
    assert "\n" not in caught.value.reason
    assert len(caught.value.reason) <= 200


def test_a_constraint_is_compiled_once() -> None:
    compiler = byte_compiler()
    first, second = (order(Constraint(kind="json_object", field=field)) for field in ("a", "b"))
    assert compiler.kept(first) is None
    made = compiler.compile(first)
    assert compiler.kept(second) is made
    assert compiler.kept(order(Constraint(kind="regex", text="a"))) is None
