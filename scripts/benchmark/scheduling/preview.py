"""What the page tells of a message before it is sent, and what sending it then finds in the cache.

New chats, next turns and branches of old ones, with few cells and little RAM, so that every tier takes part.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from ..accounts import sign_in
from ..bars import Bar
from ..client import ClientError
from ..compare import Log, Run
from ..hardening import Outcome
from ..prompts import words
from ..servers import bdchat, started
from ..stored_client import COMPLETIONS, checked, frames

NUM_SENDS = 500
QUICK_SENDS = 20
MAX_TURNS = 6
NUM_SYSTEM_PROMPTS = 3
SYSTEM_WORDS = 120
SEND_WORDS = (20, 100)
NEW_TOKENS = 6
LOG_EVERY = 50
MIN_EQUAL = 0.99
SETTINGS = (
    "engine.n_ctx=2048",
    f"engine.kv_memory_bytes={4096 * 23_040}",
    f"engine.ram_cache_bytes={64 << 20}",
    "generations.makes_titles=false",
)


@dataclass(slots=True)
class Chat:
    session_id: str
    answers: list[str] = field(default_factory=list)  # ids: where a branch may begin


@dataclass(frozen=True, slots=True)
class Sent:
    kind: str  # new, next, branch
    told: int  # cached tokens, before it was sent
    found: int


async def preview(
    model: Path, overrides: tuple[str, ...], logs: Path, log: Log, *, seed: int, is_short: bool
) -> list[Outcome]:
    rng = random.Random(f"preview {seed}")  # noqa: S311
    num_sends = QUICK_SENDS if is_short else NUM_SENDS
    sent: list[Sent] = []
    with TemporaryDirectory(prefix="bdchat-preview-") as folder:
        async with started(bdchat(model, Path(folder), (*SETTINGS, *overrides)), logs) as running:
            url = running.client.base_url.removesuffix("/v1")
            async with httpx.AsyncClient(base_url=url, timeout=120) as http:
                await sign_in(http)
                await running.client.usage([{"role": "user", "content": "Say yes."}], 4)  # loaded
                user = Sender(http, rng)
                while len(sent) < num_sends:
                    sent.append(await user.send_one())
                    if len(sent) % LOG_EVERY == 0:
                        log(f"{len(sent)} sends, {sum(each.told != each.found for each in sent)} told wrongly")
    return [outcome(sent)]


class Sender:
    def __init__(self, http: httpx.AsyncClient, rng: random.Random) -> None:
        self._http = http
        self._rng = rng
        self._chats: list[Chat] = []
        self._systems = [words(rng, SYSTEM_WORDS) for _ in range(NUM_SYSTEM_PROMPTS)]

    async def send_one(self) -> Sent:
        kind = self._rng.choices(("new", "next", "branch"), (1, 2, 1))[0] if self._chats else "new"
        chat = await self._begin() if kind == "new" else self._rng.choice(self._chats)
        parent_id = self._rng.choice(chat.answers) if kind == "branch" else None
        return await self._send(kind, chat, parent_id)

    async def _begin(self) -> Chat:
        config = {"system_prompt": self._rng.choice(self._systems)}
        made = checked(await self._http.post("/api/sessions", json={"title": "bench", "config": config}))
        self._chats.append(Chat(made["session_id"]))
        return self._chats[-1]

    async def _send(self, kind: str, chat: Chat, parent_id: str | None) -> Sent:
        content = words(self._rng, self._rng.randint(*SEND_WORDS))
        params = {"max_tokens": NEW_TOKENS, "temperature": 0}
        below = {} if parent_id is None else {"parent_id": parent_id}
        draft = {"content": content, "params": params, **below}
        told = checked(await self._http.post(f"/api/sessions/{chat.session_id}/preview", json=draft))
        body = {
            "messages": [{"role": "user", "content": content}],
            "store": True,
            "stream": True,
            "stream_options": {"include_usage": True},
            "metadata": {"session_id": chat.session_id, **below},
            **params,
        }
        usage = await self._answered(body, chat)
        if len(chat.answers) >= MAX_TURNS:
            self._chats.remove(chat)
        cached = told["num_prompt_tokens"] - told["num_to_read"]
        return Sent(kind, cached, usage["prompt_tokens_details"]["cached_tokens"])

    async def _answered(self, body: dict[str, Any], chat: Chat) -> dict[str, Any]:
        usage: dict[str, Any] | None = None
        async with self._http.stream("POST", COMPLETIONS, json=body) as answer:
            if answer.status_code != 200:
                raise ClientError(answer.status_code, (await answer.aread())[:300].decode("utf-8", "replace"))
            async for _, data in frames(answer):
                if data != "[DONE]":
                    usage = json.loads(data).get("usage") or usage
            chat.answers.append(answer.headers["x-bdchat-message-id"])
        if usage is None:
            raise ClientError(0, "an answer ended without its usage")
        return usage


def outcome(sent: list[Sent]) -> Outcome:
    wrong = [each for each in sent if each.told != each.found]
    share = 1 - len(wrong) / len(sent)
    kinds = Counter(each.kind for each in wrong)
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())) or "none"
    text = (
        f"cached tokens told before sending, of {len(sent)} sends: {share:.1%} equal (≥ {MIN_EQUAL:.0%}); wrong: {told}"
    )
    figures = {
        "equal_share": share,
        "num_wrong": float(len(wrong)),
        "largest_error": float(max((abs(each.told - each.found) for each in wrong), default=0)),
        "cached_tokens": float(sum(each.found for each in sent)),
    }
    return Outcome(Bar(7, text, share >= MIN_EQUAL), Run("bdchat", "preview", len(sent), 0, figures))
