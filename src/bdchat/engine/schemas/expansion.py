"""Nodes → the shapes of their values. Each leaf is expanded once asserted and once denied, and only where it is needed.

What one subschema says inside a property or an item stays a node in the form: a schema that refers to itself ends here.
"""

from .applicators import APPLIED, application, denied_application
from .document import ANNOTATIONS, SchemaDocument
from .forms.nodes import ANYTHING, NOTHING, Leaf, Literal, Node, Side, asserted, both, denied, outside
from .forms.numbers import Numbers, without
from .forms.objects import Objects, Rule
from .forms.shapes import EVERY_VALUE, NO_VALUE, Shape, Shapes, of, union
from .forms.strings import Strings, Texts
from .keywords import (
    ITEMS,
    PROPERTIES,
    asserted_forms,
    constant_schema,
    denied_forms,
    listed_values,
    other_types_shape,
    type_shape,
)
from .unevaluated import refused_form, unevaluated_form
from .unsupported import Budget, Circular, UnsupportedSchema

COMPANIONS = {**dict.fromkeys(ITEMS, ITEMS), **dict.fromkeys(PROPERTIES, PROPERTIES)}

MAX_NESTED = 60  # schemas that apply others to the same value
MAX_LOOKED = 30  # levels of required properties and items that are looked into for a contradiction


