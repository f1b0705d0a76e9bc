"""Answers held to a grammar: each is whole or cut, whatever happens on the way."""

import json
import re
from collections.abc import Sequence

import msgspec
import pytest

from bdchat.engine.model_runner import KVLayout
from bdchat.engine.request import ChatPrompt, Constraint, FinishReason, GenerationRequest, Resumption
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.grammars import byte_compiler, byte_grammar, order
from tests.engine.scheduler_runs import PROMPT, Heard, add, ask, run, step
from tests.fakes import EOS, FakeRunner, spell

PAIR = Constraint(kind="regex", text="[a-z]{3}, and then, [a-z]{3}\\.")
NUMBERS = Constraint(kind="regex", text="[0-9]+")


def held(constraint: Constraint, request: GenerationRequest, **options: object) -> tuple[FakeRunner, Heard]:
    runner = FakeRunner(n_ctx=200, **options)  # type: ignore[arg-type]
    scheduler = Scheduler(runner, max_draft_tokens=8)
    add(scheduler, request, grammar=byte_grammar(constraint))
    heard = run(scheduler)
    scheduler.kv_cache.check()
    return runner, heard


@pytest.mark.parametrize("layout", list(KVLayout))
def test_what_can_only_follow_takes_no_step_of_its_own(layout: KVLayout) -> None:
    runner, heard = held(PAIR, ask(PROMPT, max_tokens=50), layout=layout)
    text, finished = heard.text["r", 0], heard.finished["r", 0]
    assert text[3:15] == ", and then, "
    assert (len(text), finished.reason) == (19, FinishReason.STOP)
    assert finished.usage.num_completion_tokens == len(heard.tokens["r", 0]) == 19
    assert runner.num_decodes <= 7  # the prompt, then one for each letter that was chosen


def test_with_logprobs_each_token_has_its_own() -> None:
    request = ask(PROMPT, max_tokens=50)
    request = msgspec.structs.replace(request, sampling=msgspec.structs.replace(request.sampling, num_top_logprobs=0))
    runner, heard = held(PAIR, request)
    assert runner.num_decodes == len(heard.logprobs["r", 0]) == 19
    assert all(each.logprob is not None and each.logprob > -100 for each in heard.logprobs["r", 0])
    assert heard.text == held(PAIR, ask(PROMPT, max_tokens=50))[1].text


def test_it_is_cut_by_max_tokens_also_within_what_must_follow() -> None:
    _, heard = held(PAIR, ask(PROMPT, max_tokens=7))
    assert heard.finished["r", 0].reason is FinishReason.LENGTH
    assert heard.text["r", 0][3:] == ", an"


def test_the_model_may_end_it_only_where_it_is_whole() -> None:
    def always_the_end(tokens: Sequence[int]) -> int:
        return EOS

    _, heard = held(NUMBERS, ask(PROMPT, max_tokens=50), next_token=always_the_end)
    assert heard.text["r", 0] == "9"  # the likeliest of those that may begin
    assert heard.finished["r", 0].reason is FinishReason.STOP
    assert heard.finished["r", 0].usage.num_completion_tokens == 2


def test_a_stop_string_still_ends_it() -> None:
    _, heard = held(PAIR, ask(PROMPT, max_tokens=50, stop=("then",)))
    assert heard.text["r", 0][3:] == ", and "
    assert heard.finished["r", 0].stop == "then"


def test_every_choice_is_held() -> None:
    _, heard = held(PAIR, ask(PROMPT, max_tokens=50, n=3))
    assert {len(heard.text["r", index]) for index in range(3)} == {19}


@pytest.mark.parametrize("num_known", [0, 1, 3, 4, 9, 18, 19])
def test_it_goes_on_after_an_engines_death(num_known: int) -> None:
    """Also when all of it was there and only the end was not told."""
    request = ask(PROMPT, max_tokens=50)
    _, whole = held(PAIR, request)
    known = tuple(whole.tokens["r", 0][:num_known])
    scheduler = Scheduler(FakeRunner(n_ctx=200))
    resumption = Resumption(
        prompt_tokens=tuple(PROMPT), seed=0, choice_tokens=(known,), num_chars_sent=(num_known,), finished=(False,)
    )
    add(scheduler, request, resumption, grammar=byte_grammar(PAIR))
    heard = run(scheduler)
    assert heard.text["r", 0] == whole.text["r", 0][num_known:]
    assert heard.finished["r", 0].reason is FinishReason.STOP


