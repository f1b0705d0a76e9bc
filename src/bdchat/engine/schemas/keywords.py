"""What keywords say, each alone: the forms that they assert of one type, and the forms that deny them."""

import math
from collections.abc import Iterator

from .document import MAX_PROPERTIES, SchemaDocument
from .forms import arrays, numbers, objects, strings
from .forms.arrays import Arrays, Some
from .forms.nodes import ANYTHING, NOTHING, Leaf, Node, Side, both
from .forms.objects import Objects, Rule, Somebody
from .forms.shapes import EVERY_VALUE, Form, Shape
from .unsupported import Unsayable, UnsupportedSchema

TYPES = ("null", "boolean", "number", "integer", "string", "array", "object")
OF_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
OF_STRINGS = ("minLength", "maxLength", "pattern", "format")
OF_ARRAYS = ("minItems", "maxItems")
OF_OBJECTS = ("minProperties", "maxProperties")
COUNTS = ("minLength", "maxLength", *OF_ARRAYS, *OF_OBJECTS)
ITEMS = ("prefixItems", "items", "additionalItems")
PROPERTIES = ("properties", "patternProperties", "additionalProperties")


def asserted_forms(document: SchemaDocument, leaf: Leaf, keyword: str) -> Iterator[Form]:
    """The forms that all hold for a value of their type. Raises UnsupportedSchema for a value that is no schema's."""
    assert isinstance(leaf.schema, dict)
    value = leaf.schema[keyword]
    if keyword in OF_NUMBERS:
        for name, number in _bounds(leaf, keyword):
            yield numbers.asserting(name, number)
    elif keyword in OF_STRINGS:
        held = strings.asserting(keyword, _checked(leaf, keyword), leaf.pointer)
        if held is not None:
            yield held
    elif keyword in OF_ARRAYS:
        yield arrays.asserting(keyword, _count(leaf, keyword))
    elif keyword in OF_OBJECTS:
        yield objects.asserting(keyword, _count(leaf, keyword))
    elif keyword == "required":
        yield Objects(required=tuple(dict.fromkeys(_names(leaf, keyword))))
    elif keyword == "propertyNames":
        names = document.asserted(leaf, keyword)
        yield Objects(max_properties=0) if names is NOTHING else Objects(names=names)
    elif keyword == "uniqueItems" and value is True:
        yield Arrays(unique=leaf.pointer)
    elif keyword == "contains":
        yield from _containing(document, leaf)
    elif keyword in ITEMS:
        prefix, rest = _items(document, leaf)
        yield Arrays(
            prefix=tuple(document.asserted(each) for each in prefix),
            rest=ANYTHING if rest is None else document.asserted(rest),
        )
    elif keyword in PROPERTIES:
        properties, patterns, rest = _properties(document, leaf)
        named = {name: document.asserted(each) for name, each in properties.items()}
        rule = Rule(
            frozenset(named),
            tuple((pattern, document.asserted(each)) for pattern, each in patterns.items()),
            ANYTHING if rest is None else document.asserted(rest),
        )
        yield Objects(properties=named, rules=(rule,) if rule.patterns or rule.rest else ())


def denied_forms(document: SchemaDocument, leaf: Leaf, keyword: str, side: Side) -> Iterator[Form | None]:
    """The forms of which one holds for a value that the keyword refuses; None stands for no value."""
    if keyword in OF_NUMBERS:
        for name, number in _bounds(leaf, keyword):
            yield numbers.denying(name, number, Unsayable(leaf.pointer, keyword, side is Side.APART))
    elif keyword in OF_STRINGS:
        if (
            keyword != "format" or side is not Side.APART
        ):  # a text of no format cannot be told: left out where it may be
            yield strings.denying(keyword, _checked(leaf, keyword), leaf.pointer)
    elif keyword in OF_ARRAYS:
        yield arrays.denying(keyword, _count(leaf, keyword))
    elif keyword in OF_OBJECTS:
        yield objects.denying(keyword, _count(leaf, keyword))
    elif keyword == "required":
        for name in _names(leaf, keyword):
            yield Objects(properties={name: NOTHING})
    elif keyword == "propertyNames":
        yield _somebody(ANYTHING, leaf, keyword, name=document.denied(leaf, keyword, side=side), side=side)
    elif keyword in ("uniqueItems", "contains", *ITEMS):
        yield from _denied_items(document, leaf, keyword, side)
    elif keyword in PROPERTIES:
        yield from _denied_properties(document, leaf, keyword, side)


