"""Sets of objects: what each property must be, which there must be, how many, and what their names must be."""

from dataclasses import dataclass, field, replace

from ..unsupported import Unsayable
from .nodes import ANYTHING, NOTHING, Node, both


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What one schema says of the properties that another does not name: `patterns` by expression, else `rest`."""

    names: frozenset[str]  # of its own `properties`: nothing is said of them here, but by patterns
    patterns: tuple[tuple[str, Node], ...]
    rest: Node

    @property
    def closes(self) -> bool:
        """Whether there can be no properties but its own."""
        return self.rest is NOTHING and not self.patterns


@dataclass(frozen=True, slots=True)
class Somebody:
    """At least one property has a name in `name` and a value in `value`."""

    name: Node
    value: Node
    unsayable: Unsayable


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    properties: dict[str, Node] = field(default_factory=dict)  # in the order in which they are written
    required: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    names: Node = ANYTHING
    min_properties: int = 0
    max_properties: int | None = None
    somebodies: tuple[Somebody, ...] = ()
    refused: Unsayable | None = None

    def meet(self, other: "Objects") -> "Objects | None":
        properties = dict(self.properties)
        for name, node in other.properties.items():
            properties[name] = both(properties[name], node) if name in properties else node
        most = [each for each in (self.max_properties, other.max_properties) if each is not None]
        met = Objects(
            properties=properties,
            required=tuple(dict.fromkeys(self.required + other.required)),
            rules=tuple(dict.fromkeys(self.rules + other.rules)),
            names=both(self.names, other.names),
            min_properties=max(self.min_properties, other.min_properties),
            max_properties=min(most, default=None),
            somebodies=tuple(dict.fromkeys(self.somebodies + other.somebodies)),
            refused=self.refused or other.refused,
        )
        return met.bounded()

    def bounded(self) -> "Objects | None":
        """None: its own contradictions leave no object."""
        if any(self.properties.get(name) is NOTHING for name in self.required):
            return None
        if self.max_properties is not None:
            if max(self.min_properties, len(self.required)) > self.max_properties:
                return None
            if self.max_properties == 0 and self.somebodies:
                return None
        return self

    @property
    def named(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.properties, *self.required)))

    @property
    def is_free(self) -> bool:
        """Whether every object is in it."""
        return (
            not (self.required or self.somebodies or self.refused or self.min_properties)
            and self.max_properties is None
            and not self.names
            and all(not node for node in self.properties.values())
            and all(not rule.rest and not rule.patterns for rule in self.rules)
        )

    def requiring(self, *names: str) -> "Objects | None":
        return replace(self, required=tuple(dict.fromkeys(self.required + names))).bounded()

    def without(self, *names: str) -> "Objects | None":
        return replace(self, properties={**self.properties, **dict.fromkeys(names, NOTHING)}).bounded()


def asserting(keyword: str, value: int) -> Objects:
    return Objects(min_properties=value) if keyword == "minProperties" else Objects(max_properties=value)


def denying(keyword: str, value: int) -> Objects | None:
    if keyword == "maxProperties":
        return Objects(min_properties=value + 1)
    return Objects(max_properties=value - 1) if value > 0 else None
