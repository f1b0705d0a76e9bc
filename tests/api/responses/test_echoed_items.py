"""What clients send back of earlier responses: as items, and as ids of items."""

import re
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.api.responses.asking import URL, ask, prompt_of
from tests.api.serving import signed_in
from tests.engine.answers.family_templates import TOOLS, template_of
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
WEATHER = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
CALLS = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "서울", "days": 1}}\n</tool_call>'
THOUGHT = "<think>\nIt rains.\n</think>\n\n"
SPOKEN = {"message", "reasoning", "item_reference"} | {
    f"{kind}{end}" for kind in ("function_call", "custom_tool_call") for end in ("", "_output")
}
NO_ITEMS = {"exec", "exit", "timeout", "direct", "program", "create_file", "delete_file", "update_file"}
ITEM_PARAMS = Path(openai.__file__).parent / "types" / "responses" / "response_input_item_param.py"
KINDS = set(re.findall(r'type: Required\[Literal\["(\w+)"\]\]', ITEM_PARAMS.read_text()))


def reference(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "item_reference", "id": item["id"]}


async def test_items_are_named_by_their_ids(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    """@ai-sdk/openai names all that was said before, unless it is told not to store."""
    fake.pieces = (f"{THOUGHT}Hm.{CALLS}",)
    first = await ask(client, tools=[WEATHER])
    fake.pieces = ("ok",)
    result = {"type": "function_call_output", "call_id": first["output"][-1]["call_id"], "output": "21"}
    user = {"role": "user", "content": "hi"}
    await ask(client, input=[user, *first["output"], result])
    sent = prompt_of(fake)
    for store in (True, False):
        await ask(client, input=[user, *map(reference, first["output"]), result], store=store)
        assert prompt_of(fake).messages == sent.messages
    await ask(client, input=[user, {"id": first["output"][1]["id"]}])
    assert prompt_of(fake).messages[-1].content == "Hm."


async def test_an_id_names_what_its_owner_has_stored(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    ann, bob = await signed_in(client, "ann"), await signed_in(client, "bob")
    answer = (await client.post(URL, json={"input": "hi"}, headers=ann)).json()
    unstored = (await client.post(URL, json={"input": "hi", "store": False}, headers=ann)).json()
    (item,) = answer["output"]
    beyond = {"id": item["id"][:-1] + "1"}
    of_another_kind = {"id": item["id"].replace("msg_", "rs_")}
    for headers, named in (
        (bob, item),
        (ann, beyond),
        (ann, of_another_kind),
        (ann, unstored["output"][0]),
        (ann, {"id": "msg_x"}),
        (ann, {"id": 1}),
        (ann, {"id": f"msg_{'0' * 36}"}),
    ):
        body = {"input": [{"role": "user", "content": "hi"}, reference(named)]}
        refusal = await client.post(URL, json=body, headers=headers)
        assert (refusal.status_code, refusal.json()["error"]["param"]) == (400, "input[1]")
    body = {"input": [reference(item)]}
    assert (await client.post(f"{URL}/input_tokens", json=body, headers=ann)).status_code == 200


@pytest.mark.parametrize("kind", sorted(KINDS - SPOKEN - NO_ITEMS))
async def test_every_kind_of_item_is_read_or_left_out(client: httpx.AsyncClient, kind: str) -> None:
    item = {"type": kind, "id": "x", "status": "completed"}
    answer = await ask(client, store=False, input=[{"role": "user", "content": "hi"}, item])
    assert answer["bdchat"]["skipped_tools"] == [kind]


async def test_a_message_is_taken_in_every_form(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    said = {"type": "output_text", "text": "Hm.", "annotations": [], "logprobs": []}
    refused = {"type": "refusal", "refusal": "No."}
    items = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}], "type": "message", "id": None},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [said, refused]},
        {"role": "assistant", "content": "And?", "phase": "final_answer"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "It rains."}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}", "status": "completed"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "21"}]},
        {"type": "function_call_output", "id": "fco", "call_id": "c2", "output": "22", "status": "completed"},
    ]
    await ask(client, store=False, input=items)
    shown = [(m.role, m.content, m.reasoning, len(m.tool_calls)) for m in prompt_of(fake).messages]
    assert shown == [
        ("system", "Be brief.", "", 0),
        ("user", "hi", "", 0),
        ("assistant", "Hm.\nNo.", "", 0),
        ("assistant", "And?", "", 0),
        ("assistant", "", "It rains.", 2),
        ("tool", "21", "", 0),
        ("tool", "22", "", 0),
    ]


async def test_the_next_turn_begins_with_all_that_was_read_and_written(
    client: httpx.AsyncClient, fake: FakeEngine
) -> None:
    """So the engine finds it in its cache."""
    template = template_of("families/hermes")

    def rendered() -> str:
        return "".join(segment.text for segment in template.render(prompt_of(fake)))

    written = f"Hm.\n{CALLS}"
    fake.pieces = (written,)
    tools = [{"type": "function", **tool["function"]} for tool in TOOLS]  # type: ignore[dict-item]  # an object
    for next_input in ("items", "ids", "previous"):
        fake.pieces = (written,)
        first = await ask(client, tools=tools, instructions="Be brief.")
        whole = rendered() + written
        fake.pieces = ("ok",)
        result = {"type": "function_call_output", "call_id": first["output"][-1]["call_id"], "output": "21"}
        user = {"role": "user", "content": "hi"}
        said = {"items": first["output"], "ids": list(map(reference, first["output"])), "previous": []}[next_input]
        about = {"previous_response_id": first["id"]} if next_input == "previous" else {}
        items = [result] if next_input == "previous" else [user, *said, result]
        await ask(client, tools=tools, instructions="Be brief.", input=items, **about)
        assert rendered().startswith(whole), next_input


async def test_a_thought_that_was_told_as_a_summary_is_the_same_thought(
    client: httpx.AsyncClient, fake: FakeEngine
) -> None:
    user = {"role": "user", "content": "hi"}
    shown = []
    for reasoning in (None, {"summary": "auto"}):
        fake.pieces = (f"{THOUGHT}Hm.{CALLS}",)
        answer = await ask(client, tools=[WEATHER], reasoning=reasoning, store=False)
        fake.pieces = ("ok",)
        await ask(client, input=[user, *answer["output"]], store=False)
        shown.append(prompt_of(fake).messages[1].reasoning)
    assert answer["output"][0]["summary"] == [{"type": "summary_text", "text": shown[0]}]
    assert shown[0] == shown[1] != ""


async def test_a_custom_call_is_found_again_as_it_was_said(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    fake.pieces = ('<tool_call>\n{"name": "patch", "arguments": {"input": "*** Begin"}}\n</tool_call>',)
    tools = [{"type": "custom", "name": "patch"}]
    first = await ask(client, tools=tools)
    fake.pieces = ("ok",)
    output = {"type": "custom_tool_call_output", "call_id": first["output"][0]["call_id"], "output": "done"}
    second = await ask(client, tools=tools, previous_response_id=first["id"], input=[output])
    items = (await client.get(f"{URL}/{second['id']}/input_items?order=asc")).json()["data"]
    assert [item["type"] for item in items] == ["message", "custom_tool_call", "custom_tool_call_output"]
    assert (items[1]["input"], items[2]["output"]) == ("*** Begin", "done")
