"""Ollama's routes: what reaches the engine, what comes back, and refusals in its shape by its names."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from bdchat.engine.errors import GenerationFailed
from bdchat.engine.request import ChatPrompt, FimPrompt, SamplingDefaults, TextPrompt
from bdchat.settings import ModelSettings, Settings
from tests.api.serving import in_process, signed_in
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
USER = [{"role": "user", "content": "hi"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "서울"}}\n</tool_call>'


@pytest.fixture
async def fake() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def client(fake: FakeEngine) -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process(fake, FakeEngine("vectors", purpose="embedding", n_ctx=12)) as client:
        yield client


async def ask(client: httpx.AsyncClient, path: str = "/api/chat", **fields: Any) -> dict[str, Any]:
    given = {"messages": USER} if path == "/api/chat" else {}
    reply = await client.post(path, json={"model": "fake", "stream": False} | given | fields)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def prompt_of(fake: FakeEngine) -> Any:
    return fake.requests[-1].prompt


async def test_a_chat_is_streamed_unless_it_is_not_to_be(client: httpx.AsyncClient) -> None:
    reply = await client.post("/api/chat", json={"model": "fake:latest", "messages": USER})
    assert reply.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert "".join(line["message"]["content"] for line in lines) == "Hello world"
    assert [line["done"] for line in lines] == [False, False, False, True]
    assert lines[-1]["prompt_eval_count"] == len("<user>hi")
    assert (lines[-1]["eval_duration"], lines[-1]["total_duration"]) == (3_000_000, 6_000_000)
    whole = await ask(client)
    assert whole["message"] == {"role": "assistant", "content": "Hello world"}
    assert (whole["model"], whole["done_reason"]) == ("fake", "stop")


async def test_numbers_that_are_not_named_are_the_models_own_as_show_tells_them(
    client: httpx.AsyncClient, fake: FakeEngine
) -> None:
    fake.sampling_defaults = SamplingDefaults(temperature=0.25, top_k=7)
    shown = (await client.post("/api/show", json={"model": "fake"})).json()["parameters"]
    assert "temperature 0.25" in shown
    for fields in (
        {},
        {"path": "/api/generate", "prompt": "hi"},
        {"path": "/api/generate", "prompt": "hi", "raw": True},
    ):
        await ask(client, **fields)
        assert (fake.requests[-1].sampling.temperature, fake.requests[-1].sampling.top_k) == (0.25, 7)
    await ask(client, options={"temperature": 0.5})
    assert (fake.requests[-1].sampling.temperature, fake.requests[-1].sampling.top_k) == (0.5, 7)


async def test_thoughts_and_calls_come_and_go_back(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    fake.pieces = (f"<think>\nIt rains.\n</think>\n\nHm.{CALL}",)
    message = (await ask(client, tools=[WEATHER], think=True))["message"]
    assert message["thinking"].strip() == "It rains."
    assert message["tool_calls"][0]["function"] == {"index": 0, "name": "weather", "arguments": {"city": "서울"}}
    assert prompt_of(fake).template_kwargs == {"enable_thinking": True}
    fake.pieces = ("21",)
    result = {"role": "tool", "tool_name": "weather", "content": "21"}
    await ask(client, messages=[*USER, message, result], tools=[WEATHER], think="high")
    shown = prompt_of(fake).messages
    assert [each.role for each in shown] == ["user", "assistant", "tool"]
    assert json.loads(shown[1].tool_calls[0].arguments) == {"city": "서울"}
    assert shown[1].reasoning.strip() == "It rains."
    assert shown[2].name == "weather"
    assert prompt_of(fake).template_kwargs["reasoning_effort"] == "high"


async def test_options_and_forms_reach_the_engine(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    options = {
        "num_ctx": 10**6,
        "num_predict": 5,
        "temperature": 0.1,
        "stop": ["x"],
        "seed": 3,
        "top_k": 2,
        "num_gpu": 1,
    }
    answer = await ask(client, options=options | {"mirostat": 0}, format=SCHEMA, keep_alive="5m")
    request = fake.requests[-1]
    sampling = request.sampling
    assert (sampling.max_tokens, sampling.temperature, sampling.stop) == (5, 0.1, ("x",))
    assert (sampling.seed, sampling.top_k) == (3, 2)
    assert request.constraint is not None
    assert request.constraint.field == "format"
    assert answer["done_reason"] == "length"
    await ask(client, format="json", options={"num_predict": -1})
    assert fake.requests[-1].constraint.kind == "json_object"  # type: ignore[union-attr]  # there is one
    scored = await ask(client, logprobs=True, top_logprobs=1)
    assert scored["logprobs"][0]["top_logprobs"]


async def test_generate_is_a_chat_a_text_or_a_gap(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    answer = await ask(client, "/api/generate", prompt="hi", system="Be brief.")
    assert (answer["response"], answer["done"]) == ("Hello world", True)
    assert isinstance(prompt_of(fake), ChatPrompt)
    assert [message.role for message in prompt_of(fake).messages] == ["system", "user"]
    await ask(client, "/api/generate", prompt="<s>raw", raw=True)
    assert prompt_of(fake) == TextPrompt(text="<s>raw")
    assert fake.requests[-1].sampling.max_tokens is None
    await ask(client, "/api/generate", prompt="def f(", suffix="return")
    assert isinstance(prompt_of(fake), FimPrompt)


async def test_where_nothing_is_asked_the_model_is_loaded(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    loaded = await ask(client, messages=[])
    assert (loaded["done_reason"], loaded["message"]["content"]) == ("load", "")
    unloaded = await ask(client, "/api/generate", keep_alive=0)
    assert (unloaded["done_reason"], unloaded["response"]) == ("unload", "")
    lines = (await client.post("/api/generate", json={"model": "fake"})).text.splitlines()
    assert [json.loads(line)["done"] for line in lines] == [True]
    assert fake.requests == []


async def test_an_error_in_a_stream_is_a_line(client: httpx.AsyncClient, fake: FakeEngine) -> None:
    fake.failure = GenerationFailed("it broke")
    lines = (await client.post("/api/chat", json={"model": "fake", "messages": USER})).text.splitlines()
    assert set(json.loads(lines[-1])) == {"error"}


async def test_models_are_told_as_ollama_tells_them(client: httpx.AsyncClient) -> None:
    tags = (await client.get("/api/tags")).json()["models"]
    assert [model["name"] for model in tags] == ["fake", "vectors"]
    assert tags[0]["details"]["format"] == "gguf"
    assert len(tags[0]["digest"]) == 64
    loaded = (await client.get("/api/ps")).json()["models"]
    assert loaded[0]["context_length"] == 4096
    for name in ({"model": "fake"}, {"name": "fake:latest"}):
        shown = (await client.post("/api/show", json=name)).json()
        assert shown["model_info"]["fake.context_length"] == 4096
        assert shown["capabilities"] == ["completion", "tools"]
    of_vectors = (await client.post("/api/show", json={"model": "vectors"})).json()
    assert of_vectors["capabilities"] == ["embedding"]
    version = (await client.get("/api/version")).json()["version"]
    assert [int(part) for part in version.split(".")] >= [0, 6, 4]


async def test_vectors_of_what_is_too_long_are_of_its_beginning(client: httpx.AsyncClient) -> None:
    made = await ask(client, "/api/embed", model="vectors", input=["ab", "c" * 99])
    assert [vector[0] for vector in made["embeddings"]] == [2, 10]
    assert made["prompt_eval_count"] == 12
    short = await ask(client, "/api/embed", model="vectors", input="ab", dimensions=4)
    assert len(short["embeddings"][0]) == 4
    assert (await ask(client, "/api/embed", model="vectors", input=[]))["embeddings"] == []
    assert (await ask(client, "/api/embeddings", model="vectors", prompt="ab"))["embedding"][0] == 2


async def test_the_default_answers_for_unknown_names_where_it_may() -> None:
    settings = Settings(models=ModelSettings(unknown="default"))
    async with in_process(FakeEngine(), settings=settings) as client:
        answer = await ask(client, model="llama3.2:latest")
    assert (answer["model"], answer["message"]["content"]) == ("llama3.2:latest", "Hello world")


async def test_only_an_admin_pulls(client: httpx.AsyncClient) -> None:
    reply = await client.post("/api/pull", json={"model": "x"})
    assert reply.status_code == 401
    assert isinstance(reply.json()["error"], str)
    admin = await signed_in(client, "root", admin=True)
    reply = await client.post("/api/pull", json={"model": "../etc"}, headers=admin)
    assert reply.status_code == 400
    assert "model" in reply.json()["error"]
    for method, path in (("POST", "/api/push"), ("POST", "/api/create"), ("DELETE", "/api/delete")):
        told = await client.request(method, path, json={"model": "x"}, headers=admin)
        assert told.status_code == 400
        assert "admin page" in told.json()["error"]


async def test_what_curl_sends_is_read_and_what_a_browsers_form_sends_is_not(client: httpx.AsyncClient) -> None:
    """Ollama's own examples name no type; curl then says that it is a form."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = json.dumps({"model": "fake", "messages": USER, "stream": False}).encode()
    assert (await client.post("/api/chat", content=body, headers=form)).status_code == 200
    for name, value in (("origin", "http://localhost"), ("sec-fetch-site", "cross-site"), ("cookie", "a=b")):
        refused = await client.post("/api/chat", content=body, headers=form | {name: value})
        assert refused.status_code in (403, 415), name


