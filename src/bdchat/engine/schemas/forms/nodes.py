"""Sets of JSON values as conjunctions of schemas and of their complements. Nothing is expanded here.

A Leaf is one subschema where it stands in the document; a Node is a conjunction of leaves, each asserted or denied.
What a property or an item must be is always a Node: a conjunction of conjunctions is one, and so is a denied leaf. A
document has finitely many leaves, so it has finitely many nodes, and a schema that refers to itself ends.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """Equal only to itself. `base`: the URI against which its $ref is resolved."""

    schema: object  # a dict or a bool
    pointer: str
    base: str


Node = tuple[tuple[Leaf, bool], ...]  # (leaf, asserted)

ANYTHING: Node = ()
NOTHING: Node = ((Leaf(False, "", ""), True),)


def asserted(leaf: Leaf) -> Node:
    if leaf.schema is True or leaf.schema == {}:
        return ANYTHING
    return NOTHING if leaf.schema is False else ((leaf, True),)


def denied(leaf: Leaf) -> Node:
    if leaf.schema is False:
        return ANYTHING
    return NOTHING if leaf.schema is True or leaf.schema == {} else ((leaf, False),)


def both(*nodes: Node) -> Node:
    """In all of the nodes; NOTHING when one leaf is asserted and denied."""
    found: dict[Leaf, bool] = {}
    for node in nodes:
        if node is NOTHING:
            return NOTHING
        for leaf, is_asserted in node:
            if found.setdefault(leaf, is_asserted) is not is_asserted:
                return NOTHING
    return tuple(found.items())
