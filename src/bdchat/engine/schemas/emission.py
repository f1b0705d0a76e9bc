"""Shapes → a schema in the few keywords of which each means to the compiler what it means here.

Each node becomes one definition, however often it is referred to; a union an anyOf; a form one schema of one type.
"""

from itertools import combinations

from .expansion import Expander
from .forms.arrays import Arrays, arrangements
from .forms.nodes import Leaf, Node
from .forms.objects import Objects
from .forms.shapes import Shape
from .forms.strings import Strings
from .property_names import Classes
from .unsupported import Budget, UnsupportedSchema

MAX_ALTERNATIVES = 400  # of one object, for how many of its properties may be there


class Emitter:
    """Owned by one rewrite."""

    def __init__(self, expander: Expander, budget: Budget) -> None:
        self._expander = expander
        self._budget = budget
        self._classes = Classes(expander)
        self._names: dict[frozenset[tuple[Leaf, bool]], str] = {}
        self._waiting: list[tuple[str, Node]] = []

    def document(self, node: Node) -> dict[str, object]:
        """The whole schema. Raises UnsupportedSchema for what no grammar can hold, or when nothing is left."""
        shape = self._expander.shape(node)
        if not self._expander.has_values(shape):
            raise UnsupportedSchema("", "$schema", "no value is valid")
        root = self._shown(shape)
        if root is False:
            raise UnsupportedSchema("", "$schema", "no value is valid")
        written = root if isinstance(root, dict) else {}
        definitions: dict[str, object] = {}
        while self._waiting:
            name, each = self._waiting.pop()
            definitions[name] = self._shown(self._expander.shape(each))
        return {**written, "$defs": definitions} if definitions else written

    def _reference(self, node: Node) -> object:
        if not node:
            return True
        if not self._expander.is_inhabited(node):
            return False
        shape = self._expander.shape(node)
        if not shape.has_parts or shape.is_everything:
            return self._shown(shape)
        key = frozenset(node)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = str(len(self._names))
            self._waiting.append((name, node))
        return {"$ref": f"#/$defs/{name}"}

    def _shown(self, shape: Shape) -> object:
        if shape.is_everything:
            return True
        self._budget.spend()
        options = self._scalars(shape)
        for array in shape.arrays:
            options += [shown for placed in array.placed() for shown in self._arrays(placed)]
        for form in shape.objects:
            options += self._objects(form)
        if not options:
            return False
        return options[0] if len(options) == 1 else {"anyOf": options}

    def _scalars(self, shape: Shape) -> list[object]:
        """The values that are listed in one schema, and one schema for each other form."""
        values: list[object] = [None] if shape.null else []
        values += sorted(shape.booleans)
        options: list[object] = []
        for number in shape.numbers:
            shown = number.shown()
            if shown is None:
                raise UnsupportedSchema(
                    *number.pointer, "numbers that are no integers, or no multiples, cannot be told"
                )
            if isinstance(shown, list):
                values += shown
            else:
                options.append(shown)
        for string in shape.strings:
            if string.texts is not None and string == Strings(texts=string.texts, pointer=string.pointer):
                values += string.texts
            elif not self._expander.texts.is_empty(string):
                options.append(self._expander.texts.shown(string, "pattern"))
        return [_listed(values), *options] if values else options

    def _arrays(self, form: Arrays) -> list[object]:
        if form.refused:
            raise UnsupportedSchema(*form.refused)
        if not all(
            self._expander.is_inhabited(form.item(at)) for at in range(min(form.min_items, len(form.prefix) + 1))
        ):
            return []
        if form.unique is not None:
            return [self._different(form, form.unique)]
        shown: dict[str, object] = {"type": "array"}
        if form.prefix:
            shown["prefixItems"] = [self._reference(node) for node in form.prefix]
        if form.rest:
            shown["items"] = self._reference(form.rest)
        if form.min_items:
            shown["minItems"] = form.min_items
        if form.max_items is not None:
            shown["maxItems"] = form.max_items
        return [shown]

    def _different(self, form: Arrays, pointer: str) -> object:
        """Arrays of items that differ, where there are few enough to be listed."""
        values = None if form.prefix else self._values(form.rest)
        if values is None:
            raise UnsupportedSchema(
                pointer, "uniqueItems", "only items of a short list of values can be kept different"
            )
        most = len(values) if form.max_items is None else min(form.max_items, len(values))
        found = arrangements(values, form.min_items, most)
        if found is None:
            raise UnsupportedSchema(pointer, "uniqueItems", "the items can be put in too many orders")
        return {"enum": found} if found else False

    def _values(self, node: Node) -> list[object] | None:
        """All values of it; None when they are not a list."""
        shape = self._expander.shape(node)
        if shape.has_parts or any(
            string.texts is None or string.patterns or string.formats for string in shape.strings
        ):
            return None
        values: list[object] = [None] if shape.null else []
        values += sorted(shape.booleans)
        values += [text for string in shape.strings for text in string.texts or ()]
        for number in shape.numbers:
            shown = number.shown()
            if not isinstance(shown, list):
                return None
            values += shown
        return values

    def _objects(self, form: Objects) -> list[object]:
        if form.refused:
            raise UnsupportedSchema(*form.refused)
        forms = self._classes.found(form)
        return [shown for each in forms for counted in self._counted(each) for shown in self._object(counted)]

    def _counted(self, form: Objects) -> list[Objects]:
        """Forms in which no count depends on which of the named properties are there."""
        least, most = form.min_properties, form.max_properties
        optional = [name for name in form.properties if name not in form.required]
        optional = [name for name in optional if self._expander.is_inhabited(self._expander.value(form, name))]
        others = self._classes.has_others(form)
        num_required = len(form.required)
        if most is not None and not others and num_required + len(optional) <= most:
            most = None
        if least <= num_required:
            least = 0
        if (not least and most is None) or not optional:
            is_possible = others or num_required >= least
            return [self._limited(form, least, most)] if is_possible else []
        found: list[Objects] = []
        for number in range(len(optional) + 1):
            is_enough = num_required + number >= least and most is None
            if most is not None and num_required + number > most:
                break
            if not others and num_required + number < least:
                continue
            for names in combinations(optional, number):
                self._budget.spend(1 + len(optional))
                chosen = form.requiring(*names)
                if chosen is not None and not is_enough:
                    chosen = chosen.without(*(name for name in optional if name not in names))
                if chosen is not None:
                    found.append(self._limited(chosen, 0 if is_enough else least, most))
                if len(found) > MAX_ALTERNATIVES:
                    raise UnsupportedSchema(
                        "", "minProperties" if least else "maxProperties", "too many properties may count"
                    )
            if is_enough:
                break
        return found

    @staticmethod
    def _limited(form: Objects, least: int, most: int | None) -> Objects:
        return Objects(form.properties, form.required, form.rules, form.names, least, most)

    def _object(self, form: Objects) -> list[object]:
        expander = self._expander
        properties: dict[str, object] = {}
        taken = self._classes.listed(form)
        for name in dict.fromkeys((*form.named, *taken)):
            value = expander.value(form, name)
            shown = self._reference(value)
            if shown is False and name in form.required:
                return []
            properties[name] = shown
        shown_object: dict[str, object] = {"type": "object"}
        if properties:
            shown_object["properties"] = properties
        patterns, rest = self._classes.others(form, tuple(properties))
        if patterns:
            shown_object["patternProperties"] = {pattern: self._reference(node) for pattern, node in patterns}
        if rest:
            shown_object["additionalProperties"] = self._reference(rest)
        if form.required:
            shown_object["required"] = list(form.required)
        if form.min_properties:
            shown_object["minProperties"] = form.min_properties
        if form.max_properties is not None:
            shown_object["maxProperties"] = form.max_properties
        return [shown_object]


def _listed(values: list[object]) -> dict[str, object]:
    if values == [None]:
        return {"type": "null"}
    if all(value is None or isinstance(value, bool) for value in values) and True in values and False in values:
        return {"type": ["null", "boolean"]} if None in values else {"type": "boolean"}
    return {"const": values[0]} if len(values) == 1 else {"enum": values}
