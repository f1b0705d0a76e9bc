"""POST /v1/embeddings and /v1/rerank: forms of input, forms of vectors, what is refused and what is booked."""

import base64
from typing import Any

import numpy as np
import pytest

from bdchat.engine.errors import ContextLengthExceeded, QueueFull
from tests.api.serving import error_of, in_process
from tests.fake_engine import NUM_DIMENSIONS, FakeEngine

pytestmark = pytest.mark.anyio
URL = "/v1/embeddings"


def embedding_engine(**how: Any) -> FakeEngine:
    return FakeEngine(model_id="e", purpose="embedding", **how)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("abc", [3]),
        (["a", "bc"], [1, 2]),
        ([97, 98, 99], [3]),
        ([97.0], [1]),
        ([[97], [98, 99]], [1, 2]),
    ],
)
async def test_texts_and_tokens_of_every_form_become_vectors_in_order(given: object, read: list[int]) -> None:
    async with in_process(embedding_engine()) as client:
        response = await client.post(URL, json={"model": "e", "input": given, "dimensions": None, "user": 7})
    body = response.json()
    assert [(item["object"], item["index"], len(item["embedding"])) for item in body["data"]] == [
        ("embedding", index, NUM_DIMENSIONS) for index in range(len(read))
    ]
    assert [item["embedding"][0] for item in body["data"]] == read
    assert (body["object"], body["model"]) == ("list", "e")
    assert body["usage"] == {"prompt_tokens": sum(read), "total_tokens": sum(read)}
    assert "x-bdchat-warning" not in response.headers


async def test_base64_is_the_same_vector() -> None:
    async with in_process(embedding_engine()) as client:
        plain = (await client.post(URL, json={"input": ["héllo"]})).json()
        coded = (await client.post(URL, json={"input": ["héllo"], "encoding_format": "base64"})).json()
    raw = base64.b64decode(coded["data"][0]["embedding"])
    assert np.frombuffer(raw, "<f4").tolist() == plain["data"][0]["embedding"]


async def test_vectors_are_shortened_to_unit_length_where_the_model_allows_it() -> None:
    async with in_process(embedding_engine(may_shorten_vectors=True)) as client:
        whole = (await client.post(URL, json={"input": "abc"})).json()["data"][0]["embedding"]
        short = (await client.post(URL, json={"input": "abc", "dimensions": 3})).json()["data"][0]["embedding"]
        same = (await client.post(URL, json={"input": "abc", "dimensions": 4})).json()["data"][0]["embedding"]
    np.testing.assert_allclose(short, np.array(whole[:3]) / np.linalg.norm(whole[:3]), rtol=1e-6)
    assert same == whole


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({}, "input", "invalid_value"),
        ({"input": ""}, "input", "invalid_value"),
        ({"input": []}, "input", "invalid_value"),
        ({"input": ["a", ""]}, "input[1]", "invalid_value"),
        ({"input": ["a", 1]}, "input[1]", "invalid_value"),
        ({"input": [[1], "a"]}, "input[1]", "invalid_value"),
        ({"input": [[1], []]}, "input[1]", "invalid_value"),
        ({"input": [1, "a"]}, "input[1]", "invalid_value"),
        ({"input": [[1], [2, -1]]}, "input[1][1]", "invalid_value"),
        ({"input": [True]}, "input[0]", "invalid_value"),
        ({"input": {"text": "a"}}, "input", "invalid_value"),
        ({"input": ["a"] * 2049}, "input", "invalid_value"),
        ({"input": ["a"] * 100_000}, "input", "invalid_value"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format", "invalid_value"),
        ({"input": "a", "dimensions": 0}, "dimensions", "invalid_value"),
        ({"input": "a", "dimensions": 5}, "dimensions", "unsupported_parameter"),
        ({"input": "a", "dimensions": 3}, "dimensions", "unsupported_parameter"),
        ({"input": "a", "input_type": "poem"}, "input_type", "invalid_value"),
        ({"input": "a", "model": "r"}, "model", "model_unsuitable"),
    ],
)
async def test_what_is_wrong_is_named(fields: dict[str, object], param: str, code: str) -> None:
    async with in_process(embedding_engine(), FakeEngine(model_id="r", purpose="reranker")) as client:
        response = await client.post(URL, json=fields)
    error = error_of(response, 400)
    assert (error["param"], error["code"]) == (param, code)


