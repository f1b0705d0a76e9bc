"""Each rewrite is held to the `jsonschema` package, value by value."""

import pytest

from bdchat.engine.schemas.rewrite import rewritten
from bdchat.engine.schemas.unsupported import UnsupportedSchema

from .instances import Compiled, is_valid, orders, values
from .random_schemas import RandomSchemas

VALUES = values()
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
ORDER = {"a": True, "b": True, "c": True, "ab": True, "zz": True}  # names come in this order; nothing else is said

OF_EVERY_TYPE = [
    True,
    {},
    {"not": {"type": "string"}},
    {"not": {"type": ["null", "number"]}},
    {"not": {"not": {"type": "integer"}}},
    {"not": {"const": 1}},
    {"not": {"enum": [1, 2, "a", None, True]}},
    {"not": {"const": {"a": 1}}},
    {"not": {"const": [1, 2]}},
    {"enum": [1, "a", {"a": 1, "b": 2}, [1, "a"]]},
    {"oneOf": [{"type": "string"}, {"type": "string", "minLength": 2}, {"type": "null"}]},
    {"oneOf": [{"minimum": 2}, {"maxLength": 1}]},
    {"anyOf": [{"type": "integer", "minimum": 2}, {"required": ["a"], "type": "object"}]},
    {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": ["number", "array"]}},
    {"if": {"const": 1}, "else": {"type": "string"}},
    {"allOf": [{"minimum": 1}, {"maximum": 2}, {"minLength": 1}, {"maxItems": 1}]},
]
OF_SCALARS = [
    {"type": "number", "not": {"minimum": 2}},
    {"type": "number", "not": {"exclusiveMaximum": 2}},
    {"type": "integer", "not": {"multipleOf": 2}, "minimum": -3, "maximum": 6},
    {"type": "integer", "allOf": [{"multipleOf": 2}, {"multipleOf": 3}], "minimum": -3, "maximum": 6},
    {"type": "integer", "not": {"enum": [1, 2]}},
    {"type": "string", "not": {"pattern": "^a"}},
    {"type": "string", "not": {"enum": ["a", "abc"]}},
    {"type": "string", "pattern": "^(?!ab)[a-z]+$"},
    {"type": "string", "pattern": "^(?=a).*[bc]$", "maxLength": 2},
    {"type": "string", "oneOf": [{"pattern": "^a"}, {"pattern": "b$"}]},
    {"type": "string", "not": {"minLength": 2}},
    {"enum": ["a", "b", "abc", 1], "not": {"pattern": "c$"}},
    {"type": "string", "format": "no-format-that-is-known", "minLength": 1},
]
CHARACTERS = [
    {"type": "string", "pattern": '^[^"]*$'},
    {"type": "string", "pattern": "^[^\\\\a]+$"},
    {"type": "string", "not": {"pattern": '["\\\\]'}},
    {"type": "string", "pattern": "^(?![\\s\\S]*\\n)[\\s\\S]*$"},
]
OF_ARRAYS = [
    {"type": "array", "items": {"enum": [1, 2, "a"]}, "uniqueItems": True},
    {"type": "array", "items": {"type": "integer"}, "maxItems": 1, "uniqueItems": True},
    {"type": "array", "contains": {"type": "string"}, "maxItems": 3},
    {"type": "array", "contains": {"const": 1}, "minContains": 0, "maxContains": 0},
    {"type": "array", "not": {"contains": {"type": "string"}}},
    {"type": "array", "not": {"items": {"type": "number"}}, "maxItems": 3},
    {"type": "array", "not": {"minItems": 2}},
    {"type": "array", "not": {"prefixItems": [{"type": "number"}, {"type": "string"}]}},
    {"$schema": DRAFT_7, "type": "array", "items": [{"type": "integer"}, {"type": "string"}], "additionalItems": False},
    {"type": "array", "prefixItems": [{"type": "integer"}], "items": False},
    {"type": "array", "prefixItems": [{"type": "integer"}], "unevaluatedItems": {"type": "string"}},
]
OF_OBJECTS = [
    {"dependentRequired": {"a": ["b"]}},
    {"dependentRequired": {"a": ["b", "c"], "c": ["ab"]}},
    {"dependentSchemas": {"a": {"required": ["b"], "properties": {"b": {"type": "integer"}}}}},
    {"dependentSchemas": {"a": False}},
    {"not": {"required": ["a"]}},
    {"not": {"required": ["a", "b"]}},
    {"not": {"properties": {"a": {"type": "number"}}}},
    {"not": {"propertyNames": False}},
    {"not": {"maxProperties": 1}},
    {"not": {"minProperties": 2}},
    {"not": {"propertyNames": {"not": {"enum": ["a", "c"]}}}},
    {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"oneOf": [{"required": ["a"]}, {"required": ["b"]}, {"required": ["c"]}]},
    {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"minProperties": 2},
    {"maxProperties": 1},
    {"propertyNames": {"pattern": "^a"}},
    {"propertyNames": {"enum": ["a", "c"]}},
    {"propertyNames": {"minLength": 2}},
    {"propertyNames": {"not": {"enum": ["a"]}}},
    {"patternProperties": {"a": {"type": "integer"}, "b": {"type": ["integer", "string"]}}},
    {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": False},
    {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
    {"allOf": [{"patternProperties": {"^a": {"minimum": 2}}}, {"additionalProperties": {"type": "integer"}}]},
    {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}},
    {
        "if": {"properties": {"a": {"const": 1}}, "required": ["a"]},
        "then": {"required": ["b"]},
        "else": {"properties": {"b": False}},
    },
    {"allOf": [{"properties": {"c": True}}, {"required": ["b"]}], "unevaluatedProperties": {"type": "integer"}},
]


@pytest.mark.parametrize("schema", [*OF_EVERY_TYPE, *OF_SCALARS, *OF_ARRAYS], ids=str)
def test_a_rewritten_schema_takes_what_is_valid_and_nothing_else(schema: object) -> None:
    compiled = Compiled(schema)
    for value in VALUES:
        if not isinstance(value, dict) or len(value) < 2:
            assert compiled.takes(value) is is_valid(schema, value), (value, compiled.rewritten)


@pytest.mark.parametrize("schema", CHARACTERS, ids=str)
def test_a_class_of_characters_holds_no_quote_that_it_excludes(schema: object) -> None:
    """derivre 0.3 took an escaped quote, backslash or line end for any class that holds all control characters."""
    compiled = Compiled(schema)
    for value in ("", '"', "\\", "\n", "\t", "a", "b", '\\"', "a\nb", "한"):
        assert compiled.takes(value) is is_valid(schema, value), (value, compiled.rewritten)


@pytest.mark.parametrize(
    "bounds",
    [
        {"exclusiveMinimum": 1, "maximum": 1.5},
        {"minimum": -1.5, "exclusiveMaximum": -1},
        {"minimum": 0, "maximum": 1.25},
        {"minimum": -12.34, "exclusiveMaximum": 12.34},
    ],
    ids=str,
)
def test_a_number_is_within_its_bounds(bounds: dict[str, object]) -> None:
    """llguidance 1.9.1 took 1 for a number above 1 when the other bound was 1.5, and not 1.2 for one up to 1.25."""
    schema = {"type": "number", **bounds}
    compiled = Compiled(schema)
    for value in (-13, -12.34, -12.3, -1.5, -1.25, -1.2, -1, 0, 0.5, 1, 1.1, 1.2, 1.25, 1.3, 1.5, 2, 12.3, 12.34, 12.4):
        assert compiled.takes(value) is is_valid(schema, value), (value, compiled.rewritten)


def test_a_name_that_is_written_with_escapes_passes_for_no_other() -> None:
    compiled = Compiled({"type": "object", "properties": {"a": {"type": "integer"}}})
    assert compiled.takes_text('{"a": 1, "b": "x"}')
    assert not compiled.takes_text('{"\\u0061": "x"}')


def test_branches_of_a_tag_are_told_apart_without_comparing_each_with_each() -> None:
    branches = [
        {"type": "object", "properties": {"tag": {"const": f"t{at}"}, "v": {"type": "integer"}}, "required": ["tag"]}
        for at in range(300)
    ]
    compiled = Compiled({"oneOf": branches})
    assert compiled.takes({"tag": "t299", "v": 1})
    assert not compiled.takes({"tag": "t299", "v": "x"})


def test_a_long_chain_of_references_is_read_from_its_end() -> None:
    """llguidance 1.9.1 followed 700 of them down its stack, and the process ended."""
    chain: dict[str, object] = {
        f"d{at}": {"type": "object", "properties": {"x": {"$ref": f"#/$defs/d{at + 1}"}}} for at in range(1500)
    }
    compiled = Compiled({"$ref": "#/$defs/d0", "$defs": {**chain, "d1500": {"type": "integer"}}})
    assert compiled.takes({"x": {"x": {}}})
    assert not compiled.takes({"x": {"x": 1}})


def test_a_schema_that_refers_to_itself_keeps_its_branches_apart() -> None:
    schema = {
        "oneOf": [
            {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
            {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {}}, "required": ["b"]},
            {"type": "null"},
        ]
    }
    compiled = Compiled(schema)
    for value in (None, {"a": None}, {"b": 1}, {"a": None, "b": 1}, {"a": 1, "b": 2}, {"a": {"a": None}}, {"a": 1}, {}):
        assert compiled.takes(value) is is_valid(schema, value), (value, compiled.rewritten)


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("json-pointer", ["", "/a~1b/0"], ["a", "/~2"]),
        ("relative-json-pointer", ["0", "1/a", "2#"], ["01", "/a", "-1"]),
        ("uri-reference", ["/a?b#c", "http://a/b", "a", "#x"], ["a b", "http://[", "\\"]),
        ("iri", ["http://한국/길"], ["길", "a b"]),
        ("uri-template", ["/a/{b}{?c,d*}"], ["{", "a b", "{}"]),
        ("idn-email", ["나@한국"], ["나", "a b@c"]),
        ("regex", ["^[a-z]+$", "(a|b){2,3}", "\\d*"], ["*", "(", "[", "\\", "a{3,2}"]),
        ("path", ["anything"], []),
    ],
)
def test_formats_that_have_an_expression_are_held(form: str, good: list[str], bad: list[str]) -> None:
    compiled = Compiled({"type": "string", "format": form})
    assert [compiled.takes(text) for text in good + bad] == [True] * len(good) + [False] * len(bad)


