"""Shapes → a schema in the few keywords of which each means to the compiler what it means here.

Each node becomes one definition, however often it is referred to; a union an anyOf; a form one schema of one type.
"""

from dataclasses import replace
from itertools import combinations

from .expansion import Expander
from .forms.arrays import Arrays, arrangements
from .forms.nodes import Literal, Node, Side
from .forms.objects import Objects
from .forms.shapes import Shape
from .forms.strings import Strings
from .property_names import Classes
from .reference_depth import shallow
from .unsupported import Budget, Unsaid, UnsupportedSchema

MAX_DEPTH = 40  # of what is written while something else is
MAX_ALTERNATIVES = 400  # of one object, for how many of its properties may be there


class Emitter:
    """Owned by one rewrite."""

    def __init__(self, expander: Expander, budget: Budget) -> None:
        self._expander = expander
        self._budget = budget
        self._classes = Classes(expander)
        self._names: dict[frozenset[Literal], str] = {}
        self._waiting: list[tuple[str, Node]] = []
        self._definitions: dict[str, object] = {}
        self.unsaid: Unsaid | None = None  # the last thing that was left out
        self._depth = 0

    def document(self, node: Node) -> dict[str, object]:
        """The whole schema. Raises UnsupportedSchema for what no grammar can hold, or when nothing is left."""
        root = self._required(node)
        while self._waiting:
            name, each = self._waiting.pop()
            self._definitions[name] = self._required(each)
        return shallow(root if isinstance(root, dict) else {}, self._definitions)

    def _required(self, node: Node) -> object:
        shape = self._expander.shape(node)
        shown = self._shown(shape) if self._expander.has_values(shape) else False
        if shown is False:
            raise self.unsaid or UnsupportedSchema("", "$schema", "no value is valid")
        return shown

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
            if all(side is not Side.APART for _, side in node):
                self._waiting.append((name, node))
            else:
                self._write_now(name, shape)
        return {"$ref": f"#/$defs/{name}"} if self._definitions.get(name) is not False else False

    def _write_now(self, name: str, shape: Shape) -> None:
        """Of a shape of which something may be left out: what refers to it needs to know whether anything is left."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnsupportedSchema("", "oneOf", f"its branches are alike for more than {MAX_DEPTH} levels")
        self._definitions[name] = self._shown(shape)
        self._depth -= 1

    def _shown(self, shape: Shape) -> object:
        if shape.is_everything:
            return True
        self._budget.spend()
        options = self._scalars(shape)
        forms: list[Arrays | Objects] = [*shape.arrays, *shape.objects]
        for form in forms:
            try:
                options += self._written(form)
            except Unsaid as unsaid:
                self.unsaid = unsaid
        if not options:
            return False
        return options[0] if len(options) == 1 else {"anyOf": options}

    def _written(self, form: Arrays | Objects) -> list[object]:
        return self._arrays(form) if isinstance(form, Arrays) else self._objects(form)

    def _scalars(self, shape: Shape) -> list[object]:
        """The values that are listed in one schema, and one schema for each other form."""
        values: list[object] = [None] if shape.null else []
        values += sorted(shape.booleans)
        options: list[object] = []
        for number in (part for each in shape.numbers for part in each.parts):
            shown = number.shown()
            if shown is None:
                assert number.unsayable is not None
                error = number.unsayable.error("numbers that are no integers, or no multiples, cannot be told")
                if not isinstance(error, Unsaid):
                    raise error
                self.unsaid = error
            elif isinstance(shown, list):
                values += shown
            else:
                options.append(shown)
        for string in shape.strings:
            if string.texts is not None and string == Strings(texts=string.texts, pointer=string.pointer):
                values += string.texts
            else:
                options += self._string(string)
        return [_listed(values), *options] if values else options

    def _string(self, form: Strings) -> list[object]:
        texts = self._expander.texts
        try:
            return [] if texts.is_empty(form) else [texts.shown(form, "pattern")]
        except UnsupportedSchema as error:  # a budget knows no place
            raise UnsupportedSchema(error.pointer or form.pointer, error.keyword, error.reason) from error

    def _arrays(self, form: Arrays) -> list[object]:
        if form.refused:
            raise form.refused.error()
        forms = self._satisfied(form).placed()
        return [shown for each in forms if (shown := self._array(each)) is not False]

    def _satisfied(self, form: Arrays) -> Arrays:
        """Without the search for an item where every item is one."""
        is_within = self._expander.is_within
        left = tuple(
            some
            for some in form.somes
            if not all(is_within(node, some.item) for node in (*form.prefix[some.start :], form.rest))
        )
        return replace(form, somes=left)

    def _array(self, form: Arrays) -> object:
        if form.unique is not None:
            return self._different(form, form.unique)
        prefix = [self._reference(node) for node in form.prefix]
        rest = self._reference(form.rest)
        if False in prefix[: form.min_items] or (rest is False and form.min_items > len(prefix)):
            return False
        shown: dict[str, object] = {"type": "array"}
        if prefix:
            shown["prefixItems"] = prefix
        if rest is not True:
            shown["items"] = rest
        if form.min_items:
            shown["minItems"] = form.min_items
        if form.max_items is not None:
            shown["maxItems"] = form.max_items
        return shown

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
            raise form.refused.error()
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
        for name in form.named:
            value = expander.value(form, name)
            shown = self._reference(value)
            if shown is False and name in form.required:
                return []
            properties[name] = shown
        self._budget.spend(len(properties))
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
