"""Keywords that speak of the same value by other schemas: anyOf, oneOf, not, if, and what depends on a property."""

from typing import TYPE_CHECKING

from .forms.nodes import ANYTHING, NOTHING, Leaf, Node, Side, both
from .forms.objects import Objects
from .forms.shapes import EVERY_VALUE, NO_VALUE, Shape, of, union
from .unsupported import UnsupportedSchema

if TYPE_CHECKING:
    from .expansion import Expander

DEPENDENT = ("dependencies", "dependentRequired", "dependentSchemas")
APPLIED = ("anyOf", "oneOf", "not", "if", *DEPENDENT)


def application(expander: "Expander", leaf: Leaf, keyword: str, plain: Shape) -> Shape:
    """`plain`: what the schema's other keywords leave over; what cannot be within it is not looked into."""
    document = expander.document
    match keyword:
        case "anyOf":
            return union([expander.shape(document.asserted(each)) for each in expander.listed(leaf, keyword)])
        case "oneOf":
            return _exactly_one(expander, leaf, plain)
        case "not":
            return expander.shape(document.denied(leaf, keyword))
        case "if":
            holds, then, other = _branches(expander, leaf)
            parts = [expander.shape(both(holds, then))]
            return union([*parts, expander.shape(both(document.denied(leaf, "if"), other))])
    shape = EVERY_VALUE
    for name, wanted in _dependencies(expander, leaf, keyword):
        others = Shape(True, EVERY_VALUE.booleans, EVERY_VALUE.numbers, EVERY_VALUE.strings, EVERY_VALUE.arrays)
        absent = of(Objects(properties={name: NOTHING}))
        # The property comes first in the order, then what it needs.
        first = Objects(properties={name: ANYTHING}, required=wanted if isinstance(wanted, tuple) else ())
        present = of(first) if isinstance(wanted, tuple) else expander.shapes.meet(of(first), expander.shape(wanted[0]))
        shape = expander.shapes.meet(shape, union([others, absent, present]))
    return shape


def denied_application(expander: "Expander", leaf: Leaf, keyword: str, side: Side) -> Shape:
    document = expander.document
    match keyword:
        case "anyOf":
            return expander.shape(both(*(document.denied(each, side=side) for each in expander.listed(leaf, keyword))))
        case "oneOf":
            return _none_or_several(expander, leaf, side)
        case "not":
            return expander.shape(document.asserted(leaf, keyword))
        case "if":
            holds, then, other = _branches(expander, leaf, side)
            fails = document.denied(leaf, "if", side=side)
            return union([expander.shape(both(holds, then)), expander.shape(both(fails, other))])
    shapes = [NO_VALUE]
    for name, wanted in _dependencies(expander, leaf, keyword, side):
        present = of(Objects(required=(name,)))
        if isinstance(wanted, tuple):
            shapes += [of(Objects(required=(name,), properties={each: NOTHING}).bounded()) for each in wanted]
        else:
            shapes.append(expander.shapes.meet(present, expander.shape(wanted[0])))
    return union(shapes)


def _exactly_one(expander: "Expander", leaf: Leaf, plain: Shape) -> Shape:
    """A branch needs to exclude only those others with which it has a value in common."""
    document, shapes = expander.document, expander.shapes
    branches = expander.listed(leaf, "oneOf")
    whole = [expander.shape(document.asserted(each)) for each in branches]
    within = [shapes.meet(plain, shape) for shape in whole]
    if _are_told_apart(expander, within):
        return union(whole)
    parts = []
    for at, part in enumerate(whole):
        alone = part
        for other, each in enumerate(branches):
            if other != at and expander.has_values(shapes.meet(within[at], within[other])):
                alone = shapes.meet(alone, expander.shape(document.denied(each, side=Side.APART)))
        parts.append(alone)
    return union(parts)


def _are_told_apart(expander: "Expander", branches: list[Shape]) -> bool:
    """Whether each is an object with one property, required in all, that has other values in each."""
    forms = [branch.objects[0] for branch in branches if len(branch.objects) == 1]
    if len(forms) < len(branches) or any(branch != Shape(objects=branch.objects) for branch in branches):
        return False
    for name in forms[0].required:
        if not all(name in form.required for form in forms):
            continue
        listed = [expander.texts_of(expander.value(form, name)) for form in forms]
        texts = [text for each in listed for text in each or ()]
        if None not in listed and len(set(texts)) == len(texts):
            return True
    return False


def _none_or_several(expander: "Expander", leaf: Leaf, side: Side) -> Shape:
    document = expander.document
    branches = expander.listed(leaf, "oneOf")
    parts = [expander.shape(both(*(document.denied(each, side=side) for each in branches)))]
    for at, one in enumerate(branches):
        for other in branches[at + 1 :]:
            shape = expander.shape(both(document.asserted(one), document.asserted(other)))
            if expander.has_values(shape):
                parts.append(shape)
    return union(parts)


def _branches(expander: "Expander", leaf: Leaf, side: Side = Side.HELD) -> tuple[Node, Node, Node]:
    """The condition, what holds with it and what holds without it (or their denials)."""
    assert isinstance(leaf.schema, dict)
    document = expander.document
    absent = ANYTHING if side is Side.HELD else NOTHING
    then = document.on(side, leaf, "then") if "then" in leaf.schema else absent
    other = document.on(side, leaf, "else") if "else" in leaf.schema else absent
    return document.asserted(leaf, "if"), then, other


def _dependencies(
    expander: "Expander", leaf: Leaf, keyword: str, side: Side = Side.HELD
) -> list[tuple[str, tuple[str, ...] | list[Node]]]:
    """A property's name, and with it the names that it needs or, in a list of one, what the object must be."""
    assert isinstance(leaf.schema, dict)
    value = leaf.schema[keyword]
    if not isinstance(value, dict):
        raise UnsupportedSchema(leaf.pointer, keyword, "it is an object")
    found: list[tuple[str, tuple[str, ...] | list[Node]]] = []
    for name, needed in value.items():
        # Draft 3 has one name without a list.
        each = [needed] if isinstance(needed, str) and keyword == "dependencies" else needed
        if isinstance(each, list) and keyword != "dependentSchemas":
            if not all(isinstance(other, str) for other in each):
                raise UnsupportedSchema(leaf.pointer, keyword, "a property depends on names")
            found.append((name, tuple(each)))
        elif keyword != "dependentRequired":
            found.append((name, [expander.document.on(side, leaf, keyword, name)]))
        else:
            raise UnsupportedSchema(leaf.pointer, keyword, "a property depends on a list of names")
    return found