def _denied_items(document: SchemaDocument, leaf: Leaf, keyword: str, side: Side) -> Iterator[Form | None]:
    assert isinstance(leaf.schema, dict)
    if keyword == "uniqueItems":
        if leaf.schema[keyword] is True:
            yield _refused(leaf, keyword, "arrays in which two items are equal cannot be told", side)
        return
    if keyword == "contains":
        yield from _not_containing(document, leaf, side)
        return
    prefix, rest = _items(document, leaf)
    for at, each in enumerate(prefix):
        yield Arrays(prefix=(ANYTHING,) * at + (document.denied(each, side=side),), min_items=at + 1).bounded()
    if rest is not None:
        yield _some(len(prefix), document.denied(rest, side=side), leaf, keyword, side)


def _denied_properties(document: SchemaDocument, leaf: Leaf, keyword: str, side: Side) -> Iterator[Form | None]:
    properties, patterns, rest = _properties(document, leaf)
    for name, each in properties.items():
        yield Objects(properties={name: document.denied(each, side=side)}, required=(name,)).bounded()
    for pattern, each in patterns.items():
        found = document.asserted(document.made({"pattern": pattern}, leaf.pointer))
        yield _somebody(document.denied(each, side=side), leaf, keyword, name=found, side=side)
    if rest is None:
        return
    others = [document.denied(document.made({"pattern": pattern}, leaf.pointer)) for pattern in patterns]
    if properties:
        others.append(document.denied(document.made({"enum": list(properties)}, leaf.pointer)))
    yield _somebody(document.denied(rest, side=side), leaf, keyword, name=both(*others), side=side)


def type_shape(leaf: Leaf) -> Shape:
    """The values of the schema's types."""
    names = _types(leaf)
    integers = (numbers.Numbers(integer=True),) if "integer" in names else ()
    return Shape(
        null="null" in names,
        booleans=EVERY_VALUE.booleans if "boolean" in names else frozenset(),
        numbers=EVERY_VALUE.numbers if "number" in names else integers,
        strings=EVERY_VALUE.strings if "string" in names else (),
        arrays=EVERY_VALUE.arrays if "array" in names else (),
        objects=EVERY_VALUE.objects if "object" in names else (),
    )


def other_types_shape(leaf: Leaf, side: Side) -> Shape:
    """The values of none of the schema's types."""
    own = type_shape(leaf)
    fractions = (numbers.Numbers(integer=False, unsayable=Unsayable(leaf.pointer, "type", side is Side.APART)),)
    left: tuple[numbers.Numbers, ...] = EVERY_VALUE.numbers
    if own.numbers:
        left = () if numbers.Numbers() in own.numbers else fractions
    return Shape(
        not own.null,
        frozenset() if own.booleans else EVERY_VALUE.booleans,
        left,
        () if own.strings else EVERY_VALUE.strings,
        () if own.arrays else EVERY_VALUE.arrays,
        () if own.objects else EVERY_VALUE.objects,
    )


def listed_values(leaf: Leaf, keyword: str) -> list[object]:
    """The values of const or enum."""
    assert isinstance(leaf.schema, dict)
    value = leaf.schema[keyword]
    if keyword == "const":
        return [value]
    if not isinstance(value, list):
        raise UnsupportedSchema(leaf.pointer, keyword, "it is a list of values")
    return value


def constant_schema(value: object) -> dict[str, object]:
    """What a list or an object says as a constant, in keywords that can be denied one by one."""
    if isinstance(value, list):
        items: list[object] = [{"const": each} for each in value]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    assert isinstance(value, dict)
    return {
        "type": "object",
        "properties": {name: {"const": each} for name, each in value.items()},
        "required": list(value),
        "maxProperties": len(value),
    }


def _types(leaf: Leaf) -> list[str]:
    assert isinstance(leaf.schema, dict)
    value = leaf.schema["type"]
    names = value if isinstance(value, list) else [value]
    for name in names:
        if name not in TYPES:
            raise UnsupportedSchema(leaf.pointer, "type", f"{str(name)[:100]!r} is no type")
    return names


def _containing(document: SchemaDocument, leaf: Leaf) -> Iterator[Form]:
    assert isinstance(leaf.schema, dict)
    least, most = _num_contained(leaf)
    if least == 1:
        form = _some(0, document.asserted(leaf, "contains"), leaf, "contains", Side.HELD)
        yield form if form is not None else Arrays(min_items=1, max_items=0)
    elif least > 1:
        yield _refused(leaf, "minContains", "only one item can be asked for", Side.HELD)
    if most == 0:
        yield Arrays(rest=document.denied(leaf, "contains"))
    elif most is not None:
        yield _refused(leaf, "maxContains", "items of a kind cannot be counted", Side.HELD)


def _not_containing(document: SchemaDocument, leaf: Leaf, side: Side) -> Iterator[Form | None]:
    least, most = _num_contained(leaf)
    if least == 1:
        yield Arrays(rest=document.denied(leaf, "contains", side=side)).bounded()
    elif least > 1:
        yield _refused(leaf, "minContains", "items of a kind cannot be counted", side)
    if most == 0:
        yield _some(0, document.asserted(leaf, "contains"), leaf, "contains", side)
    elif most is not None:
        yield _refused(leaf, "maxContains", "items of a kind cannot be counted", side)


