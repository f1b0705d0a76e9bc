"""unevaluatedProperties and unevaluatedItems, where which properties the neighbours take is known without a value."""

from .document import SchemaDocument
from .forms.arrays import Arrays
from .forms.nodes import ANYTHING, Leaf, Side
from .forms.objects import Objects, Rule
from .unsupported import Unsayable

UNSURE = ("anyOf", "oneOf", "if", "then", "else", "not", "dependentSchemas", "dependencies", "contains")
OF = {
    "unevaluatedProperties": ("properties", "patternProperties", "additionalProperties", "unevaluatedProperties"),
    "unevaluatedItems": ("prefixItems", "items", "additionalItems", "unevaluatedItems", "contains"),
}


def unevaluated_form(document: SchemaDocument, leaf: Leaf, keyword: str) -> Objects | Arrays:
    takers = _takers(document, leaf)
    own = OF[keyword]
    for taker in takers:
        assert isinstance(taker.schema, dict)
        for unsure in UNSURE:
            if unsure in taker.schema and _speaks_of(document, taker, unsure, own):
                return refused_form(leaf, keyword, f"what {unsure} takes depends on the value")
        if taker is not leaf and keyword in taker.schema:
            return Objects() if keyword == "unevaluatedProperties" else Arrays()
    rest = document.asserted(leaf, keyword)
    schemas = [taker.schema for taker in takers if isinstance(taker.schema, dict)]
    if keyword == "unevaluatedItems":
        if any("additionalItems" in schema or isinstance(schema.get("items"), (dict, bool)) for schema in schemas):
            return Arrays()
        num_listed = [len(schema.get("prefixItems") or schema.get("items") or ()) for schema in schemas]
        return Arrays(prefix=(ANYTHING,) * max(num_listed), rest=rest)
    if any("additionalProperties" in schema for schema in schemas):
        return Objects()
    names = frozenset(name for schema in schemas for name in schema.get("properties", {}))
    patterns = dict.fromkeys(pattern for schema in schemas for pattern in schema.get("patternProperties", {}))
    return Objects(rules=(Rule(names, tuple((pattern, ANYTHING) for pattern in patterns), rest),))


def refused_form(leaf: Leaf, keyword: str, reason: str, side: Side = Side.HELD) -> Objects | Arrays:
    refused = Unsayable(leaf.pointer, keyword, side is Side.APART, reason)
    return Objects(refused=refused) if keyword == "unevaluatedProperties" else Arrays(refused=refused)


def _takers(document: SchemaDocument, leaf: Leaf) -> list[Leaf]:
    """The schemas that apply to the value whatever it is: this one, those of allOf and what is referred to."""
    found: dict[Leaf, None] = {}
    waiting = [leaf]
    while waiting:
        each = waiting.pop()
        if each in found or not isinstance(each.schema, dict):
            continue
        found[each] = None
        if "$ref" in each.schema:
            waiting.append(document.resolve(each, each.schema["$ref"]))
        if isinstance(each.schema.get("allOf"), list):
            waiting += [document.child(each, "allOf", at) for at in range(len(each.schema["allOf"]))]
    return list(found)


def _speaks_of(document: SchemaDocument, leaf: Leaf, keyword: str, own: tuple[str, ...]) -> bool:
    """Whether a schema under `keyword` takes properties (or items) of the value itself."""
    assert isinstance(leaf.schema, dict)
    if keyword == "contains":
        return "contains" in own
    value = leaf.schema[keyword]
    paths = [(keyword, key) for key in (range(len(value)) if isinstance(value, list) else value)]
    if keyword in ("if", "then", "else", "not"):
        inner = [document.child(leaf, keyword)]
    else:
        inner = [document.child(leaf, *path) for path in paths if isinstance(value[path[1]], (dict, bool))]
    for each in inner:
        for taker in _takers(document, each):
            assert isinstance(taker.schema, dict)
            if any(name in taker.schema for name in (*own, "anyOf", "oneOf", "if", "dependentSchemas")):
                return True
    return False
