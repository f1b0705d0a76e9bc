"""What a chat request may hold, and what each field does."""

import pytest

from tests.acceptance.caller import SAME, Caller, Document, finish_reason, said, user

pytestmark = [pytest.mark.anyio, pytest.mark.gguf]

HISTORY: list[Document] = [
    {"role": "system", "content": "You are terse."},
    {"role": "user", "content": "Count to three."},
    {"role": "assistant", "content": "One, two, three."},
    {"role": "user", "content": "Go on."},
]
CAT, HELLO = 2644, 19556  # the tokens " cat" and "Hello" of the default model
CALL: Document = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city":"Seoul"}'},
}
RESULT: Document = {"role": "tool", "tool_call_id": "call_1", "content": "18 degrees"}


def in_parts(message: Document) -> Document:
    part = {"type": "text", "text": message["content"], "cache_control": {"type": "ephemeral"}, "id": None}
    return {**message, "content": [part]}


async def test_content_parts_of_every_role_make_the_prompt_that_the_text_makes(caller: Caller) -> None:
    messages = [*HISTORY[:2], {"role": "assistant", "content": "", "tool_calls": [CALL]}, RESULT, *HISTORY[2:]]
    plain = await caller.chat(messages, **SAME)
    parts = await caller.chat([in_parts(message) for message in messages], **SAME)
    for key in ("prompt_tokens", "completion_tokens"):
        assert plain["usage"][key] == parts["usage"][key]
    assert plain["choices"][0]["message"] == parts["choices"][0]["message"]


async def test_several_text_parts_are_all_read(caller: Caller) -> None:
    parts = [{"type": "text", "text": "My cat is called Mochi."}, {"type": "text", "text": "Greet the cat."}]
    assert await caller.num_prompt_tokens([{"role": "user", "content": parts}]) > await caller.num_prompt_tokens(
        [{"role": "user", "content": parts[:1]}]
    )


@pytest.mark.parametrize("beside", [{"content": None}, {"content": ""}, {}], ids=["null", "empty", "absent"])
async def test_earlier_calls_and_results_reach_the_prompt_whatever_stands_beside_them(
    caller: Caller, beside: Document
) -> None:
    asked = user("What is the weather in Seoul?")
    called = [*asked, {"role": "assistant", "tool_calls": [CALL], **beside}]
    lengths = [
        await caller.num_prompt_tokens([*messages, *user("So?")])
        for messages in (
            asked,
            [*called, {**RESULT, "content": ""}],
            [*called, RESULT],
            [*called, {**RESULT, "content": "18 degrees and a light wind from the sea"}],
        )
    ]
    assert lengths == sorted(set(lengths))


async def test_a_developer_is_the_system(caller: Caller) -> None:
    as_system, as_developer = [
        await caller.chat([{"role": role, "content": "Answer in French."}, *user("Hello")], **SAME)
        for role in ("system", "developer")
    ]
    assert as_system["usage"]["prompt_tokens"] == as_developer["usage"]["prompt_tokens"]
    assert as_system["choices"][0]["message"] == as_developer["choices"][0]["message"]


async def test_a_message_may_be_echoed_with_all_that_sdks_dump(caller: Caller) -> None:
    dumped: Document = {
        "role": "assistant", "content": "Hello.", "refusal": None, "annotations": [], "audio": None, "name": None,
        "function_call": None, "tool_calls": None, "reasoning_content": None, "provider_specific_fields": {"a": 1},
    }  # fmt: skip
    plain = await caller.num_prompt_tokens([*user("Hi"), {"role": "assistant", "content": "Hello."}, *user("And?")])
    assert await caller.num_prompt_tokens([*user("Hi"), dumped, *user("And?")]) == plain


async def test_an_image_for_a_model_of_text_is_a_400(caller: Caller) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]}
    error = await caller.refusal("/v1/chat/completions", body)
    assert error["param"].startswith("messages[0].content")


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
async def test_an_answer_is_cut_at_the_token_limit_of_either_name(caller: Caller, field: str) -> None:
    answer = await caller.chat("Tell me a long story.", **{field: 5})
    assert answer["usage"]["completion_tokens"] == 5
    assert answer["choices"][0]["finish_reason"] == "length"


