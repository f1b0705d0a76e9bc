"""A program that stores its answers, and keeps a ledger of what it was told. One event loop.

It is cut off at any moment and comes back: an acknowledged answer is followed from the last number seen, a message
whose acknowledgement never came is sent again under the same id.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
RESET = "chat.completion.reset"
COMPLETIONS = "/v1/chat/completions"
PASSWORD = "correct horse battery staple"  # noqa: S105  # of a server that lives for minutes


# What a request raises whose server is killed. The second: anyio asks a connection that ended while it was made for its
# socket.
GONE = (httpx.TransportError, AttributeError)


class Broken(Exception):
    """The connection went before the answer's end."""


class Wrong(Exception):
    """The server broke a promise; says which."""


@dataclass
class Asked:
    """One message and what is known of its answer."""

    session_id: str
    client_message_id: str
    content: str
    generation_id: str | None = None  # None: not acknowledged
    message_id: str | None = None
    user_message_id: str | None = None
    last_event_id: int = 0
    text: str = ""
    spelled: bytes = b""  # of the tokens' own bytes; good only when no reset came
    num_tokens: int = 0
    num_resets: int = 0
    finish_reason: str | None = None
    error: str | None = None
    is_done: bool = False

    def take(self, number: int | None, chunk: dict[str, Any]) -> None:
        if number is not None:
            if number <= self.last_event_id:
                raise Wrong(f"event {number} came after {self.last_event_id}")
            self.last_event_id = number
        if chunk.get("error"):
            self.error = json.dumps(chunk["error"])
        elif chunk["object"] == RESET:
            self.text, self.num_resets = chunk["text"], self.num_resets + 1
        for choice in chunk.get("choices") or ():
            self.text += choice["delta"].get("content") or ""
            self.finish_reason = choice["finish_reason"] or self.finish_reason
            for token in (choice.get("logprobs") or {}).get("content") or ():
                self.spelled += bytes(token["bytes"] or b"")
                self.num_tokens += 1


@dataclass
class StoredClient:
    """Of one account; `fields` go into every request."""

    fields: dict[str, Any]
    token: str | None = None
    has_heard: asyncio.Event = field(default_factory=asyncio.Event)  # a new word: what was said before comes as a reset

    def connected(self, base_url: str) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return httpx.AsyncClient(base_url=base_url, headers=headers, timeout=TIMEOUT)

    async def register(self, base_url: str) -> None:
        """The first account of a new server."""
        async with self.connected(base_url) as http:
            body = {"username": "bench", "password": PASSWORD, "cookie": False}
            answer = await http.post("/api/auth/register", json=body)
            self.token = checked(answer)["token"]

    async def begin_session(self, http: httpx.AsyncClient) -> str:
        return str(checked(await http.post("/api/sessions", json={"title": "bench"}))["session_id"])

    async def advance(self, http: httpx.AsyncClient, asked: Asked) -> None:
        """Reads it to its end. Raises Broken."""
        try:
            if asked.generation_id is None:
                await self._send(http, asked)
            else:
                headers = {"last-event-id": str(asked.last_event_id)}
                path = f"{COMPLETIONS}/{asked.generation_id}/events"
                async with http.stream("GET", path, headers=headers) as answer:
                    await self._read(answer, asked)
        except GONE as error:
            raise Broken(str(error)) from error
        if not asked.is_done:
            raise Broken("the stream ended before [DONE]")

    async def _send(self, http: httpx.AsyncClient, asked: Asked) -> None:
        body = {
            "messages": [{"role": "user", "content": asked.content}],
            "store": True,
            "stream": True,
            "metadata": {"session_id": asked.session_id, "client_message_id": asked.client_message_id},
            **self.fields,
        }
        async with http.stream("POST", COMPLETIONS, json=body) as answer:
            await self._read(answer, asked)

    async def _read(self, answer: httpx.Response, asked: Asked) -> None:
        if answer.status_code != 200:
            raise Wrong(f"HTTP {answer.status_code}: {(await answer.aread())[:300]!r}")
        named = answer.headers
        asked.generation_id = named.get("x-bdchat-generation-id", asked.generation_id)
        asked.message_id = named.get("x-bdchat-message-id", asked.message_id)
        asked.user_message_id = named.get("x-bdchat-user-message-id", asked.user_message_id)
        async for number, data in frames(answer):
            if data == "[DONE]":
                asked.is_done = True
                return
            document = json.loads(data)
            asked.take(number, document)
            if is_new_text(document):
                self.has_heard.set()

    async def whole(self, http: httpx.AsyncClient, asked: Asked) -> Asked:
        """What a reader gets that comes only now."""
        again = Asked(asked.session_id, asked.client_message_id, asked.content, asked.generation_id)
        await self.advance(http, again)
        return again


def is_new_text(document: dict[str, Any]) -> bool:
    return any((choice.get("delta") or {}).get("content") for choice in document.get("choices", ()))


async def frames(answer: httpx.Response) -> AsyncIterator[tuple[int | None, str]]:
    """(id, data) of each whole frame; half a frame at the end is none."""
    number, data = None, ""
    async for line in answer.aiter_lines():
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("data: "):
            data = line[6:]
        elif not line and data:
            yield number, data
            number, data = None, ""


async def shown(http: httpx.AsyncClient, session_id: str) -> list[dict[str, Any]]:
    """A session's whole path, in reading order."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params = {"limit": "100"} | ({"before": cursor} if cursor else {})
        page = checked(await http.get(f"/api/sessions/{session_id}/messages", params=params))
        items = [*page["data"], *items]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def checked(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise Wrong(f"HTTP {answer.status_code}: {answer.text[:300]}")
    body: dict[str, Any] = answer.json()
    return body


def token_bytes(logprobs: list[dict[str, Any]]) -> bytes:
    """As the events keep them."""
    return b"".join(base64.b64decode(entry["token_bytes"]) for entry in logprobs)
