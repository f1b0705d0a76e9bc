"""What stands around a constraint: thoughts before it, calls beside it."""

import msgspec
import pytest

from bdchat.engine.answers.families import FAMILIES, behind
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.request import ChatPrompt, Constraint
from tests.engine.grammars import accepts, byte_compiler, format_of, order
from tests.fakes import fake_model_info

YES = Constraint(kind="choice", text='["yes"]')
CHAT = ChatPrompt(messages=())


def model(family: str = "generic", *, thinks: bool = False) -> ModelInfo:
    return msgspec.structs.replace(fake_model_info(), answer_format=format_of(family, thinks=thinks))


def tool(name: str, **parameters: object) -> dict[str, object]:
    schema = {"type": "object", "properties": parameters, "required": list(parameters), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


WEATHER, TIME = tool("weather", city={"enum": ["서울", "Paris"]}), tool("time", zone={"type": "integer"})
TOOLS = ChatPrompt(messages=(), tools=(WEATHER, TIME), tool_choice="required")
SEOUL = '<tool_call>\n{"name": "weather", "arguments": {"city": "서울"}}\n</tool_call>'


def test_a_thought_that_the_prompt_opened_is_free_and_must_be_closed() -> None:
    thinking = order(YES, CHAT, info=model(thinks=True), opens_thought=True)
    assert accepts(thinking, "so: no? yes\n</think>\n\nyes")
    assert not accepts(thinking, "yes")
    assert not accepts(thinking, "so</think>no")


def test_a_model_that_thinks_may_and_need_not() -> None:
    may_think = order(YES, CHAT, info=model(thinks=True))
    assert accepts(may_think, "<think>\nhm\n</think>\n\nyes")
    assert accepts(may_think, "yes")
    assert not accepts(may_think, "<think>hm</think>no")
    assert not accepts(order(YES, CHAT, info=model()), "<think>hm</think>yes")
    assert not accepts(order(YES, info=model(thinks=True)), "<think>hm</think>yes")  # the text is the caller's own


def test_harmony_writes_the_value_into_its_final_channel() -> None:
    final = order(YES, CHAT, info=model("harmony", thinks=True))
    assert accepts(final, "<|channel|>final<|message|>yes")
    assert accepts(final, "<|channel|>analysis<|message|>no<|end|><|start|>assistant<|channel|>final<|message|>yes")
    assert not accepts(final, "yes")


def test_a_mark_that_is_a_control_token_is_written_as_one() -> None:
    info = msgspec.structs.replace(model(thinks=True), mark_tokens={257: "</think>"})
    matcher = byte_compiler().compile(order(YES, CHAT, info=info, opens_thought=True)).start()
    assert matcher is not None
    for token in (*b"hm</think>", 257):
        matcher.accept(token)
    assert matcher.num_allowed(list(b"yes")) == 3


def test_a_required_call_is_one_of_the_declared() -> None:
    required = order(prompt=TOOLS, info=model())
    assert accepts(required, SEOUL)
    assert not accepts(required, SEOUL.replace("서울", "Seoul"))
    assert not accepts(required, SEOUL.replace("weather", "whether"))
    assert not accepts(required, "hello")


def test_a_named_choice_leaves_one_tool() -> None:
    named = order(prompt=msgspec.structs.replace(TOOLS, allowed_tools=("time",)), info=model())
    assert accepts(named, '<tool_call>\n{"name": "time", "arguments": {"zone": 9}}\n</tool_call>')
    assert not accepts(named, SEOUL)


def test_with_a_form_of_the_answer_a_call_is_one_of_both() -> None:
    either = order(YES, msgspec.structs.replace(TOOLS, tool_choice="auto"), info=model())
    assert accepts(either, SEOUL)
    assert accepts(either, "yes")
    assert not accepts(either, "no")


def test_arguments_that_no_grammar_holds_are_an_object_unless_the_tool_is_strict() -> None:
    odd = tool("odd", a={"not": {"pattern": "(a)\\1"}, "type": "string"})
    loose = order(prompt=msgspec.structs.replace(TOOLS, tools=(odd, TIME)), info=model())
    assert accepts(loose, '<tool_call>\n{"name": "odd", "arguments": {"x": 1}}\n</tool_call>')
    odd["function"]["strict"] = True  # type: ignore[index]
    with pytest.raises(InvalidRequest, match="odd"):
        byte_compiler().compile(order(prompt=msgspec.structs.replace(TOOLS, tools=(odd,)), info=model()))


@pytest.mark.parametrize("family", [name for name in FAMILIES if FAMILIES[name].triggers])
def test_each_family_is_held_from_where_the_model_begins_to_call(family: str) -> None:
    """Whatever a random answer writes there, it is a declared name."""
    auto = msgspec.structs.replace(TOOLS, tool_choice="auto")
    grammar = byte_compiler().compile(order(prompt=auto, info=model(family)))
    opening, before, triggers = FAMILIES[family].opening, FAMILIES[family].before, FAMILIES[family].triggers
    is_own = any(trigger in opening + before for trigger in triggers)
    written = opening + before if is_own else triggers[0] + behind(triggers[0], FAMILIES[family]).before
    matcher = grammar.start()
    assert matcher is not None
    assert matcher.mask() is None
    for token in f"Let me see. {written}".encode():
        assert matcher.num_allowed([token]) == 1
        matcher.accept(token)
    assert matcher.num_allowed(list(b"weather")) == len("weather")
    assert matcher.num_allowed(list(b"whether")) < 2


def test_who_knows_no_calls_and_must_call_calls_once_unless_several_are_asked_for() -> None:
    """A small model that must call knows no end: it said the same call up to the limit."""
    twice = f"{SEOUL}\n{SEOUL}"
    several = msgspec.structs.replace(TOOLS, parallel_tool_calls=True)
    free = msgspec.structs.replace(TOOLS, tool_choice="auto")
    assert accepts(order(prompt=TOOLS), SEOUL)
    assert not accepts(order(prompt=TOOLS), twice)
    assert accepts(order(prompt=several), twice)
    assert accepts(order(prompt=TOOLS, info=model("hermes")), twice)
    assert order(prompt=free).is_parallel