async def test_without_a_limit_an_answer_ends_where_the_model_ends_it(caller: Caller) -> None:
    answer = await caller.chat("What is rain? One sentence.", max_tokens=None, max_completion_tokens=None)
    assert answer["usage"]["completion_tokens"] > 16
    assert answer["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("takes_list", [False, True])
async def test_a_stop_text_across_tokens_is_never_shown(caller: Caller, takes_list: bool) -> None:
    whole = await caller.text("Count from one to ten.", max_tokens=24, **SAME)
    middle = len(whole) // 2
    stop = whole[middle - 3 : middle + 4]  # some characters of several tokens
    assert whole.count(stop) == 1
    stops = ["never said", stop] if takes_list else stop
    answer = (await caller.chat("Count from one to ten.", max_tokens=24, stop=stops, **SAME))["choices"][0]
    chunks = await caller.chat_stream("Count from one to ten.", max_tokens=24, stop=stops, **SAME)
    assert answer["message"]["content"] == said(chunks) == whole[: whole.index(stop)]
    assert answer["finish_reason"] == finish_reason(chunks) == "stop"


async def test_what_only_began_like_a_stop_text_is_shown_at_the_end(caller: Caller) -> None:
    whole = await caller.text("Count from one to ten.", max_tokens=12, **SAME)
    stop = whole[-3:] + "\u2603 never"
    assert await caller.text("Count from one to ten.", max_tokens=12, stop=stop, **SAME) == whole
    chunks = await caller.chat_stream("Count from one to ten.", max_tokens=12, stop=stop, **SAME)
    assert (said(chunks), finish_reason(chunks)) == (whole, "length")


async def test_temperature_0_says_the_same_and_so_does_a_seed(caller: Caller) -> None:
    greedy = [await caller.text("Invent a name.", temperature=0, **SAME) for _ in range(2)]
    assert greedy[0] == greedy[1]
    fields = {"temperature": 1.5, "max_tokens": 16, **SAME}
    seeded = [await caller.text("Invent a name.", seed=seed, **fields) for seed in (1, 1, 2)]
    assert seeded[0] == seeded[1] != seeded[2]


async def test_choices_of_one_seed_differ_and_are_counted(caller: Caller) -> None:
    fields = {"n": 3, "temperature": 1.5, "seed": 5, "max_tokens": 12, **SAME}
    answer = await caller.chat("Invent a name.", **fields)
    assert len({choice["message"]["content"] for choice in answer["choices"]}) == 3
    assert answer["usage"]["prompt_tokens"] == await caller.num_prompt_tokens("Invent a name.")
    assert 12 < answer["usage"]["completion_tokens"] <= 36
    chunks = await caller.chat_stream("Invent a name.", **fields)
    assert [said(chunks, index) for index in range(3)] == [choice["message"]["content"] for choice in answer["choices"]]


async def test_a_biased_token_comes_or_stays_away(caller: Caller) -> None:
    """Keys are strings: JSON knows no other."""
    assert await caller.text(logit_bias={str(CAT): 100}, max_tokens=3) == " cat cat cat"
    assert await caller.text(max_tokens=1) == "Hello"
    assert await caller.text(logit_bias={str(HELLO): -100}, max_tokens=1) != "Hello"


async def test_penalties_change_what_repeats(caller: Caller) -> None:
    prompt = "List six animals, one on each line."
    plain = await caller.text(prompt, max_tokens=16, **SAME)
    for penalty in ("frequency_penalty", "presence_penalty"):
        assert await caller.text(prompt, max_tokens=16, **{penalty: 2}, **SAME) != plain


async def test_what_changes_no_answer_is_taken_and_ignored(caller: Caller) -> None:
    plain = await caller.text(**SAME)
    ignored: Document = {
        "reasoning_effort": "low", "verbosity": "low", "service_tier": "auto", "store": False, "metadata": {"a": "b"},
        "user": "u", "safety_identifier": "s", "prompt_cache_key": "k", "prompt_cache_options": {},
        "prediction": {"type": "content", "content": "Hi"}, "modalities": ["text"], "parallel_tool_calls": True,
        "chat_template_kwargs": {"enable_thinking": False}, "a_key_of_tomorrow": {"x": [1]}, "top_k": 40, "min_p": 0.05,
        "repeat_penalty": 1.0, "tools": [], "tool_choice": "auto",
    }  # fmt: skip
    assert await caller.text(**ignored, **SAME) == plain


async def test_null_is_absent_for_every_field(caller: Caller) -> None:
    nulls: Document = dict.fromkeys(
        [
            "max_completion_tokens", "stop", "top_p", "seed", "presence_penalty", "frequency_penalty", "logit_bias",
            "n", "logprobs", "top_logprobs", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls",
            "response_format", "functions", "function_call", "reasoning_effort", "verbosity", "prediction", "store",
            "service_tier", "metadata", "user", "modalities", "audio", "web_search_options", "top_k", "min_p",
            "repeat_penalty", "guided_json", "guided_regex", "guided_choice", "guided_grammar", "grammar",
            "json_schema",
        ]
    )  # fmt: skip
    assert await caller.text(**nulls, **SAME) == await caller.text(**SAME)


async def test_a_response_format_of_text_is_no_constraint(caller: Caller) -> None:
    assert await caller.text(response_format={"type": "text"}, **SAME) == await caller.text(**SAME)
