"""A schema as it was sent: its subschemas where they stand, what its references lead to, and the bounds of its size."""

import json
from collections.abc import Iterator
from urllib.parse import unquote, urldefrag, urljoin

from .forms.nodes import Leaf, Node, Side, asserted, denied
from .unsupported import Budget, UnsupportedSchema

IN_MAPS = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"))
IN_LISTS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems", "items"))
ALONE = frozenset(
    ("additionalProperties", "propertyNames", "unevaluatedProperties", "additionalItems", "unevaluatedItems")
) | {"items", "contains", "not", "if", "then", "else"}
ANNOTATIONS = frozenset(
    ("$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$comment", "$defs", "definitions")
) | {"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly"}

MAX_DEPTH = 100  # of objects and lists in each other: the compiler's JSON reader stops at 128
MAX_VALUES = 200_000
MAX_PROPERTIES = 1_000  # of one object: compiling them takes time by the square, about a second for so many
MAX_REFERENCES = 100  # that lead to one another with nothing in between


class SchemaDocument:
    """Raises UnsupportedSchema when the schema is too large, too deep or no schema."""

    def __init__(self, schema: object, budget: Budget) -> None:
        self._budget = budget
        self._leaves: dict[int, Leaf] = {}
        self._constants: dict[str, Leaf] = {}
        self._resources: dict[str, Leaf] = {}
        self._anchors: dict[tuple[str, str], Leaf] = {}
        _measure(schema)
        identity = self._identity(schema) or (schema.get("id") if isinstance(schema, dict) else "")
        self.root = Leaf(schema, "", urldefrag(identity)[0] if isinstance(identity, str) else "")
        self._resources.update({"": self.root, self.root.base: self.root})
        for leaf in self.subschemas():
            self._index(leaf)

    def subschemas(self) -> Iterator[Leaf]:
        """Every schema in it, outer ones first."""
        waiting = [self.root]
        while waiting:
            leaf = self._interned(waiting.pop())
            yield leaf
            if isinstance(leaf.schema, dict):
                waiting += reversed(list(self._inside(leaf)))

    def child(self, leaf: Leaf, *path: str | int) -> Leaf:
        """The schema at a path from a schema. Raises UnsupportedSchema when none stands there."""
        schema, pointer = leaf.schema, leaf.pointer
        for step in path:
            schema = schema[step]  # type: ignore[index]
            pointer = f"{pointer}/{_escaped(step)}"
        if not isinstance(schema, (dict, bool)):
            raise UnsupportedSchema(leaf.pointer, str(path[0]), "a schema is an object or a boolean")
        return self._interned(Leaf(schema, pointer, self._base(schema, leaf.base)))

    def asserted(self, leaf: Leaf, *path: str | int) -> Node:
        return asserted(self._aim(self.child(leaf, *path) if path else leaf))

    def denied(self, leaf: Leaf, *path: str | int, side: Side = Side.DENIED) -> Node:
        return denied(self._aim(self.child(leaf, *path) if path else leaf), side)

    def on(self, side: Side, leaf: Leaf, *path: str | int) -> Node:
        return self.asserted(leaf, *path) if side is Side.HELD else self.denied(leaf, *path, side=side)

    def constant(self, value: object, pointer: str) -> Leaf:
        """A schema for this value alone."""
        key = json.dumps(value, sort_keys=True)
        return self._constants.setdefault(key, Leaf({"const": value}, pointer, ""))

    def made(self, schema: object, pointer: str) -> Leaf:
        """A schema that stands in no document but says the same as a keyword there."""
        return self._constants.setdefault(json.dumps(schema) + pointer, Leaf(schema, pointer, ""))

    def resolve(self, leaf: Leaf, reference: object, keyword: str = "$ref") -> Leaf:
        if not isinstance(reference, str):
            raise UnsupportedSchema(leaf.pointer, keyword, "a reference is a string")
        try:
            uri, fragment = urldefrag(urljoin(leaf.base, reference) if reference[:1] != "#" else leaf.base + reference)
        except ValueError:
            uri, fragment = reference, ""
        resource = self._resources.get(uri)
        if resource is None:
            raise UnsupportedSchema(leaf.pointer, keyword, f"{reference[:200]!r} is not in this document")
        if fragment and not fragment.startswith("/"):
            found = self._anchors.get((uri, unquote(fragment)))
        else:
            found = self._at(resource, [unquote(step) for step in fragment.split("/")[1:]])
        if found is None or not isinstance(found.schema, (dict, bool)):
            raise UnsupportedSchema(leaf.pointer, keyword, f"there is no schema at {reference[:200]!r}")
        return found

    def _at(self, leaf: Leaf, path: list[str]) -> Leaf | None:
        for step in path:
            name: str | int = step.replace("~1", "/").replace("~0", "~")
            if isinstance(leaf.schema, list):
                if not step.isdecimal() or int(step) >= len(leaf.schema):
                    return None
                name = int(step)
            elif not isinstance(leaf.schema, dict) or name not in leaf.schema:
                return None
            schema = leaf.schema[name]  # type: ignore[index]
            leaf = Leaf(schema, f"{leaf.pointer}/{_escaped(name)}", self._base(schema, leaf.base))
        return self._interned(leaf)

    def _aim(self, leaf: Leaf) -> Leaf:
        """What a schema that is nothing but a reference leads to."""
        for _ in range(MAX_REFERENCES):
            schema = leaf.schema
            if not isinstance(schema, dict) or "$ref" not in schema:
                return leaf
            if any(key not in ANNOTATIONS for key in schema if key != "$ref"):
                return leaf
            self._budget.spend()
            leaf = self.resolve(leaf, schema["$ref"])
        raise UnsupportedSchema(leaf.pointer, "$ref", "references lead to references without end")

    def _interned(self, leaf: Leaf) -> Leaf:
        if not isinstance(leaf.schema, dict):
            return leaf
        return self._leaves.setdefault(id(leaf.schema), leaf)

    def _index(self, leaf: Leaf) -> None:
        if not isinstance(leaf.schema, dict):
            return
        if self._identity(leaf.schema):
            self._resources.setdefault(leaf.base, leaf)
        for keyword in ("$anchor", "$dynamicAnchor"):
            anchor = leaf.schema.get(keyword)
            if isinstance(anchor, str):
                self._anchors.setdefault((leaf.base, anchor), leaf)
        named = leaf.schema.get("$id", leaf.schema.get("id"))
        if isinstance(named, str) and named[:1] == "#":  # an anchor, as draft 4 to 7 write it
            self._anchors.setdefault((leaf.base, named[1:]), leaf)

    def _base(self, schema: object, base: str) -> str:
        identity = self._identity(schema)
        if identity:
            try:
                return urldefrag(urljoin(base, identity))[0]
            except ValueError:
                return base
        return base

    @staticmethod
    def _identity(schema: object) -> str:
        identity = schema.get("$id") if isinstance(schema, dict) else None
        return identity if isinstance(identity, str) and identity[:1] != "#" else ""

    def _inside(self, leaf: Leaf) -> Iterator[Leaf]:
        assert isinstance(leaf.schema, dict)
        for keyword, value in leaf.schema.items():
            if keyword in IN_MAPS and isinstance(value, dict):
                for name, inner in value.items():
                    if isinstance(inner, (dict, bool)):
                        yield self.child(leaf, keyword, name)
            elif keyword in IN_LISTS and isinstance(value, list):
                for at, inner in enumerate(value):
                    if isinstance(inner, (dict, bool)):
                        yield self.child(leaf, keyword, at)
            elif keyword in ALONE and isinstance(value, (dict, bool)):
                yield self.child(leaf, keyword)


def _measure(schema: object) -> None:
    if not isinstance(schema, (dict, bool)):
        raise UnsupportedSchema("", "$schema", "a schema is an object or a boolean")
    num_values = 0
    level: list[object] = [schema]
    for _ in range(MAX_DEPTH):
        num_values += len(level)
        if num_values > MAX_VALUES:
            raise UnsupportedSchema("", "$schema", f"it has more than {MAX_VALUES} values")
        level = [
            each
            for value in level
            if isinstance(value, (dict, list))
            for each in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return
    raise UnsupportedSchema("", "$schema", f"it is nested more than {MAX_DEPTH} deep")


def _escaped(step: str | int) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")