def test_guesses_that_may_not_follow_are_not_computed() -> None:
    """A model that repeats itself, within a grammar that sometimes forbids it."""

    def rote(tokens: Sequence[int]) -> int:
        return b"abcabcabc "[len(tokens) % 10] if len(tokens) % 37 else spell(tokens)

    constraint = Constraint(kind="regex", text="([a-c]{9} [0-9]){8}")
    _, heard = held(constraint, ask(PROMPT, max_tokens=150), next_token=rote)
    plain = Scheduler(FakeRunner(n_ctx=200, next_token=rote))
    add(plain, ask(PROMPT, max_tokens=150), grammar=byte_grammar(constraint))
    assert heard.text == run(plain).text
    assert len(heard.text["r", 0]) == 88


def test_a_preempted_one_goes_on() -> None:
    runner = FakeRunner(n_ctx=60, num_cells=60, num_sequences=3)
    scheduler = Scheduler(runner)
    for number in range(3):
        add(scheduler, ask([*PROMPT, number], request_id=f"r{number}", max_tokens=30), grammar=byte_grammar(PAIR))
    heard = run(scheduler)
    assert {len(text) for text in heard.text.values()} == {19}
    assert {finished.reason for finished in heard.finished.values()} == {FinishReason.STOP}


def test_free_answers_beside_it_are_the_same_as_alone() -> None:
    scheduler = Scheduler(FakeRunner(n_ctx=100))
    add(scheduler, ask(PROMPT, request_id="free", max_tokens=20))
    add(scheduler, ask([1, *PROMPT], request_id="held", max_tokens=50), grammar=byte_grammar(PAIR))
    heard = run(scheduler)
    alone = Scheduler(FakeRunner(n_ctx=100))
    add(alone, ask(PROMPT, request_id="free", max_tokens=20))
    assert heard.text["free", 0] == run(alone).text["free", 0]


def test_an_answer_that_no_token_can_continue_fails_alone() -> None:
    scheduler = Scheduler(FakeRunner(n_ctx=100))
    grammar = byte_grammar(PAIR)
    add(scheduler, ask(PROMPT, request_id="bad"), grammar=grammar)
    step(scheduler)
    sequences, _ = scheduler.sequences()
    sequences[0].resume((ord("!"),), scheduler._runner)
    add(scheduler, ask([1, *PROMPT], request_id="good", max_tokens=50), grammar=grammar)
    heard = run(scheduler)
    assert heard.finished["bad", 0].reason is FinishReason.ERROR
    assert heard.finished["good", 0].reason is FinishReason.STOP


def test_a_json_answer_is_json() -> None:
    schema = {
        "type": "object",
        "properties": {"서울": {"enum": [1, 2]}, "b": {"const": "x"}},
        "required": ["서울", "b"],
    }
    text = json.dumps({**schema, "additionalProperties": False})
    _, heard = held(Constraint(kind="json_schema", text=text), ask(PROMPT, max_tokens=50))
    assert heard.text["r", 0] == '{"서울": 2, "b": "x"}'


@pytest.mark.parametrize("num_known", [0, 5, 25, 60])
def test_a_call_is_held_from_where_the_model_begins_it(num_known: int) -> None:
    """And goes on after an engine's death, in the call or before."""
    begun = b"I ask. <tool_call>"

    def calling(tokens: Sequence[int]) -> int:
        place = len(tokens) - len(PROMPT)
        return begun[place] if place < len(begun) else spell(tokens)

    parameters = {"type": "object", "properties": {"city": {"enum": ["Seoul", "Paris"]}}, "required": ["city"]}
    tool: dict[str, object] = {"type": "function", "function": {"name": "weather", "parameters": parameters}}
    prompt = ChatPrompt(messages=(), tools=(tool,), parallel_tool_calls=False)
    grammar = byte_compiler().compile(order(prompt=prompt))
    known = list(begun + b'\n{"name": "weather", "arguments": {"city": "Seoul"')[:num_known]
    resumption = Resumption(
        prompt_tokens=tuple(PROMPT),
        seed=0,
        choice_tokens=(tuple(known),),
        num_chars_sent=(num_known,),
        finished=(False,),
    )
    scheduler = Scheduler(FakeRunner(n_ctx=300, next_token=calling))
    add(scheduler, ask(PROMPT, max_tokens=200), resumption, grammar=grammar)
    heard = run(scheduler)
    text = bytes(known).decode() + heard.text["r", 0]
    assert re.fullmatch(r"I ask\. <tool_call>\s*(\{.*\})\s*</tool_call>", text), text
    called = json.loads(text.partition("<tool_call>")[2].partition("</tool_call>")[0])
    assert (called["name"], called["arguments"]["city"] in {"Seoul", "Paris"}) == ("weather", True)
    assert heard.finished["r", 0].reason is FinishReason.STOP
