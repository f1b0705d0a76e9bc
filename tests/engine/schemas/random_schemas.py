"""Schemas at random over few names, texts and numbers, so that keywords meet in them."""

import random

from .instances import NAMES, SCALARS

PATTERNS = ("^a", "b$", "^[ab]+$", "a", "^(?!a)", "c|^$")
TYPES = (
    *("null", "boolean", "integer", "number", "string", "array", "object"),
    *(["string", "null"], ["object", "array"], ["integer", "string"]),
)
LEAVES: tuple[object, ...] = (
    *(
        {"type": "integer"},
        {"type": "string"},
        True,
        {"const": 1},
        {"minLength": 1},
        {"required": ["a"]},
        {"maximum": 2},
    ),
)
NAME_SCHEMAS = ({"pattern": "^a"}, {"pattern": "b$"}, {"enum": ["a", "c"]}, {"maxLength": 1}, {"not": {"const": "b"}})
MEMBERS = (None, True, 0, 1, 2, "a", "b", "ab", {"a": 1}, [1])


class RandomSchemas:
    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)

    def schema(self, depth: int = 0) -> object:
        source = self._source
        if source.random() < 0.05:
            return source.choice((True, False, {}))
        schema: dict[str, object] = {}
        keywords = (self._of_type, self._of_values, self._of_scalars, self._of_arrays, self._of_objects)
        for _ in range(source.choice((1, 1, 2, 2, 3))):
            source.choice((*keywords, self._combined, self._combined, self._dependent))(schema, depth)
        return schema

    def _inner(self, depth: int) -> object:
        return self.schema(depth + 1) if depth < 2 else self._source.choice(LEAVES)

    def _of_type(self, schema: dict[str, object], depth: int) -> None:
        schema["type"] = self._source.choice(TYPES)

    def _of_values(self, schema: dict[str, object], depth: int) -> None:
        if self._source.random() < 0.5:
            schema["const"] = self._source.choice(SCALARS)
        else:
            schema["enum"] = self._source.sample(MEMBERS, self._source.randrange(1, 5))

    def _of_scalars(self, schema: dict[str, object], depth: int) -> None:
        source = self._source
        schema[source.choice(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))] = source.choice(
            (0, 1, 1.5)
        )
        keyword = source.choice(("minLength", "maxLength", "pattern"))
        schema[keyword] = source.choice(PATTERNS) if keyword == "pattern" else source.randrange(3)

    def _of_arrays(self, schema: dict[str, object], depth: int) -> None:
        keyword = self._source.choice(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"))
        if keyword in ("items", "contains"):
            schema[keyword] = self._inner(depth)
        elif keyword == "prefixItems":
            schema[keyword] = [self._inner(depth) for _ in range(self._source.randrange(1, 3))]
        else:
            schema[keyword] = True if keyword == "uniqueItems" else self._source.randrange(3)

    def _of_objects(self, schema: dict[str, object], depth: int) -> None:
        source = self._source
        keyword = source.choice(
            (
                *("properties", "properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
                *("minProperties", "maxProperties"),
            )
        )
        match keyword:
            case "properties":
                schema[keyword] = {name: self._inner(depth) for name in source.sample(NAMES, source.randrange(1, 4))}
            case "required":
                schema[keyword] = source.sample(NAMES, source.randrange(1, 3))
            case "additionalProperties":
                schema[keyword] = self._inner(depth)
            case "patternProperties":
                found = source.sample(PATTERNS, source.randrange(1, 3))
                schema[keyword] = {pattern: self._inner(depth) for pattern in found}
            case "propertyNames":
                schema[keyword] = source.choice(NAME_SCHEMAS)
            case _:
                schema[keyword] = source.randrange(3)

    def _combined(self, schema: dict[str, object], depth: int) -> None:
        keyword = self._source.choice(("anyOf", "oneOf", "allOf", "not", "if"))
        if keyword in ("not", "if"):
            schema[keyword] = self._inner(depth)
        else:
            schema[keyword] = [self._inner(depth) for _ in range(self._source.randrange(1, 4))]
        if keyword == "if":
            schema["then"] = self._inner(depth)
            schema["else"] = self._inner(depth)

    def _dependent(self, schema: dict[str, object], depth: int) -> None:
        name = self._source.choice(NAMES)
        if self._source.random() < 0.5:
            schema["dependentRequired"] = {name: self._source.sample(NAMES, 1)}
        else:
            schema["dependentSchemas"] = {name: self._inner(depth)}