def _num_contained(leaf: Leaf) -> tuple[int, int | None]:
    assert isinstance(leaf.schema, dict)
    least = _count(leaf, "minContains") if "minContains" in leaf.schema else 1
    return least, _count(leaf, "maxContains") if "maxContains" in leaf.schema else None


def _some(start: int, item: Node, leaf: Leaf, keyword: str, side: Side) -> Arrays | None:
    """At least one item from `start` on is in `item`."""
    if item is NOTHING:
        return None
    if not item:
        return Arrays(min_items=start + 1)
    return Arrays(min_items=start + 1, somes=(Some(start, item, Unsayable(leaf.pointer, keyword, side is Side.APART)),))


def _somebody(value: Node, leaf: Leaf, keyword: str, *, name: Node, side: Side) -> Objects | None:
    if value is NOTHING or name is NOTHING:
        return None
    if not value and not name:
        return Objects(min_properties=1)
    wanted = Somebody(name, value, Unsayable(leaf.pointer, keyword, side is Side.APART))
    return Objects(min_properties=1, somebodies=(wanted,))


def _refused(leaf: Leaf, keyword: str, reason: str, side: Side) -> Arrays:
    return Arrays(refused=Unsayable(leaf.pointer, keyword, side is Side.APART, reason))


def _items(document: SchemaDocument, leaf: Leaf) -> tuple[list[Leaf], Leaf | None]:
    """The schemas of the first items and of the others, in the spelling of any draft."""
    assert isinstance(leaf.schema, dict)
    spelled = "items" if isinstance(leaf.schema.get("items"), list) else "prefixItems"
    listed = leaf.schema.get(spelled, [])
    if not isinstance(listed, list):
        raise UnsupportedSchema(leaf.pointer, spelled, "it is a list of schemas")
    rest = "additionalItems" if spelled == "items" else "items"
    prefix = [document.child(leaf, spelled, at) for at in range(len(listed))]
    return prefix, document.child(leaf, rest) if rest in leaf.schema else None


def _properties(document: SchemaDocument, leaf: Leaf) -> tuple[dict[str, Leaf], dict[str, Leaf], Leaf | None]:
    assert isinstance(leaf.schema, dict)
    found = []
    for keyword in PROPERTIES[:2]:
        listed = leaf.schema.get(keyword, {})
        if not isinstance(listed, dict):
            raise UnsupportedSchema(leaf.pointer, keyword, "it is an object of schemas")
        if len(listed) > MAX_PROPERTIES:
            raise UnsupportedSchema(leaf.pointer, keyword, f"an object has at most {MAX_PROPERTIES} of them")
        found.append({name: document.child(leaf, keyword, name) for name in listed})
    rest = document.child(leaf, PROPERTIES[2]) if PROPERTIES[2] in leaf.schema else None
    return found[0], found[1], rest


def _bounds(leaf: Leaf, keyword: str) -> Iterator[tuple[str, numbers.Number]]:
    """Keyword and number, with a boolean "exclusive" of draft 4 read into the keyword."""
    assert isinstance(leaf.schema, dict)
    value = leaf.schema[keyword]
    if isinstance(value, bool) and keyword.startswith("exclusive"):
        return
    if keyword in ("minimum", "maximum") and leaf.schema.get(f"exclusive{keyword.capitalize()}") is True:
        keyword = f"exclusive{keyword.capitalize()}"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UnsupportedSchema(leaf.pointer, keyword, "it is a number")
    if keyword == "multipleOf" and value == 0:
        raise UnsupportedSchema(leaf.pointer, keyword, "it is not 0")
    yield keyword, value


def _checked(leaf: Leaf, keyword: str) -> object:
    assert isinstance(leaf.schema, dict)
    if keyword in COUNTS:
        return _count(leaf, keyword)
    value = leaf.schema[keyword]
    if not isinstance(value, str):
        raise UnsupportedSchema(leaf.pointer, keyword, "it is a string")
    return value


def _count(leaf: Leaf, keyword: str) -> int:
    assert isinstance(leaf.schema, dict)
    value = leaf.schema[keyword]
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not is_whole or value < 0:
        raise UnsupportedSchema(leaf.pointer, keyword, "it is a whole number that is not negative")
    return int(value)


def _names(leaf: Leaf, keyword: str) -> list[str]:
    assert isinstance(leaf.schema, dict)
    value = leaf.schema[keyword]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise UnsupportedSchema(leaf.pointer, keyword, "it is a list of names")
    return value
