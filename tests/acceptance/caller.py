"""Asks a server and holds every answer to what OpenAI's wire promises of all of them."""

import json
from typing import Any, Self

import httpx

MODEL = "smollm2-135m-instruct"
FINISH_REASONS = {"stop", "length", "tool_calls"}
ERROR_KEYS = {"message", "type", "param", "code"}

SAME: dict[str, Any] = {
    "deterministic": True
}  # where two answers are compared: kernels round by how tokens are dealt to batches

Document = dict[str, Any]


class Caller:
    """Greedy and short unless a field says otherwise: `temperature` 0, `max_tokens` 8."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=60)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def chat(self, messages: str | list[Document] = "Say hello.", **fields: Any) -> Document:
        answer = await self.post("/v1/chat/completions", chat_body(messages, fields))
        assert answer["id"].startswith("chatcmpl-")
        assert (answer["object"], answer["model"]) == ("chat.completion", MODEL)
        assert isinstance(answer["created"], int)
        assert isinstance(answer["system_fingerprint"], str)
        assert [choice["index"] for choice in answer["choices"]] == list(range(fields.get("n") or 1))
        for choice in answer["choices"]:
            assert choice["finish_reason"] in FINISH_REASONS
            assert choice["message"]["role"] == "assistant"
            assert {"content", "refusal"} <= set(choice["message"])
            assert "logprobs" in choice
        check_usage(answer["usage"])
        return answer

    async def text(self, messages: str | list[Document] = "Say hello.", **fields: Any) -> str:
        return str((await self.chat(messages, **fields))["choices"][0]["message"]["content"])

    async def num_prompt_tokens(self, messages: str | list[Document] = "Say hello.", **fields: Any) -> int:
        return int((await self.chat(messages, **fields))["usage"]["prompt_tokens"])

    async def chat_stream(self, messages: str | list[Document] = "Say hello.", **fields: Any) -> list[Document]:
        chunks = await self.events("/v1/chat/completions", chat_body(messages, fields))
        assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
        assert all("finish_reason" in choice and "delta" in choice for chunk in chunks for choice in chunk["choices"])
        by_choice: dict[int, list[Document]] = {}
        for chunk in chunks:
            for choice in chunk["choices"]:
                by_choice.setdefault(choice["index"], []).append(choice)
        assert list(by_choice) == list(range(fields.get("n") or 1))  # in the order of their first chunks
        for choices in by_choice.values():
            assert [choice["delta"].get("role") for choice in choices] == ["assistant"] + [None] * (len(choices) - 1)
            reasons = [choice["finish_reason"] for choice in choices]
            assert reasons[-1] in FINISH_REASONS
            assert reasons[:-1] == [None] * (len(reasons) - 1)
        check_usage_is_last_and_alone(chunks, is_asked=bool((fields.get("stream_options") or {}).get("include_usage")))
        return chunks

    async def complete(self, prompt: Any, **fields: Any) -> Document:
        answer = await self.post("/v1/completions", {"prompt": prompt, **short(fields)})
        assert answer["object"] == "text_completion"
        assert answer["id"].startswith("cmpl-")
        check_usage(answer["usage"])
        return answer

    async def complete_stream(self, prompt: Any, **fields: Any) -> list[Document]:
        chunks = await self.events("/v1/completions", {"prompt": prompt, **short(fields)})
        assert {chunk["object"] for chunk in chunks} == {"text_completion"}
        check_usage_is_last_and_alone(chunks, is_asked=bool((fields.get("stream_options") or {}).get("include_usage")))
        return chunks

    async def post(self, path: str, body: object) -> Document:
        response = await self.http.post(path, json=body)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-request-id"]
        document: Document = response.json()
        return document

    async def events(self, path: str, body: Document) -> list[Document]:
        """Every event of a stream but [DONE], held to what a line parser takes."""
        async with self.http.stream("POST", path, json={**body, "stream": True}) as response:
            text = (await response.aread()).decode("utf-8")
            assert response.status_code == 200, text
            headers = response.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert "no-cache" in headers["cache-control"]
        assert not {"content-length", "content-encoding"} & set(headers)
        assert "\r" not in text
        frames = [frame for frame in text.split("\n\n") if not frame.startswith(":")]
        assert frames[-2:] == ["data: [DONE]", ""]
        assert text.count("data: [DONE]") == 1
        assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames[:-1])
        chunks: list[Document] = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
        assert all(isinstance(chunk["choices"], list) for chunk in chunks)
        assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
        return chunks

    async def refusal(self, path: str, body: object, status: int = 400) -> Document:
        """The error of a request that must be refused, the same when its answer is asked for as a stream."""
        errors = [await self.error("POST", path, status, json=each) for each in (body, with_stream(body))]
        assert errors[0] == errors[1]
        return errors[0]

    async def error(self, method: str, path: str, status: int, **request: Any) -> Document:
        response = await self.http.request(method, path, **request)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-request-id"]
        assert set(response.json()) == {"error"}
        error: Document = response.json()["error"]
        assert set(error) == ERROR_KEYS
        assert error["message"]
        assert isinstance(error["type"], str)
        assert all(error[key] is None or isinstance(error[key], str) for key in ("param", "code"))
        return error


def chat_body(messages: str | list[Document], fields: Document) -> Document:
    return {"messages": user(messages) if isinstance(messages, str) else messages, **short(fields)}


def short(fields: Document) -> Document:
    limits = {} if fields.get("max_completion_tokens") else {"max_tokens": 8}
    return {"model": MODEL, "temperature": 0, **limits, **fields}


def user(text: str) -> list[Document]:
    return [{"role": "user", "content": text}]


def with_stream(body: object) -> object:
    return {**body, "stream": True} if isinstance(body, dict) else body


def said(chunks: list[Document], index: int = 0) -> str:
    """The content of one choice of a streamed chat, joined."""
    choices = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def finish_reason(chunks: list[Document], index: int = 0) -> str:
    reasons = [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
    return str(reasons[-1])


def check_usage(usage: Document) -> None:
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0 <= usage["prompt_tokens_details"]["cached_tokens"] <= usage["prompt_tokens"]
    assert 0 <= usage["completion_tokens_details"]["reasoning_tokens"] <= usage["completion_tokens"]


def check_usage_is_last_and_alone(chunks: list[Document], *, is_asked: bool) -> None:
    if not is_asked:
        assert all(chunk.get("usage") is None and chunk["choices"] for chunk in chunks)
        return
    assert all("usage" in chunk for chunk in chunks)
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == []
    check_usage(chunks[-1]["usage"])
