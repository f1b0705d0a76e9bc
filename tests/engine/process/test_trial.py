"""Grammars that never end, or take the whole stack, die in a process of their own."""

import json
from collections.abc import Iterator

import msgspec
import pytest

from bdchat.engine.errors import EngineUnavailable, InvalidRequest
from bdchat.engine.process.trial import GrammarTrial
from bdchat.engine.request import ChatPrompt, Constraint
from bdchat.engine.sampling.compiler import GrammarCompiler
from bdchat.lifeline import child_environment
from tests.engine.grammars import byte_compiler, byte_table, order


def chain(length: int) -> str:
    links = {f"a{i}": {"$ref": f"#/$defs/a{i + 1}"} for i in range(length)}
    return json.dumps({"$defs": {**links, f"a{length}": {"const": 1}}, "$ref": "#/$defs/a0"})


def schema(wanted: object) -> Constraint:
    return Constraint(kind="json_schema", text=json.dumps(wanted))


def lark(text: str) -> Constraint:
    return Constraint(kind="lark", text=text)


BOMBS = {
    "rules that take the whole stack": lark(
        "start: r0\n" + "".join(f"r{i}: r{i + 1} r{i + 1}\n" for i in range(4000)) + 'r4000: "a"\n'
    ),
    "a multiple of a large number": schema({"type": "integer", "multipleOf": 9_999_991}),
    "many optional keys": schema({"type": "object", "properties": {f"property_{i}": {} for i in range(10_000)}}),
    "brackets": Constraint(kind="json_schema", text='{"properties":{"a":' * 10_000 + "{}" + "}}" * 10_000),
    "groups": Constraint(kind="regex", text="(" * 30_000 + "a" + ")" * 30_000),
}


@pytest.fixture(scope="module")
def compiler() -> Iterator[GrammarCompiler]:
    trial = GrammarTrial.start(child_environment())
    trial.serve(byte_table)
    yield byte_compiler(trial=trial)
    trial.close()
    with pytest.raises(EngineUnavailable):  # and nothing is compiled untried
        trial.run(order(Constraint(kind="json_object")))


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_name_and_the_next_grammar_compiles(compiler: GrammarCompiler, name: str) -> None:
    bomb = BOMBS[name]
    with pytest.raises(InvalidRequest) as caught:
        compiler.compile(order(bomb))
    assert caught.value.param == bomb.field
    assert caught.value.code == ("unsupported_schema" if bomb.kind == "json_schema" else "invalid_grammar")
    good = compiler.compile(order(Constraint(kind="json_schema", text=chain(20)))).start()
    assert good is not None
    assert good.forced() == [ord("1")]


def test_calls_that_cannot_be_held_are_free_unless_they_were_promised(compiler: GrammarCompiler) -> None:
    """A reader sees them all the same."""
    endless = {"type": "object", "properties": {"a": {"type": "integer", "multipleOf": 9_999_991}}}
    tools: tuple[dict[str, object], ...] = tuple(
        {"type": "function", "function": {"name": f"tool_{number}", "parameters": endless}} for number in range(3)
    )
    prompt = ChatPrompt(messages=(), tools=tools)
    assert compiler.compile(order(prompt=prompt)).start() is None
    with pytest.raises(InvalidRequest) as caught:
        compiler.compile(order(prompt=msgspec.structs.replace(prompt, tool_choice="required")))
    assert (caught.value.param, caught.value.code) == ("tools", "unsupported_schema")


def test_what_takes_memory_is_not_kept_for_long(compiler: GrammarCompiler) -> None:
    choices = json.dumps([f"choice number {number}" for number in range(10_000)])
    grammar = compiler.compile(order(Constraint(kind="choice", text=choices)))
    assert 1_000_000 < grammar.num_bytes < 100_000_000