@pytest.mark.parametrize("schema", OF_OBJECTS, ids=str)
def test_objects_too_with_their_properties_in_the_order_of_the_schema(schema: dict[str, object]) -> None:
    """The order is said by the outer schema, as people write it, so that every value has only one."""
    ordered = {"type": "object", "properties": ORDER, "allOf": [schema]}
    compiled = Compiled(ordered)
    for value in VALUES:
        assert compiled.takes(value) is (isinstance(value, dict) and is_valid(schema, value)), (
            value,
            compiled.rewritten,
        )


@pytest.mark.parametrize(
    ("schema", "pointer", "keyword"),
    [
        ({"properties": {"x/y": {"type": "array", "uniqueItems": True}}}, "/properties/x~1y", "uniqueItems"),
        ({"type": "array", "contains": {"const": 1}}, "", "contains"),
        ({"$ref": "https://example.com/other"}, "", "$ref"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "/properties/a", "$ref"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "/$defs/a", "$ref"),
        ({"allOf": [{"$ref": "#"}, {"type": "object"}]}, "", "$ref"),
        ({"items": {"type": "text"}}, "/items", "type"),
        ({"minimum": "1"}, "", "minimum"),
        ({"type": "number", "not": {"type": "integer"}}, "/not", "type"),
        ({"type": "string", "minLength": -1}, "", "minLength"),
        ([], "", "$schema"),
        ({"type": "string", "not": {"type": "string"}}, "", "$schema"),
        ({"type": "object", "minProperties": 1, "additionalProperties": False}, "", "$schema"),
        ({"type": "string", "not": {"format": "email"}}, "/not", "pattern"),
    ],
)
def test_what_no_grammar_holds_is_refused_by_pointer_and_keyword(schema: object, pointer: str, keyword: str) -> None:
    with pytest.raises(UnsupportedSchema) as refused:
        rewritten(schema)
    assert (refused.value.pointer, refused.value.keyword) == (pointer, keyword)


