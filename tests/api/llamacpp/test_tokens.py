"""POST /tokenize, /detokenize and /apply-template: what clients count and look up."""

import pytest

from tests.api.serving import USER, error_of, in_process
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio


async def test_a_text_becomes_tokens_and_a_text_again() -> None:
    text = "환불 <|im_end|>"
    async with in_process() as client:
        tokens = (await client.post("/tokenize", json={"content": text, "add_special": None})).json()
        again = (await client.post("/v1/detokenize", json=tokens)).json()
        nothing = (await client.post("/v1/tokenize", json={"content": "", "with_pieces": True})).json()
    assert tokens == {"tokens": list(text.encode())}
    assert again == {"content": text}
    assert nothing == {"tokens": []}


async def test_pieces_that_are_no_whole_characters_are_bytes() -> None:
    async with in_process() as client:
        answer = (await client.post("/tokenize", json={"content": "aé", "with_pieces": True})).json()
    assert answer["tokens"] == [
        {"id": 97, "piece": "a"},
        {"id": 0xC3, "piece": [0xC3]},
        {"id": 0xA9, "piece": [0xA9]},
    ]


async def test_a_conversation_is_shown_as_the_model_sees_it() -> None:
    async with in_process() as client:
        answer = (await client.post("/apply-template", json={"messages": USER})).json()
    assert answer == {"prompt": "<user>hi"}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("tokenize", {}, "content"),
        ("tokenize", {"content": ["a"]}, "content"),
        ("tokenize", {"content": "a", "with_pieces": 1}, "with_pieces"),
        ("detokenize", {"tokens": [-1]}, "tokens[0]"),
        ("detokenize", {"tokens": [1 << 31]}, "tokens[0]"),
        ("detokenize", {"tokens": [999]}, "tokens"),
        ("detokenize", {"tokens": "1"}, "tokens"),
        ("detokenize", {"tokens": [0] * ((1 << 20) + 1)}, "tokens"),
        ("apply-template", {"messages": []}, "messages"),
    ],
)
async def test_a_bad_field_is_named(path: str, body: dict[str, object], param: str) -> None:
    async with in_process() as client:
        assert error_of(await client.post(f"/{path}", json=body), 400)["param"] == param


async def test_an_unknown_model_is_not_found() -> None:
    async with in_process(FakeEngine()) as client:
        for path, body in (("tokenize", {"content": "a"}), ("detokenize", {"tokens": [1]}), ("infill", {})):
            error = error_of(await client.post(f"/{path}", json=body | {"model": "no"}), 404)
            assert error["code"] == "model_not_found"