class Expander:
    """Owned by one rewrite. Everything raises UnsupportedSchema."""

    def __init__(self, document: SchemaDocument, texts: Texts, budget: Budget) -> None:
        self.document = document
        self.texts = texts
        self.shapes = Shapes(texts, budget)
        self._budget = budget
        self._by_node: dict[frozenset[Literal], Shape] = {}
        self._by_leaf: dict[Literal, Shape] = {}
        self._open: set[Literal] = set()
        self._inhabited: dict[frozenset[Literal], bool] = {}

    def shape(self, node: Node) -> Shape:
        key = frozenset(node)
        shape = self._by_node.get(key)
        if shape is None:
            shape = EVERY_VALUE
            for leaf, side in node:
                shape = self.shapes.meet(shape, self._of_leaf(leaf, side))
            self._by_node[key] = shape
        return shape

    def is_inhabited(self, node: Node, depth: int = 0) -> bool:
        """False: no value is in it. True may be wrong of one that refers to itself or is looked into too deep."""
        if node is NOTHING:
            return False
        if not node or depth > MAX_LOOKED:
            return True
        key = frozenset(node)
        if key not in self._inhabited:
            self._inhabited[key] = True  # while it is open
            try:
                self._inhabited[key] = self.has_values(self.shape(node), depth)
            except Circular:
                del self._inhabited[key]
                return True
        return self._inhabited[key]

    def has_values(self, shape: Shape, depth: int = 0) -> bool:
        if shape.null or shape.booleans or shape.numbers:
            return True
        if any(not self.texts.is_empty(form) for form in shape.strings):
            return True
        for array in shape.arrays:
            if all(
                self.is_inhabited(array.item(at), depth + 1)
                for at in range(min(array.min_items, len(array.prefix) + 1))
            ):
                return True
        return any(self._has_objects(form, depth) for form in shape.objects)

    def texts_of(self, node: Node) -> tuple[str, ...] | None:
        """The texts of which every value is one; None when there are others."""
        shape = self.shape(node)
        if shape != Shape(strings=shape.strings) or any(each.texts is None for each in shape.strings):
            return None
        return tuple(dict.fromkeys(text for each in shape.strings for text in each.texts or ()))

    def is_within(self, node: Node, other: Node) -> bool:
        """Whether every value of the node is one of the other; False may be wrong."""
        return not any(self.is_inhabited(both(node, each)) for each in outside(other))

    def value(self, form: Objects, name: str) -> Node:
        """What the property of this name must be; NOTHING when there must be none."""
        nodes = [form.properties.get(name, ANYTHING)]
        for rule in form.rules:
            nodes += self.ruled(rule, name)
        node = both(*nodes)
        if node is NOTHING or not form.names:
            return node
        is_named = self.is_inhabited(both(form.names, self.constant(name)))
        return node if is_named else NOTHING

    def ruled(self, rule: Rule, name: str) -> list[Node]:
        found = []
        for pattern, node in rule.patterns:
            is_found = self.texts.finds(pattern, name)
            if is_found is None:
                raise UnsupportedSchema(
                    "", "patternProperties", f"the expression {pattern[:100]!r} cannot be looked for"
                )
            if is_found:
                found.append(node)
        return found if found or name in rule.names else [rule.rest]

    def constant(self, value: object) -> Node:
        return asserted(self.document.constant(value, ""))

    def _has_objects(self, form: Objects, depth: int) -> bool:
        if not all(self.is_inhabited(self.value(form, name), depth + 1) for name in form.required):
            return False
        if form.min_properties <= len(form.required) or not any(rule.closes for rule in form.rules):
            return True
        return form.min_properties <= sum(self.is_inhabited(self.value(form, name), depth + 1) for name in form.named)

    def _of_leaf(self, leaf: Leaf, side: Side) -> Shape:
        key = (leaf, side)
        shape = self._by_leaf.get(key)
        if shape is None:
            if key in self._open:
                raise Circular(leaf.pointer, "$ref", "it refers to itself with nothing in between")
            if len(self._open) >= MAX_NESTED:
                raise UnsupportedSchema(leaf.pointer, "$ref", f"more than {MAX_NESTED} schemas apply one another")
            self._budget.spend()
            self._open.add(key)
            try:
                shape = self._by_leaf[key] = self._asserted(leaf) if side is Side.HELD else self._denied(leaf, side)
            finally:
                self._open.discard(key)
        return shape

    def _asserted(self, leaf: Leaf) -> Shape:
        """In the order of the keywords, which is the order of the properties in an answer."""
        if not isinstance(leaf.schema, dict):
            return EVERY_VALUE if leaf.schema is True else NO_VALUE
        keywords = [keyword for keyword in leaf.schema if keyword not in ANNOTATIONS]
        plain = EVERY_VALUE
        parts: list[Shape | None] = []
        if "type" in keywords:
            keywords.remove("type")
            keywords.insert(0, "type")
        for keyword in keywords:
            if keyword in APPLIED:
                parts.append(None)
            elif self._is_first(leaf, keyword):
                parts.append(self._plain(leaf, keyword))
                plain = self.shapes.meet(plain, parts[-1] or NO_VALUE)
            else:
                parts.append(EVERY_VALUE)
        if None not in parts:
            return plain
        shape = EVERY_VALUE
        for keyword, part in zip(keywords, parts, strict=True):
            shape = self.shapes.meet(shape, part if part is not None else application(self, leaf, keyword, plain))
        return shape

    def _is_first(self, leaf: Leaf, keyword: str) -> bool:
        """Of keywords that are read together, the one that comes first."""
        assert isinstance(leaf.schema, dict)
        companions = COMPANIONS.get(keyword, (keyword,))
        first: str = next(each for each in leaf.schema if each in companions)
        return first == keyword

    def _plain(self, leaf: Leaf, keyword: str) -> Shape:
        assert isinstance(leaf.schema, dict)
        value = leaf.schema[keyword]
        match keyword:
            case "type":
                shape = type_shape(leaf)
            case "const" | "enum":
                shape = self._one_of_values(leaf, listed_values(leaf, keyword))
            case "$ref" | "$dynamicRef" | "$recursiveRef":
                shape = self.shape(self.document.asserted(self.document.resolve(leaf, value, keyword)))
            case "allOf":
                shape = self.shape(both(*(self.document.asserted(each) for each in self.listed(leaf, keyword))))
            case "unevaluatedProperties" | "unevaluatedItems":
                shape = self.shapes.narrowed(EVERY_VALUE, unevaluated_form(self.document, leaf, keyword))
            case _:
                shape = EVERY_VALUE
                for form in asserted_forms(self.document, leaf, keyword):
                    shape = self.shapes.narrowed(shape, form)
        return shape

    def _one_of_values(self, leaf: Leaf, values: list[object]) -> Shape:
        texts = tuple(dict.fromkeys(value for value in values if isinstance(value, str)))
        numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
        shapes = [
            Shape(
                null=None in values,
                booleans=frozenset(value for value in values if isinstance(value, bool)),
                numbers=tuple(dict.fromkeys(Numbers.only(value) for value in numbers)),
                strings=(Strings(texts=texts, pointer=leaf.pointer),) if texts else (),
            )
        ]
        shapes += [self.shape(self._made_of(leaf, value)) for value in values if isinstance(value, (list, dict))]
        return union(shapes)

    def _made_of(self, leaf: Leaf, value: object) -> Node:
        return asserted(self.document.made(constant_schema(value), leaf.pointer))

    def listed(self, leaf: Leaf, keyword: str) -> list[Leaf]:
        assert isinstance(leaf.schema, dict)
        value = leaf.schema[keyword]
        if not isinstance(value, list) or not value:
            raise UnsupportedSchema(leaf.pointer, keyword, "it is a list of schemas, not an empty one")
        return [self.document.child(leaf, keyword, at) for at in range(len(value))]

    def _none_of_values(self, leaf: Leaf, values: list[object], side: Side) -> Shape:
        """Every value but these."""
        numbers = EVERY_VALUE.numbers
        for value in values:
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                self._budget.spend(len(numbers))
                numbers = tuple(part for form in numbers for part in without(form, value))
        texts = tuple(dict.fromkeys(value for value in values if isinstance(value, str)))
        shape = Shape(
            null=None not in values,
            booleans=EVERY_VALUE.booleans - {value for value in values if isinstance(value, bool)},
            numbers=numbers,
            strings=(Strings(no_texts=texts, pointer=leaf.pointer),) if texts else EVERY_VALUE.strings,
            arrays=EVERY_VALUE.arrays,
            objects=EVERY_VALUE.objects,
        )
        made = [
            denied(self.document.made(constant_schema(value), leaf.pointer), side)
            for value in values
            if isinstance(value, (list, dict))
        ]
        return self.shapes.meet(shape, self.shape(both(*made)))

    def _denied(self, leaf: Leaf, side: Side) -> Shape:
        if not isinstance(leaf.schema, dict):
            return NO_VALUE if leaf.schema is True else EVERY_VALUE
        keywords = [keyword for keyword in leaf.schema if keyword not in ANNOTATIONS and self._is_first(leaf, keyword)]
        return union([NO_VALUE, *(self._denied_keyword(leaf, keyword, side) for keyword in keywords)])

    def _denied_keyword(self, leaf: Leaf, keyword: str, side: Side) -> Shape:
        assert isinstance(leaf.schema, dict)
        value = leaf.schema[keyword]
        match keyword:
            case "type":
                shape = other_types_shape(leaf, side)
            case "const" | "enum":
                shape = self._none_of_values(leaf, listed_values(leaf, keyword), side)
            case "$ref" | "$dynamicRef" | "$recursiveRef":
                shape = self.shape(self.document.denied(self.document.resolve(leaf, value, keyword), side=side))
            case "allOf":
                shape = union(
                    [self.shape(self.document.denied(each, side=side)) for each in self.listed(leaf, keyword)]
                )
            case "unevaluatedProperties" | "unevaluatedItems":
                shape = of(refused_form(leaf, keyword, "its complement depends on what its neighbours took", side))
            case _ if keyword in APPLIED:
                shape = denied_application(self, leaf, keyword, side)
            case _:
                shape = union([NO_VALUE, *(of(form) for form in denied_forms(self.document, leaf, keyword, side))])
        return shape
