"""Values of JSON, and whether a schema as it was rewritten takes them: asked of the compiler, a byte a token."""

import itertools
import json
import random
from collections.abc import Iterator

from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from llguidance import LLMatcher, LLTokenizer

from bdchat.engine.schemas.rewrite import rewrite

BYTES = LLTokenizer("byte")

NAMES = ("a", "b", "c", "ab")
SCALARS: tuple[object, ...] = (None, False, True, 0, 1, 2, 3, -1, 5, 1.5, "", "a", "b", "ab", "abc", "zz")


class Compiled:
    """A schema that was rewritten and compiled. Raises UnsupportedSchema; what the compiler refuses is an assertion."""

    def __init__(self, schema: object) -> None:
        self.rewritten, self.left_out = rewrite(schema)
        grammar = LLMatcher.grammar_from_json_schema(json.dumps(self.rewritten))
        self._matcher = LLMatcher(BYTES, grammar, log_level=0)
        assert not self._matcher.is_error(), (schema, self.rewritten, self._matcher.get_error())

    def takes(self, value: object) -> bool:
        return self.takes_text(json.dumps(value, ensure_ascii=False))

    def takes_text(self, text: str) -> bool:
        tokens = BYTES.tokenize_str(text)
        self._matcher.reset()
        return self._matcher.try_consume_tokens(tokens) == len(tokens) and self._matcher.is_accepting()


def is_valid(schema: object, value: object) -> bool:
    validator = validator_for(schema, default=Draft202012Validator)
    return bool(validator(schema).is_valid(value))


def values() -> list[object]:
    """Scalars, lists of up to three of them, objects of up to three names; names in the order of NAMES."""
    found: list[object] = list(SCALARS)
    few = (None, True, 1, 2, "a", "ab", 5)
    found += [[], *([each] for each in few), *([each, other] for each in few for other in few[2:6])]
    found += [[1, "a", 2], [1, 2, 1], ["a", "b", "ab"], [[1]], [{"a": 1}]]
    for chosen in range(1 << len(NAMES)):
        names = [name for at, name in enumerate(NAMES) if chosen >> at & 1]
        for shift in range(4):
            found.append({name: few[(at * 2 + shift) % len(few)] for at, name in enumerate(names)})
    found += [{"a": {"b": 1}}, {"a": {"a": "a"}}, {"a": [1]}, {"zz": 1}, {"a": 1, "zz": "x"}]
    return found


def random_value(source: random.Random, depth: int = 0) -> object:
    kind = source.randrange(4 if depth < 2 else 2)
    if kind < 2:
        return source.choice(SCALARS)
    if kind == 2:
        return [random_value(source, depth + 1) for _ in range(source.randrange(4))]
    return {name: random_value(source, depth + 1) for name in NAMES if source.random() < 0.45}


def orders(value: object) -> Iterator[object]:
    """The value with the properties of its objects in every order."""
    if isinstance(value, dict):
        for names in itertools.permutations(value):
            for values_ in itertools.product(*(list(orders(value[name])) for name in names)):
                yield dict(zip(names, values_, strict=True))
    elif isinstance(value, list):
        for values_ in itertools.product(*(list(orders(each)) for each in value)):
            yield list(values_)
    else:
        yield value