async def test_what_the_engine_refuses_is_told_in_its_own_words() -> None:
    engine = embedding_engine(refusal=ContextLengthExceeded(900, 512, "input[3]"))
    async with in_process(engine) as client:
        response = await client.post(URL, json={"input": ["a"]})
        error = error_of(response, 400)
        assert (error["param"], error["code"]) == ("input[3]", "context_length_exceeded")
        engine.refusal = QueueFull(retry_after_s=5.0)
        response = await client.post(URL, json={"input": ["a"]})
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        response = await client.post(URL, json={"input": ["a"], "model": "text-embedding-3-small"})
        assert error_of(response, 404)["code"] == "model_not_found"


async def test_a_chat_model_answers_with_a_warning_and_is_asked_when_there_is_no_other() -> None:
    chat, other = FakeEngine(), embedding_engine()
    async with in_process(chat) as client:
        response = await client.post(URL, json={"input": "a"})
        assert "chats" in response.headers["x-bdchat-warning"]
    async with in_process(chat, other) as client:
        await client.post(URL, json={"input": "a"})
        await client.post(URL, json={"input": "b", "model": "fake"})
    assert [request.texts for request in chat.embedding_requests] == [("a",), ("b",)]
    assert [(request.texts, request.is_list) for request in other.embedding_requests] == [(("a",), False)]


async def test_a_chat_with_a_model_that_writes_no_text_says_what_to_do() -> None:
    async with in_process(FakeEngine(), embedding_engine()) as client:
        message = {"role": "user", "content": "hi"}
        response = await client.post("/v1/chat/completions", json={"model": "e", "messages": [message]})
        error = error_of(response, 400)
        assert error["code"] == "model_unsuitable"
        assert "/v1/embeddings" in error["message"]
        response = await client.post("/v1/completions", json={"model": "e", "prompt": "hi"})
        assert error_of(response, 400)["param"] == "model"


async def test_documents_are_ranked_best_first() -> None:
    documents = ["a dog", {"text": "the cat sat"}, "the cat"]
    engine = FakeEngine(model_id="r", purpose="reranker")
    async with in_process(FakeEngine(), engine) as client:
        body = (await client.post("/rerank", json={"query": "the cat sat", "documents": documents})).json()
        top = {"query": "the cat sat", "documents": documents, "top_n": 1, "return_documents": True, "model": "r"}
        best = (await client.post("/v1/rerank", json=top)).json()
    assert [(each["index"], each["relevance_score"]) for each in body["results"]] == [(1, 3.0), (2, 2.0), (0, 0.0)]
    assert best["results"] == [{"index": 1, "relevance_score": 3.0, "document": {"text": "the cat sat"}}]
    assert (best["model"], best["usage"]) == ("r", {"prompt_tokens": 23, "total_tokens": 23})
    assert engine.embedding_requests[0].query == "the cat sat"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"documents": ["a"]}, "query"),
        ({"query": "", "documents": ["a"]}, "query"),
        ({"query": "a", "documents": []}, "documents"),
        ({"query": "a", "documents": ["a", {}]}, "documents[1]"),
        ({"query": "a", "documents": ["a"] * 2049}, "documents"),
        ({"query": "a", "documents": ["a"], "top_n": 0}, "top_n"),
        ({"query": "a", "documents": ["a"], "model": "fake"}, "model"),
    ],
)
async def test_what_is_wrong_with_a_ranking_is_named(fields: dict[str, object], param: str) -> None:
    async with in_process(FakeEngine(), FakeEngine(model_id="r", purpose="reranker")) as client:
        response = await client.post("/v1/rerank", json=fields)
    assert error_of(response, 400)["param"] == param
