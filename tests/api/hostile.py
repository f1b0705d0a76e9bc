"""Over two hundred requests that a server must refuse with a 4xx in OpenAI's shape, and survive.

Systematic: each field × each kind of wrong value, each limit + 1, every way of not being JSON, headers and paths.
Used with a fake engine in test_hostile.py and with a real server and model in tests/e2e.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
USER = [{"role": "user", "content": "hi"}]
MAX_SILENCE_S = 2.0
NOT_JSON = {
    "nothing": b"",
    "a space": b" ",
    "half an object": b'{"messages":',
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "a string": b'"messages"',
    "single quotes": b"{'messages': []}",
    "a trailing comma": b'{"messages":[],}',
    "two documents": b"{}{}",
    "a comment": b"{/* */}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"messages":[]}'.encode("utf-16"),
    "a bare byte": b'{"messages":"\xff"}',
    "an overlong slash": b'{"messages":"\xc0\xaf"}',
    "a CESU surrogate": b'{"messages":"\xed\xa0\x80"}',
    "a lone high surrogate": b'{"messages":[{"role":"user","content":"\\ud800"}]}',
    "a lone low surrogate": b'{"messages":[{"role":"user","content":"\\udc00"}]}',
    "a reversed pair": b'{"messages":[{"role":"user","content":"\\udc00\\ud800"}]}',
    "a raw control character": b'{"messages":"\x01"}',
    "NULs": b"\0" * 1000,
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "closed deep lists": b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a number of 5,000 digits": b'{"seed":' + b"9" * 5000 + b"}",
    "form fields": b"messages=hi&n=1",
    "multipart": b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--",
    "a gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
}


@dataclass(frozen=True)
class Attack:
    name: str
    content: bytes = b""
    method: str = "POST"
    path: str = CHAT
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    statuses: tuple[int, ...] = (400,)
    param: str | None = None  # what the error must name, when it is clear

    async def sent(self, client: httpx.AsyncClient, identity: Mapping[str, str] | None = None) -> httpx.Response:
        headers = {**self.headers, **(identity or {})}
        return await client.request(self.method, self.path, content=self.content, headers=headers)


async def silencing(client: httpx.AsyncClient) -> list[str]:
    """The attacks that silence /health for longer than promised, twice: a machine may stand still for once.

    Fails unless each is refused.
    """
    slow = [attack for attack in attacks() if await _silence_s(client, attack) > MAX_SILENCE_S]
    return [attack.name for attack in slow if await _silence_s(client, attack) > MAX_SILENCE_S]


async def _silence_s(client: httpx.AsyncClient, attack: Attack) -> float:
    """At the longest, from when it is sent until an answer after its own."""
    attacking = asyncio.create_task(attack.sent(client))
    longest_s, is_over = 0.0, False
    while not is_over:
        is_over = attacking.done()
        started = time.perf_counter()
        assert (await client.get("/health")).status_code == 200
        longest_s = max(longest_s, time.perf_counter() - started)
        await asyncio.sleep(0.01)
    response = await attacking
    assert 400 <= response.status_code < 500, (attack.name, response.text[:500])
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}, attack.name
    return longest_s


def attacks() -> Iterator[Attack]:
    yield from _not_json()
    yield from _wrong_fields()
    yield from _bad_messages()
    yield from _bad_prompts()
    yield from _bad_inputs()
    yield from _raw_numbers()
    yield from _paths_and_methods()
    yield from _headers()


def _chat(name: str, param: str | None, **fields: object) -> Attack:
    return Attack(name, json.dumps({"messages": USER} | fields).encode(), param=param)


def _not_json() -> Iterator[Attack]:
    for name, body in NOT_JSON.items():
        for path in (CHAT, COMPLETIONS):
            yield Attack(f"{path}: {name}", body, path=path)


def _wrong_fields() -> Iterator[Attack]:
    number: list[object] = ["1", True, [], {}, [1]]
    integer: list[object] = [*number, 1.5, 2**63, -(2**63) - 1, 10**300]
    flag: list[object] = ["true", 1, 0, [], {}]
    wrong: dict[str, list[object]] = {
        "temperature": [*number, -0.1, 2.1, -(10**300)],
        "top_p": [*number, -0.1, -1, 1.01],
        "presence_penalty": [*number, -2.1, 2.1],
        "frequency_penalty": [*number, -2.1, 2.1],
        "min_p": [*number, -0.1, 1.1],
        "repeat_penalty": [*number, 0, -1, 11],
        "repetition_penalty": [*number, 0, -1],
        "top_k": [*integer, -2, 1_000_001],
        "repeat_last_n": [*integer, -2, 65_537],
        "n": [*integer, 0, -1, 9, 10**6],
        "max_tokens": [*integer, 0, -3],
        "max_completion_tokens": [*integer, 0, -3],
        "seed": integer,
        "stream": flag,
        "logprobs": [*flag, "yes"],
        "ignore_eos": flag,
        "cache_prompt": flag,
        "stream_options": [1, "x", [], True],
        "model": [1, True, [], {}],
        "stop": [1, True, {}, [1], [None], ["a"] * 17, [""] * 17, ["é" * 129], [["a"]], "x" * 257],
        "logit_bias": [
            1,
            "x",
            [1],
            [[1]],
            {"a": 1},
            {"-1": 1},
            {"1": "x"},
            {"1": None},
            {"1": 101},
            {"1": True},
            {"٣": 1},
        ],
        "messages": [None, 1, "hi", {}, [], [1], [None], [[]], USER * 2001],
        "chat_template": ["{{ 1 }}", 1, {}, False],
        "chat_template_kwargs": [1, "x", [], {"messages": []}, {"enable_thinking": {}}, {"enable_thinking": "x" * 300}],
        "reasoning_effort": [1, [], {}, True, "x" * 300],
        "verbosity": [1, [], {}, True, "x" * 300],
        "tools": [1, "x", {}, [1], [{}], [tool(1)], [tool("")], [tool("a b")], [tool("f"), tool("f")]],
        "tool_choice": ["required", {"type": "function", "function": {"name": "f"}}, 1],
        "functions": ["x", [1], [{"name": 1}]],
        "response_format": [{"type": "json_schema"}, {"type": "nope"}, {}, 1, "text"],
        "modalities": [["audio"], "text", 1],
        "audio": [{"voice": "a"}, 1],
    }
    for name, values in wrong.items():
        for index, value in enumerate(values):
            yield _chat(f"{name} #{index}", None, **{name: value})
    yield _chat("129 tools", "tools", tools=[tool(f"f{number}") for number in range(129)])
    yield _chat("a tool of two megabytes", "tools", tools=[tool("f", description="x" * 2_000_000)])
    yield _chat("a choice of a tool that is not there", "tool_choice", tools=[tool("f")], tool_choice=tool("g"))
    yield _chat("too much bias", "logit_bias", logit_bias={str(i): 1 for i in range(1025)})
    yield _chat("bias of a token that is not there", "logit_bias", logit_bias={"999999999": 1})
    yield _chat("top_logprobs alone", "top_logprobs", top_logprobs=1)
    yield _chat("top_logprobs 21", "top_logprobs", logprobs=True, top_logprobs=21)
    yield _chat("top_logprobs a million", "top_logprobs", logprobs=True, top_logprobs=10**6)
    yield _chat("top_logprobs negative", "top_logprobs", logprobs=True, top_logprobs=-1)
    yield _chat("include_usage a word", "stream_options.include_usage", stream_options={"include_usage": "yes"})


def tool(name: object, **fields: object) -> dict[str, object]:
    return {"type": "function", "function": {"name": name, **fields}}


def _bad_messages() -> Iterator[Attack]:
    part = {"type": "text", "text": "a"}
    messages: dict[str, object] = {
        "no role": {"content": "a"},
        "an unknown role": {"role": "root", "content": "a"},
        "a role that is a number": {"role": 1, "content": "a"},
        "no content": {"role": "user"},
        "null content": {"role": "user", "content": None},
        "a number as content": {"role": "user", "content": 1},
        "an object as content": {"role": "user", "content": {}},
        "an image": {"role": "user", "content": [part, {"type": "image_url", "image_url": {"url": "http://a/"}}]},
        "audio": {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]},
        "a file": {"role": "user", "content": [{"type": "file", "file": {}}]},
        "a part without type": {"role": "user", "content": [{"text": "a"}]},
        "a part without text": {"role": "user", "content": [{"type": "text"}]},
        "a part with null text": {"role": "user", "content": [{"type": "text", "text": None}]},
        "a part that is a number": {"role": "user", "content": [1]},
        "a million bad parts": {"role": "user", "content": [1] * 1_000_000},
        "a name that is a number": {"role": "user", "content": "a", "name": 1},
        "tool calls that are text": {"role": "assistant", "tool_calls": "f"},
        "a call without a function": {"role": "assistant", "tool_calls": [{"id": "1", "type": "function"}]},
        "a call of another type": {"role": "assistant", "tool_calls": [{"type": "x", "function": {"name": "f"}}]},
        "too many calls": {"role": "assistant", "tool_calls": [{"function": {"name": "f"}}] * 129},
    }
    for name, message in messages.items():
        yield Attack(name, json.dumps({"messages": [message]}).encode(), param=None)
    many = [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}] * 100}] * 1000
    yield Attack("100,000 calls", json.dumps({"messages": many}).encode(), param="messages")


def _bad_prompts() -> Iterator[Attack]:
    prompts: list[object] = [None, 1, True, {}, [], [[]], [None], ["a", 1], [1, "a"], [-1], [2**31], [1.5], [[1], "a"]]
    prompts += [["a"] * 257, [[1]] * 257, [True], [10**300]]
    for index, prompt in enumerate(prompts):
        yield Attack(f"prompt #{index}", json.dumps({"prompt": prompt}).encode(), path=COMPLETIONS)
    fields: dict[str, list[object]] = {
        "max_tokens": [-3, "1", 1.5, True],
        "logprobs": [21, -1, "1", True, 10**6],
        "echo": ["yes", 1],
        "suffix": [1, [], {}],
        "best_of": [9, 0, -1, 10**6, "1"],
        "n": [9, 0],
    }
    for name, values in fields.items():
        for index, value in enumerate(values):
            content = json.dumps({"prompt": "a", name: value}).encode()
            yield Attack(f"completions {name} #{index}", content, path=COMPLETIONS, param=name)


def _bad_inputs() -> Iterator[Attack]:
    inputs: list[object] = [None, 1, True, {}, "", [], [""], [[]], [None], ["a", 1], [1, "a"], [-1], [1.5], [[1], "a"]]
    for index, value in enumerate([*inputs, ["a"] * 100_000]):
        yield Attack(f"input #{index}", json.dumps({"input": value}).encode(), path="/v1/embeddings")
    for index, value in enumerate(["base65", 1, []]):
        body = {"input": "a", "encoding_format": value}
        yield Attack(f"encoding #{index}", json.dumps(body).encode(), path="/v1/embeddings", param="encoding_format")


def _raw_numbers() -> Iterator[Attack]:
    """Numbers that json.dumps would not write."""
    for name in ("temperature", "top_p", "min_p", "presence_penalty", "seed", "n", "max_tokens", "top_k"):
        for text in ("NaN", "Infinity", "-Infinity", "1e999", "0x10", "01", "+1", "1_000", ".5", "--1"):
            body = b'{"messages":[{"role":"user","content":"a"}],"%b":%b}' % (name.encode(), text.encode())
            yield Attack(f"{name} {text}", body)


def _paths_and_methods() -> Iterator[Attack]:
    for path in (
        "/nope",
        "/v1",
        "/v1/chat",
        "/v1/chat/nope",
        "/v1/../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/v1/models/%00",
        "/v1/models/%ff",
        "/v1/models/" + "a" * 5000,
        "/v1/models/nope?x=" + "y" * 5000,
        "/docs",
        "/.env",
    ):
        yield Attack(f"GET {path[:40]}", method="GET", path=path, statuses=(404,))
    yield Attack("GET completions", method="GET", path=COMPLETIONS, statuses=(405,))
    for path in (CHAT, COMPLETIONS, "/v1/models", "/health", "/metrics"):
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            yield Attack(f"{method} {path}", method=method, path=path, statuses=(405,))
    yield Attack("POST models", path="/v1/models", statuses=(405,))


def _headers() -> Iterator[Attack]:
    body = json.dumps({"messages": USER}).encode()
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"):
        yield Attack(f"content type {media_type}", body, headers={"content-type": media_type}, statuses=(415,))
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "0.0.0.0", "[::2]", "a" * 300):
        yield Attack(f"host {host[:30]}", body, headers={"host": host}, statuses=(421,))
    for origin in ("https://evil.example", "null", "http://[", "file://", "http://localhost.evil.example"):
        headers = {"origin": origin, "content-type": "application/json"}
        yield Attack(f"origin {origin}", body, headers=headers, statuses=(403,))
