"""Sets of JSON values as conjunctions of schemas and of their complements. Nothing is expanded here.

A Leaf is one subschema where it stands in the document; a Node is a conjunction of leaves, each asserted or denied.
What a property or an item must be is always a Node: a conjunction of conjunctions is one, and so is a denied leaf. A
document has finitely many leaves, so it has finitely many nodes, and a schema that refers to itself ends.
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """Equal only to itself. `base`: the URI against which its $ref is resolved."""

    schema: object  # a dict or a bool
    pointer: str
    base: str


class Side(Enum):
    HELD = "held"
    DENIED = "denied"
    APART = "apart"  # denied, so that the branches of a oneOf exclude one another: what cannot be told may be left out


Literal = tuple[Leaf, Side]
Node = tuple[Literal, ...]

ANYTHING: Node = ()
NOTHING: Node = ((Leaf(False, "", ""), Side.HELD),)


def asserted(leaf: Leaf) -> Node:
    if leaf.schema is True or leaf.schema == {}:
        return ANYTHING
    return NOTHING if leaf.schema is False else ((leaf, Side.HELD),)


def denied(leaf: Leaf, side: Side = Side.DENIED) -> Node:
    if leaf.schema is False:
        return ANYTHING
    return NOTHING if leaf.schema is True or leaf.schema == {} else ((leaf, side),)


def both(*nodes: Node) -> Node:
    """In all of the nodes; NOTHING when one leaf is held and denied."""
    found: dict[Leaf, Side] = {}
    for node in nodes:
        if node is NOTHING:
            return NOTHING
        for leaf, side in node:
            known = found.setdefault(leaf, side)
            if known is not side:
                if Side.HELD in (known, side):
                    return NOTHING
                found[leaf] = Side.DENIED
    return tuple(found.items())


def outside(node: Node) -> list[Node]:
    """Nodes of which a value that is not in this one is in one."""
    return [((leaf, Side.DENIED if side is Side.HELD else Side.HELD),) for leaf, side in node]