def _nested(depth: int) -> object:
    schema: object = {"type": "string"}
    for _ in range(depth):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "pointer", "keyword"),
    [
        (_nested(150), "", "$schema"),
        (
            {"allOf": [{"oneOf": [{"required": [f"p{at}"]}, {"required": [f"q{at}"]}]} for at in range(40)]},
            "",
            "$schema",
        ),
        ({"type": "object", "properties": {f"p{at}": {} for at in range(60)}, "minProperties": 5}, "", "minProperties"),
        ({"type": "object", "properties": {f"p{at}": {} for at in range(1001)}}, "", "properties"),
        ({"type": "integer", "not": {"enum": list(range(0, 40_000, 2))}}, "", "$schema"),
        ({"items": {"type": "string", "not": {"pattern": "(a|b)*a(a|b){60}"}}}, "/items/not", "pattern"),
        (
            {"$ref": "#/$defs/0", "$defs": {str(at): {"$ref": f"#/$defs/{at + 1}"} for at in range(9999)}},
            "/$defs/99",
            "$ref",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_schema_that_would_take_too_long_is_refused_after_a_counted_number_of_steps(
    schema: object, pointer: str, keyword: str
) -> None:
    with pytest.raises(UnsupportedSchema) as refused:
        rewritten(schema)
    assert (refused.value.pointer, refused.value.keyword) == (pointer, keyword)


@pytest.mark.parametrize("seed", range(80))
def test_schemas_at_random_take_what_is_valid_in_some_order_and_nothing_else(seed: int) -> None:
    """Of those that are supported; none is refused as empty that is not."""
    schema = RandomSchemas(seed).schema()
    try:
        compiled = Compiled(schema)
    except UnsupportedSchema as error:
        is_empty = error.reason == "no value is valid"
        assert not is_empty or not any(is_valid(schema, value) for value in VALUES)
        return
    for value in VALUES:
        if is_valid(schema, value):
            assert compiled.left_out or any(map(compiled.takes, orders(value))), (value, compiled.rewritten)
        else:
            assert not compiled.takes(value), (value, compiled.rewritten)
