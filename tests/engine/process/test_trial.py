"""Grammars that never end, or take the whole stack, die in a process of their own."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bdchat.engine.errors import EngineUnavailable, InvalidRequest
from bdchat.engine.process.trial import GrammarTrial
from bdchat.engine.request import Constraint
from bdchat.engine.sampling.compiler import GrammarCompiler
from bdchat.engine.sampling.token_table import TokenTable
from bdchat.settings import child_environment
from tests.engine.grammars import constrained
from tests.fakes import N_VOCAB, ByteTokenizer


def chain(length: int) -> dict[str, Any]:
    links = {f"a{i}": {"$ref": f"#/$defs/a{i + 1}"} for i in range(length)}
    return {"$defs": {**links, f"a{length}": {"const": 1}}, "$ref": "#/$defs/a0"}


BOMBS: dict[str, Any] = {
    "a chain of references": chain(5000),
    "a circle of references": {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    "patterns that must all match": {
        "allOf": [{"pattern": f"[a-z]{{{n}}}.*x", "type": "string"} for n in range(1, 30)]
    },
    "a multiple of a large number": {"type": "integer", "multipleOf": 9_999_991},
    "many optional keys": {"type": "object", "properties": {f"property_{i}": {} for i in range(10_000)}},
    "brackets": '{"properties":{"a":' * 10_000 + "{}" + "}}" * 10_000,
}


@pytest.fixture(scope="module")
def compiler() -> Iterator[GrammarCompiler]:
    def read_table() -> TokenTable:
        return TokenTable.of(ByteTokenizer())

    trial = GrammarTrial.start(child_environment())
    trial.serve(read_table)
    yield GrammarCompiler(read_table, N_VOCAB, trial=trial)
    trial.close()
    with pytest.raises(EngineUnavailable):  # and nothing is compiled untried
        trial.run("")


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_name_and_the_next_grammar_compiles(compiler: GrammarCompiler, name: str) -> None:
    bomb = BOMBS[name] if isinstance(BOMBS[name], str) else json.dumps(BOMBS[name])
    with pytest.raises(InvalidRequest) as caught:
        compiler.compile(constrained(Constraint(kind="json_schema", text=bomb)))
    assert (caught.value.param, caught.value.code) == ("response_format", "unsupported_schema")
    assert re.search(r"too|recursion|leaves nothing|depth|limit", caught.value.reason), caught.value.reason
    good = compiler.compile(constrained(Constraint(kind="json_schema", text=json.dumps(chain(20)))))
    assert good.start().forced() == [ord("1")]


def test_what_takes_memory_is_not_kept_for_long(compiler: GrammarCompiler) -> None:
    choices = json.dumps([f"choice number {number}" for number in range(10_000)])
    grammar = compiler.compile(constrained(Constraint(kind="choice", text=choices)))
    assert 1_000_000 < grammar.num_bytes < 100_000_000
