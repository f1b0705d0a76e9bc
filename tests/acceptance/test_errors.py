"""How bad requests are refused: 4xx, never 422 and never 5xx, in OpenAI's shape."""

import time
from typing import Any

import pytest

from tests.acceptance.caller import Caller

pytestmark = [pytest.mark.anyio, pytest.mark.gguf]
CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
HI = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    "content",
    [b"{", b"", b"null", b"[]", b'"text"', b"\xff\xfe{}", b'{"messages": NaN}', b"{'messages': []}"],
    ids=["cut", "empty", "null", "list", "string", "no UTF-8", "NaN", "quotes"],
)
@pytest.mark.parametrize("path", [CHAT, COMPLETIONS])
async def test_what_is_no_json_object_is_a_400(caller: Caller, path: str, content: bytes) -> None:
    await caller.error("POST", path, 400, content=content, headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (CHAT, {}, "messages"),
        (CHAT, {"messages": []}, "messages"),
        (CHAT, {"messages": "hi"}, "messages"),
        (CHAT, {"messages": [{"content": "hi"}]}, "messages[0].role"),
        (CHAT, {"messages": [{"role": "wizard", "content": "hi"}]}, "messages[0].role"),
        (CHAT, {"messages": [{"role": "user"}]}, "messages[0].content"),
        (CHAT, {"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        (CHAT, {"messages": HI, "temperature": 9}, "temperature"),
        (CHAT, {"messages": HI, "temperature": "hot"}, "temperature"),
        (CHAT, {"messages": HI, "top_p": 2}, "top_p"),
        (CHAT, {"messages": HI, "max_tokens": "many"}, "max_tokens"),
        (CHAT, {"messages": HI, "max_completion_tokens": 1.5}, "max_completion_tokens"),
        (CHAT, {"messages": HI, "n": 0}, "n"),
        (CHAT, {"messages": HI, "n": 100_000}, "n"),
        (CHAT, {"messages": HI, "logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        (CHAT, {"messages": HI, "top_logprobs": 3}, "top_logprobs"),
        (CHAT, {"messages": HI, "presence_penalty": 3}, "presence_penalty"),
        (CHAT, {"messages": HI, "logit_bias": {"x": 1}}, "logit_bias"),
        (CHAT, {"messages": HI, "logit_bias": {"5": 101}}, "logit_bias"),
        (CHAT, {"messages": HI, "stop": 5}, "stop"),
        (CHAT, {"messages": HI, "seed": "s"}, "seed"),
        (CHAT, {"messages": HI, "stream": "yes please"}, "stream"),
        (CHAT, {"messages": HI, "response_format": {"type": "poem"}}, "response_format"),
        (CHAT, {"messages": HI, "response_format": {"type": "json_schema"}}, "response_format"),
        (COMPLETIONS, {}, "prompt"),
        (COMPLETIONS, {"prompt": ""}, "prompt"),
        (COMPLETIONS, {"prompt": []}, "prompt"),
        (COMPLETIONS, {"prompt": [10_000_000]}, "prompt"),
        (COMPLETIONS, {"prompt": "a", "max_tokens": 1.5}, "max_tokens"),
    ],
)
async def test_a_bad_field_is_a_400_that_names_it(caller: Caller, path: str, body: dict[str, Any], param: str) -> None:
    response = await caller.http.post(path, json=body)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"].startswith(param)
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(("path", "field"), [(CHAT, "messages"), (COMPLETIONS, "prompt")])
async def test_a_prompt_longer_than_the_context_is_told_so_before_a_byte_is_streamed(
    caller: Caller, path: str, field: str
) -> None:
    long = "word " * 200_000  # a megabyte
    body = {"messages": [{"role": "user", "content": long}]} if path == CHAT else {"prompt": long}
    began = time.monotonic()
    error = await caller.refusal(path, body)
    assert time.monotonic() - began < 20
    assert (error["code"], error["param"]) == ("context_length_exceeded", field)
    assert "maximum context length is" in error["message"]
    assert (await caller.http.get("/health")).status_code == 200


@pytest.mark.parametrize(("path", "body"), [(CHAT, {"messages": HI}), (COMPLETIONS, {"prompt": "a"})])
async def test_an_unknown_model_is_a_404(caller: Caller, path: str, body: dict[str, Any]) -> None:
    error = await caller.refusal(path, {**body, "model": "gpt-9"}, 404)
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "gpt-9" in error["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/no-such-route", 404), ("POST", "/v1/no-such-route", 404), ("GET", "/v1/models/gpt-9", 404),
     ("DELETE", CHAT, 405), ("PUT", COMPLETIONS, 405), ("POST", "/v1/models", 405)],
)  # fmt: skip
async def test_a_wrong_way_is_told_in_the_same_shape(caller: Caller, method: str, path: str, status: int) -> None:
    await caller.error(method, path, status)


async def test_a_body_may_come_without_its_content_type(caller: Caller) -> None:
    response = await caller.http.post(CHAT, content=b'{"messages":[{"role":"user","content":"hi"}],"max_tokens":1}')
    assert response.status_code == 200


async def test_a_page_from_elsewhere_gets_no_leave_to_read(caller: Caller) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    asked["access-control-request-headers"] = "authorization,content-type,x-stainless-lang"
    preflight = await caller.http.options(CHAT, headers=asked)
    assert "access-control-allow-origin" not in preflight.headers
    rebound = await caller.http.get("/v1/models", headers={"host": "evil.example"})
    assert 400 <= rebound.status_code < 500
