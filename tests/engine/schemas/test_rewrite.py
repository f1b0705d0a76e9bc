"""Each rewrite is held to the `jsonschema` package, value by value."""

import pytest

from bdchat.engine.schemas.rewrite import rewritten
from bdchat.engine.schemas.unsupported import UnsupportedSchema

from .instances import Compiled, is_valid, values

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
