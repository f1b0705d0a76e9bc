"""The properties that an object names and those that it does not: by expression, by propertyNames, or all others."""

from dataclasses import replace

from .expansion import Expander
from .forms.nodes import ANYTHING, NOTHING, Node, both, outside
from .forms.objects import Objects, Rule, Somebody
from .forms.strings import Strings
from .unsupported import UnsupportedSchema

MAX_CLASSES = 64  # of names that expressions tell apart
MAX_SPLIT = 8  # optional properties whose presence has to be told


class Classes:
    def __init__(self, expander: Expander) -> None:
        self._expander = expander

    def listed(self, form: Objects) -> tuple[str, ...]:
        """The only names that propertyNames leaves, when they are a list."""
        if not form.names:
            return ()
        strings = self._expander.shape(form.names).strings
        if any(string.texts is None or string.formats or string.patterns or string.no_patterns for string in strings):
            return ()
        return tuple(dict.fromkeys(text for string in strings for text in string.texts or ()))

    def has_others(self, form: Objects) -> bool:
        """Whether there may be properties besides those that are named."""
        patterns, rest = self.others(form, form.named)
        return any(self._expander.is_inhabited(node) for _, node in patterns) or self._expander.is_inhabited(rest)

    def others(self, form: Objects, taken: tuple[str, ...]) -> tuple[list[tuple[str, Node]], Node]:
        """Expressions that exclude one another, each with what its values must be; and what all others must be."""
        texts = self._expander.texts
        classes = self._split(form)
        if form.names:
            if self.listed(form):
                return [], NOTHING
            allowed = self._expander.shape(form.names).strings
            classes = [
                (met, node)
                for names, node in classes
                for each in allowed
                if (met := texts.meet(names, each)) is not None
            ]
        found: list[tuple[str, Node]] = []
        rest: Node = NOTHING if form.names else ANYTHING
        for names, node in classes:
            if not form.names and not names.patterns:
                rest = node
                continue
            if node is NOTHING and form.names:
                continue
            matching = tuple(name for name in taken if self._holds(names, name)) if node else ()
            free = replace(names, no_texts=names.no_texts + matching) if node is not NOTHING else names
            if not texts.is_empty(free):
                found.append((texts.expression(free, "patternProperties"), node))
        return found, rest

    def found(self, form: Objects) -> list[Objects]:
        """Forms that name every property that propertyNames lists, and those of which there must be one."""
        listed = {name: ANYTHING for name in self.listed(form) if name not in form.properties}
        forms = [replace(form, properties={**form.properties, **listed})]
        for _ in form.somebodies:
            forms = [found for each in forms for found in self._with(each, each.somebodies[0])]
        return forms

    def _with(self, form: Objects, wanted: Somebody) -> list[Objects]:
        expander = self._expander
        form = replace(form, somebodies=form.somebodies[1:])
        names = expander.shape(wanted.name).strings
        if wanted.name and all(each.texts is not None for each in names):
            listed = dict.fromkeys(text for each in names for text in each.texts or ())
            return self._each_named(form, wanted, list(listed))
        if form.max_properties == 1:
            rule = Rule(frozenset(), (), wanted.value)
            properties = {name: both(node, wanted.value) for name, node in form.properties.items()}
            only = replace(form, properties=properties, rules=(*form.rules, rule), names=both(form.names, wanted.name))
            return [replace(only, min_properties=1)]
        return self._each_named(form, wanted, list(form.named)) + self._another(form, wanted)

    def _each_named(self, form: Objects, wanted: Somebody, names: list[str]) -> list[Objects]:
        found = []
        for name in names:
            value = both(self._expander.value(form, name), wanted.value)
            is_named = self._expander.is_inhabited(both(wanted.name, self._expander.constant(name)))
            if is_named and self._expander.is_inhabited(value):
                known = Objects(properties={name: wanted.value}, required=(name,))
                met = form.meet(known)
                if met is not None:
                    found.append(met)
        return found

    def _another(self, form: Objects, wanted: Somebody) -> list[Objects]:
        """One that is not named: where every such property is wanted, it is enough that there is one more."""
        known = form.named
        if not self.has_others(form):
            return []
        if any(self._unnamed(both(form.names, node), known) for node in outside(wanted.name)):
            raise wanted.unsayable.error("that one property has such a name cannot be held")
        patterns, rest = self.others(form, known)
        values = [node for node in (*(node for _, node in patterns), rest) if node is not NOTHING]
        if not all(self._expander.is_within(node, wanted.value) for node in values):
            raise wanted.unsayable.error("that one property is such a value cannot be held")
        optional = [name for name in known if name not in form.required and form.properties[name] is not NOTHING]
        if len(optional) > MAX_SPLIT:
            raise wanted.unsayable.error("too many properties may be there beside it")
        found = []
        for chosen in range(1 << len(optional)):
            names = [name for at, name in enumerate(optional) if chosen >> at & 1]
            split = form.requiring(*names)
            split = split and split.without(*(name for name in optional if name not in names))
            if split is not None:
                least = max(split.min_properties, len(split.required) + 1)
                met = replace(split, min_properties=least).bounded()
                found += [met] if met is not None else []
        return found

    def _unnamed(self, node: Node, known: tuple[str, ...]) -> bool:
        """Whether there are names in the node that are not known."""
        texts = self._expander.texts
        met = [texts.meet(each, Strings(no_texts=known)) for each in self._expander.shape(node).strings]
        return any(each is not None and not texts.is_empty(each) for each in met)

    def _split(self, form: Objects) -> list[tuple[Strings, Node]]:
        """The names that no schema names, by the expressions that find them."""
        texts = self._expander.texts
        patterns = dict.fromkeys(pattern for rule in form.rules for pattern, _ in rule.patterns)
        classes = [Strings()]
        for pattern in patterns:
            split = []
            for names in classes:
                inside = texts.meet(names, Strings(patterns=(pattern,)))
                if inside is None or texts.is_empty(inside):
                    split.append(names)
                    continue
                outside = texts.meet(names, Strings(no_patterns=(pattern,)))
                split += [inside] if outside is None or texts.is_empty(outside) else [inside, outside]
            classes = split
            if len(classes) > MAX_CLASSES:
                raise UnsupportedSchema("", "patternProperties", "its expressions tell too many kinds of names apart")
        return [(self._least(names), self._value(form, names)) for names in classes]

    def _least(self, names: Strings) -> Strings:
        """Without the exclusion of what is excluded anyway."""
        if not names.patterns:
            return names
        texts = self._expander.texts
        alone = replace(names, no_patterns=())
        kept = [
            pattern
            for pattern in names.no_patterns
            if (met := texts.meet(alone, Strings(patterns=(pattern,)))) is not None and not texts.is_empty(met)
        ]
        return replace(names, no_patterns=tuple(kept))

    def _value(self, form: Objects, names: Strings) -> Node:
        found = []
        for rule in form.rules:
            nodes = [node for pattern, node in rule.patterns if pattern in names.patterns]
            found += nodes or [rule.rest]
        return both(*found)

    def _holds(self, names: Strings, name: str) -> bool:
        met = self._expander.texts.meet(names, Strings(texts=(name,)))
        return met is not None