CHAT_REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"model": None}, "model"),
    ({"model": 1}, "model"),
    ({"messages": 1}, "messages"),
    ({"messages": [1]}, "messages[0]"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": "x", "images": ["aGk="]}]}, "messages[0].images"),
    ({"tools": 1}, "tools"),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
    ({"format": "yaml"}, "format"),
    ({"format": 1}, "format"),
    ({"options": 1}, "options"),
    ({"options": {"temperature": "hot"}}, "options.temperature"),
    ({"options": {"mirostat": 2}}, "options.mirostat"),
    ({"options": {"stop": [1]}}, "options.stop[0]"),
    ({"options": {"num_predict": -3}}, "options.num_predict"),
    ({"think": "deep"}, "think"),
    ({"keep_alive": "long"}, "keep_alive"),
    ({"stream": "yes"}, "stream"),
    ({"top_logprobs": -1}, "top_logprobs"),
]
OTHERS_REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("/api/generate", {"prompt": 1}, "prompt"),
    ("/api/generate", {"prompt": "x", "images": ["x"]}, "images"),
    ("/api/generate", {"prompt": "x", "template": "{{ .Prompt }}"}, "template"),
    ("/api/generate", {"prompt": "x", "context": [1]}, "context"),
    ("/api/embed", {"input": 1}, "input"),
    ("/api/embed", {"input": ["a", 1]}, "input[1]"),
    ("/api/embed", {"input": ""}, "input"),
    ("/api/embed", {"model": "vectors", "input": "x", "dimensions": 99}, "dimensions"),
    ("/api/embeddings", {"prompt": ""}, "prompt"),
    ("/api/show", {"model": None}, "model"),
]


@pytest.mark.parametrize(("fields", "param"), CHAT_REFUSED)
async def test_a_chat_is_refused_by_name(client: httpx.AsyncClient, fields: dict[str, Any], param: str) -> None:
    await _refused(client, "/api/chat", {"messages": USER} | fields, param)


@pytest.mark.parametrize(("path", "fields", "param"), OTHERS_REFUSED)
async def test_others_are_refused_by_name(
    client: httpx.AsyncClient, path: str, fields: dict[str, Any], param: str
) -> None:
    await _refused(client, path, fields, param)


async def _refused(client: httpx.AsyncClient, path: str, fields: dict[str, Any], param: str) -> None:
    reply = await client.post(path, json={"model": "fake"} | fields)
    assert reply.status_code == 400, reply.text
    told = reply.json()
    assert set(told) == {"error"}
    assert param in told["error"], told


async def test_what_is_not_served_is_not_found(client: httpx.AsyncClient) -> None:
    for path in ("/api/chat", "/api/generate", "/api/show", "/api/embed"):
        reply = await client.post(path, json={"model": "nothing", "messages": USER, "prompt": "x", "input": "x"})
        assert reply.status_code == 404
        assert "nothing" in reply.json()["error"]
