"""The attacks of hostile.py on Responses, Messages and Ollama's routes: each gets a 4xx in its wire's own shape.

The error names the field. Sent by nobody in particular, or by an admin where only one may ask.

Systematic: each route × every way of not being JSON, each field × each kind of wrong value (read as a stream too, where
there is one), paths, methods, queries and headers.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.api.hostile import NOT_JSON, USER, Attack, tool
from tests.api.serving import error_of

RESPONSES, MESSAGES = "/v1/responses", "/v1/messages"
INPUT_TOKENS, COUNT_TOKENS = f"{RESPONSES}/input_tokens", f"{MESSAGES}/count_tokens"
REFUSES_ALL = ("/api/push", "/api/create", "/api/copy")  # whatever is asked: models are kept elsewhere
ADMINS = ("/api/pull", *REFUSES_ALL)
UNKNOWN_ID = f"resp_{'0' * 32}"

NUMBER: list[object] = ["1", True, [], {}, [1]]
INTEGER: list[object] = [*NUMBER, 1.5, 2**63, 10**300]
FLAG: list[object] = ["true", 1, 0, [], {}]
NO_OBJECT: list[object] = [1, "x", [], True]
NO_TEXT: list[object] = [1, [], {}, True]
NO_NAME: list[object] = [1, True, [], {}]


@dataclass(frozen=True)
class Route:
    path: str
    body: Mapping[str, Any]  # a good one
    wrong: Mapping[str, list[object]]  # values by field; a dot leads into an object
    streams: bool = False


SAMPLING: dict[str, list[object]] = {
    "temperature": [*NUMBER, -0.1, 2.1],
    "top_p": [*NUMBER, -0.1, 1.01],
    "top_k": [*INTEGER, -2],
    "min_p": [*NUMBER, -0.1, 1.1],
    "seed": INTEGER,
    "model": NO_NAME,
}
INPUT: dict[str, list[object]] = {
    "input": [None, 1, True, {}, [], [1], [None], [[]], [{}], [{"type": 1}], [{"type": "x y"}], [{"role": "user"}]],
    "instructions": NO_TEXT,
    "tools": [1, "x", {}, [1], [{}], [{"type": 1}], [{"type": "function"}], [{"type": "function", "name": "a b"}]],
    "tool_choice": [1, "maybe", [], {}, {"type": "function", "name": "f"}, {"type": "allowed_tools"}],
    "text": [*NO_OBJECT, {"format": 1}, {"format": {"type": "x"}}, {"format": {"type": "json_schema"}}],
    "reasoning": NO_OBJECT,
    "truncation": [1, "maybe", [], {}, True],
    "previous_response_id": [*NO_NAME, "", "x" * 65, "\x00"],
    "parallel_tool_calls": FLAG,
}
OF_RESPONSES: dict[str, list[object]] = {
    **SAMPLING,
    **INPUT,
    "max_output_tokens": [*INTEGER, 0, -3],
    "top_logprobs": [*INTEGER, -1, 21],
    "max_tool_calls": [*INTEGER, 0],
    "include": [1, "x", {}, [1], ["x"] * 33],
    "store": FLAG,
    "background": FLAG,
    "stream": FLAG,
    "metadata": [1, "x", [], {"a": 1}, {"a": {}}, {"x" * 65: "a"}, {"a": "x" * 513}],
    "conversation": ["conv_1", {"id": "conv_1"}],
    "prompt": [{"id": "pmpt_1"}],
    "messages": [USER],
    "n": [2, 0, "1"],
}
NO_CONTENT: list[object] = [None, 1, {}, True]
BLOCKS: list[object] = [1, {}, {"type": 1}, {"type": "x"}, {"type": "text"}, {"type": "text", "text": None}]
BLOCKS += [{"type": "image", "source": {}}, {"type": "tool_result"}, {"type": "document", "source": {"type": "url"}}]
BLOCKS += [{"type": "tool_result", "tool_use_id": "x" * 257}, {"type": "tool_result", "tool_use_id": "t", "content": 1}]
OF_COUNT: dict[str, list[object]] = {
    "model": NO_NAME,
    "messages": [
        *(None, 1, "hi", {}, [], [1], [None], [[]], [{"role": "user"}], [{"role": "root", "content": "a"}]),
        *([{"role": "user", "content": content}] for content in NO_CONTENT),
        *([{"role": "user", "content": [block]}] for block in BLOCKS),
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "t"}]}],
    ],
    "system": [1, {}, True, [1], [{}], [{"type": "image"}], [{"type": "text"}]],
    "tools": [1, "x", {}, [1], [{}], [{"name": 1}], [{"name": "a b", "input_schema": {}}], [{"type": 1}]],
    "tool_choice": [1, "any", [], {}, {"type": "maybe"}, {"type": "tool"}, {"type": "tool", "name": "f"}],
    "thinking": [*NO_OBJECT, {}, {"type": 1}, {"type": "maybe"}],
    "output_config": [*NO_OBJECT, {"effort": 1}, {"format": 1}, {"format": {"type": "x"}}],
}
OF_MESSAGES: dict[str, list[object]] = {
    **SAMPLING,
    **OF_COUNT,
    "max_tokens": [*INTEGER, None, 0, -3],
    "stop_sequences": [1, True, {}, [1], [None], ["x" * 257], ["a"] * 17],
    "metadata": NO_OBJECT,
    "stream": FLAG,
    "n": [2, 0, "1"],
}
OF_OPTIONS: dict[str, list[object]] = {
    "temperature": [*NUMBER, -0.1, 2.1],
    "top_p": [*NUMBER, -0.1, 1.01],
    "top_k": [*INTEGER, -2],
    "min_p": [*NUMBER, -0.1, 1.1],
    "seed": INTEGER,
    "num_predict": [*INTEGER, -3],
    "repeat_penalty": [*NUMBER, 0, -1],
    "repeat_last_n": [*INTEGER, -2],
    "presence_penalty": [*NUMBER, -2.1],
    "frequency_penalty": [*NUMBER, 2.1],
    "stop": [1, True, {}, [1], ["x" * 257]],
    "mirostat": [1, 2],
}
OPTIONS = {f"options.{name}": values for name, values in OF_OPTIONS.items()}
OF_OLLAMA: dict[str, list[object]] = {
    **OPTIONS,
    "options": NO_OBJECT,
    "model": [*NO_NAME, None, "", "x" * 513],
    "stream": FLAG,
    "format": [1, True, [], "yaml"],
    "think": [1, "very", [], {}],
    "keep_alive": [True, [], {}, "soon", "5 minutes"],
    "logprobs": FLAG,
    "top_logprobs": [*INTEGER, -1],
}
OF_CHAT: dict[str, list[object]] = {
    **OF_OLLAMA,
    "messages": [
        *(1, "hi", {}, [1], [None], [[]], [{}], [{"role": "root", "content": "a"}], [{"role": "user"}]),
        *([{"role": "user", "content": content}] for content in NO_CONTENT),
        [{"role": "user", "content": "a", "images": ["AAAA"]}],
        [{"role": "assistant", "tool_calls": "f"}],
        [{"role": "assistant", "tool_calls": [{"function": {}}]}],
    ],
    "tools": [1, "x", {"a": 1}, [1], [{}], [tool(1)], [tool("a b")]],
}
OF_GENERATE: dict[str, list[object]] = {
    **OF_OLLAMA,
    "prompt": NO_TEXT,
    "system": NO_TEXT,
    "suffix": NO_TEXT,
    "raw": FLAG,
    "template": [1, "{{ .Prompt }}", {}],
    "context": [1, [1, 2, 3], {}],
    "images": [1, ["AAAA"], {}],
}
NAMED: dict[str, list[object]] = {"model": [*NO_NAME, None, "", "x" * 513]}
CHAT = Route("/api/chat", {"model": "fake", "messages": USER}, OF_CHAT, streams=True)
ROUTES = [
    Route(RESPONSES, {"input": "hi"}, OF_RESPONSES, streams=True),
    Route(INPUT_TOKENS, {"input": "hi"}, {"model": NO_NAME, **INPUT}),
    Route(MESSAGES, {"messages": USER, "max_tokens": 8}, OF_MESSAGES, streams=True),
    Route(COUNT_TOKENS, {"messages": USER}, OF_COUNT),
    CHAT,
    Route("/api/generate", {"model": "fake", "prompt": "hi"}, OF_GENERATE, streams=True),
    Route("/api/show", {"model": "fake"}, {**NAMED, "verbose": FLAG}),
    Route("/api/pull", {"model": "fake"}, {**NAMED, "stream": FLAG, "insecure": FLAG}),
    Route(
        "/api/embed",
        {"model": "fake", "input": "hi"},
        {
            "model": NAMED["model"],
            "input": [None, 1, True, {}, "", [""], [None], [1], [["a"]], ["a"] * 100_000],
            "truncate": FLAG,
            "dimensions": [*INTEGER, 0, -1],
        },
    ),
    Route(
        "/api/embeddings",
        {"model": "fake", "prompt": "hi"},
        {"model": NAMED["model"], "prompt": [None, "", *NO_TEXT]},
    ),
]


def attacks_on_wires(response_id: str) -> Iterator[Attack]:
    """`response_id`: of a stored response."""
    for route in ROUTES:
        yield from _not_json(route)
        yield from _wrong_fields(route)
        yield from _raw_numbers(route)
        yield from _headers(route)
    yield from _unknown_models()
    yield from _responses_by_id(response_id)
    yield from _methods()
    for path in REFUSES_ALL:
        yield Attack(f"{path}: refused", b'{"model":"fake"}', path=path, param="model")


def is_admins(path: str) -> bool:
    """Others are refused before their body is read."""
    return path in ADMINS


def _not_json(route: Route) -> Iterator[Attack]:
    for name, body in NOT_JSON.items():
        yield Attack(f"{route.path}: {name}", body, path=route.path)


def _wrong_fields(route: Route) -> Iterator[Attack]:
    for name, values in route.wrong.items():
        for index, value in enumerate(values):
            outer, _, inner = name.partition(".")
            body = {**route.body, outer: {inner: value} if inner else value}
            yield Attack(f"{route.path}: {name} #{index}", json.dumps(body).encode(), path=route.path, param=name)
            if route.streams and name != "stream":
                content = json.dumps({**body, "stream": True}).encode()
                yield Attack(f"{route.path}: {name} #{index}, streamed", content, path=route.path, param=name)


def _raw_numbers(route: Route) -> Iterator[Attack]:
    good = json.dumps(route.body).encode()
    for text in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"0x10", b"01", b"+1", b"--1"):
        content = good[:-1] + b',"seed":' + text + b',"options":{"seed":' + text + b"}}"
        yield Attack(f"{route.path}: {text.decode()}", content, path=route.path)


def _headers(route: Route) -> Iterator[Attack]:
    body = json.dumps(route.body).encode()
    curls = "application/x-www-form-urlencoded"  # what curl -d says; Ollama reads it, and so do its routes here
    for media_type in ("text/plain", "multipart/form-data; boundary=x", *(() if "/api/" in route.path else (curls,))):
        headers = {"content-type": media_type}
        yield Attack(f"{route.path}: {media_type}", body, path=route.path, headers=headers, statuses=(415,))
    for host in ("evil.example", "127.0.0.1.nip.io"):
        yield Attack(f"{route.path}: {host}", body, path=route.path, headers={"host": host}, statuses=(421,))
    if not is_admins(route.path):  # who shows a key may come from anywhere
        headers = {"origin": "https://evil.example", "content-type": "application/json"}
        yield Attack(f"{route.path}: origin", body, path=route.path, headers=headers, statuses=(403,))


def _unknown_models() -> Iterator[Attack]:
    for route in ROUTES:
        for model in ("nope", "../../etc/passwd", "x" * 500, "가", "fake:nope"):
            if route.path == "/api/pull":
                continue
            content = json.dumps({**route.body, "model": model}).encode()
            yield Attack(f"{route.path}: model {model[:20]}", content, path=route.path, statuses=(404,))


def _responses_by_id(response_id: str) -> Iterator[Attack]:
    ids = (UNKNOWN_ID, "nope", "%00", "%ff", "..%2f..%2fetc%2fpasswd", "a" * 5000, "chatcmpl-1", "%F0%9F%8D%A3", "%20")
    for unknown in ids:
        for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")):
            path = f"{RESPONSES}/{unknown}{rest}"
            yield Attack(f"{method} {unknown[:40]}{rest}", method=method, path=path, statuses=(404,))
    queries = {
        "": (
            "stream=maybe",
            "starting_after=-1",
            "starting_after=x",
            "starting_after=1e400",
            f"starting_after={10**30}",
        ),
        "/input_items": ("limit=0", "limit=-1", "limit=x", "limit=1000000", "order=up", "after=", f"after={'x' * 100}"),
    }
    for rest, each in queries.items():
        for query in each:
            path, param = f"{RESPONSES}/{response_id}{rest}?{query}", query.split("=")[0]
            yield Attack(f"GET {rest}?{query[:40]}", method="GET", path=path, param=param)
    path = f"{RESPONSES}/{response_id}/input_items?after=msg_nope"
    yield Attack("GET after an item that is not there", method="GET", path=path, statuses=(404,))


def _methods() -> Iterator[Attack]:
    for route in ROUTES:
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            # input_tokens might be the id of a response, which may be read and forgotten
            statuses = (404,) if route.path == INPUT_TOKENS and method in ("GET", "DELETE") else (405,)
            yield Attack(f"{method} {route.path}", method=method, path=route.path, statuses=statuses)
    for path in ("/api/tags", "/api/ps", "/api/version"):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            yield Attack(f"{method} {path}", method=method, path=path, statuses=(405,))
    for path in (f"{RESPONSES}/x/nope", f"{MESSAGES}/nope", f"{MESSAGES}/count_tokens/x", "/api/chat/x", "/api/tagsx"):
        yield Attack(f"GET {path}", method="GET", path=path, statuses=(404,))


def told(attack: Attack, response: httpx.Response) -> str:
    """What the wire's own error says, its param before the message where the wire has one. Fails on another shape."""
    path = attack.path.split("?")[0]
    if re.match(r"/v1/messages(?:/|$)", path):
        document = response.json()
        assert set(document) == {"type", "error", "request_id"}, (attack.name, document)
        assert document["type"] == "error"
        assert set(document["error"]) == {"type", "message"}
        return str(document["error"]["message"])
    if re.match(r"/api/(?:chat|generate|show|tags|ps|version|embed|embeddings|pull|push|create|copy)(?:/|$)", path):
        document = response.json()
        assert set(document) == {"error"}, (attack.name, document)
        assert isinstance(document["error"], str)
        return str(document["error"])
    error = error_of(response, response.status_code)
    return f"{error['param']}: {error['message']}"
