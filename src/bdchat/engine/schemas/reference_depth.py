"""How deep the compiler goes from reference to reference, and an order in which it need not.

It reads what a reference leads to where it first meets it, on its stack: a chain of 700 takes all of 8 MiB, and with it
the process (llguidance 1.9.1). Told of the last ones first, it finds them read.
"""

from collections.abc import Iterator

from .unsupported import UnsupportedSchema

MAX_LEVELS = 400  # schemas in each other, references included; the stack holds four times as many
MAX_PLAIN = 100  # until then the order is left as it is


def shallow(root: dict[str, object], definitions: dict[str, object]) -> dict[str, object]:
    """The whole schema. Raises UnsupportedSchema when no order helps."""
    if not definitions:
        return root
    outgoing = {name: list(_references(each)) for name, each in definitions.items()}
    outgoing[""] = list(_references(root))
    if _deepest([""], outgoing) <= MAX_PLAIN:
        return {**root, "$defs": definitions}
    order = _last_first(outgoing)
    if _deepest(order, outgoing) > MAX_LEVELS:
        raise UnsupportedSchema("", "$ref", f"references lead from one to the next more than {MAX_LEVELS} deep")
    # Everything is taken by the first option, so that the others say nothing but an order.
    told = [True, *({"$ref": f"#/$defs/{name}"} for name in order[:-1])]
    return {"anyOf": told, "allOf": [root], "$defs": definitions}


def _references(schema: object) -> Iterator[tuple[str, int]]:
    """Names that are referred to, with the level at which each stands."""
    waiting = [(schema, 1)]
    while waiting:
        each, level = waiting.pop()
        if isinstance(each, dict):
            reference = each.get("$ref")
            if isinstance(reference, str):
                yield reference.removeprefix("#/$defs/"), level
            waiting += [(value, level + 1) for value in reversed(each.values()) if isinstance(value, (dict, list))]
        elif isinstance(each, list):
            waiting += [(value, level) for value in reversed(each) if isinstance(value, (dict, list))]


def _last_first(outgoing: dict[str, list[tuple[str, int]]]) -> list[str]:
    """Every name after those that it refers to, circles excepted; the root is the last."""
    order: list[str] = []
    seen = {""}
    path: list[tuple[str, Iterator[tuple[str, int]]]] = [("", iter(outgoing[""]))]
    while path:
        name, left = path[-1]
        following = next((each for each, _ in left if each not in seen), None)
        if following is None:
            order.append(name)
            path.pop()
        else:
            seen.add(following)
            path.append((following, iter(outgoing[following])))
    return order


def _deepest(order: list[str], outgoing: dict[str, list[tuple[str, int]]]) -> int:
    """Of a reader that is told the names in this order."""
    seen: set[str] = set()
    deepest = 0
    for start in order:
        if start in seen:
            continue
        seen.add(start)
        path: list[tuple[int, Iterator[tuple[str, int]]]] = [(1, iter(outgoing[start]))]
        while path:
            level, left = path[-1]
            following = next(((each, inner) for each, inner in left if each not in seen), None)
            if following is None:
                path.pop()
                continue
            seen.add(following[0])
            deepest = max(deepest, level + following[1])
            path.append((level + following[1], iter(outgoing[following[0]])))
    return deepest
