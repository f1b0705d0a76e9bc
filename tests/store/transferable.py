"""Exports to read and chats to compare, for tests of what goes out and comes in."""

import io
import json
import random
import zipfile
from collections.abc import Mapping
from typing import Any

from bdchat.store.sql.database import Database
from bdchat.store.transfer.allowance import Allowance
from bdchat.store.transfer.chat import Chat
from bdchat.store.transfer.document import CONFIG_COLUMNS
from bdchat.store.transfer.exporting import Export
from bdchat.store.transfer.reading import FoundChat, Problem, read_chats
from bdchat.store.transfer.rendering import Format
from bdchat.store.transfer.writing import ChatSlice, prepare, put

WORDS = ("환불은", "언제", "cache", "🙂", "되나요?", "**bold**", "ignore", "a\tb", "\\", '"', "\u2028", "한자 漢字")
NOW_MS = 1_795_000_000_000


# --- foreign exports --------------------------------------------------------------------------------------------------


def node(
    node_id: str, parent: str | None, role: str | None = None, content: object = None, **more: Any
) -> dict[str, Any]:
    """Of ChatGPT's mapping; a placeholder without a role."""
    if role is None:
        return {"id": node_id, "parent": parent, "children": [], "message": None}
    said = {"content_type": "text", "parts": [content]} if isinstance(content, str) else content
    message = {"id": node_id, "author": {"role": role}, "content": said, "create_time": 1.7e9, **more}
    return {"id": node_id, "parent": parent, "children": [], "message": message}


def conversation(*nodes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """ChatGPT's."""
    mapping = {each["id"]: each for each in nodes}
    head = {"title": "환불", "conversation_id": "c1", "create_time": 1.7e9, "update_time": 1.7e9 + 60.25}
    return {**head, "default_model_slug": "gpt-5", "mapping": mapping, "current_node": nodes[-1]["id"], **fields}


def contents(chat: Chat) -> dict[str, str | None]:
    return {message.message_id: message.content for message in chat.messages}


def zipped(files: Mapping[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def read(content: bytes | object, *, max_bytes: int = 10**9) -> list[FoundChat | Problem]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(read_chats(io.BytesIO(data), ample(len(data), max_bytes=max_bytes)))


def ample(num_bytes: int, *, max_bytes: int = 10**9) -> Allowance:
    """Whose processor time does not end."""
    return Allowance(num_bytes, max_bytes=max_bytes, cpu_s=10**6)


def problems(content: bytes | object, *, max_bytes: int = 10**9) -> list[Problem]:
    found = read(content, max_bytes=max_bytes)
    assert all(isinstance(each, Problem) for each in found)
    return [each for each in found if isinstance(each, Problem)]


def only_chat(content: bytes | object) -> FoundChat:
    (found,) = read(content)
    assert isinstance(found, FoundChat), found
    return found


# --- bdchat's own -----------------------------------------------------------------------------------------------------


def random_session(rng: random.Random) -> dict[str, Any]:
    """A session of the bdchat format: any tree, any order of times, ties among them."""
    ids = [f"m{number}" for number in range(rng.randrange(40))]
    times = sorted(NOW_MS + rng.randrange(20) for _ in ids)
    above = list(ids)
    rng.shuffle(above)  # parents come before or after their children
    parents = {
        message_id: rng.choice([None, *above[:number]]) if rng.random() < 0.9 else None
        for number, message_id in enumerate(above)
    }
    return {
        "session_id": "theirs",
        "source_id": None,
        "title": (title := rng.choice(["", "환불 🙂", 'a/b "c"'])),
        "title_source": rng.choice(["auto", "user"]) if title else "",
        "folder": rng.choice(["", "일"]),
        "is_pinned": rng.random() < 0.5,
        "is_archived": rng.random() < 0.5,
        "head_message_id": rng.choice(ids) if ids else None,
        "created_at_ms": NOW_MS - 5,
        "updated_at_ms": NOW_MS + rng.randrange(100),
        "config": rng.choice([None, {"context_overflow": "error"}, {"context_overflow": "drop_oldest", "top_k": 40}]),
        "messages": [_random_message(rng, each, parents[each], at_ms) for each, at_ms in zip(ids, times, strict=True)],
    }


def _random_message(rng: random.Random, message_id: str, parent_id: str | None, at_ms: int) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "parent_id": parent_id,
        "role": rng.choice(["system", "user", "assistant", "tool"]),
        "author": rng.choice(["", "", None, "Bob"]),
        "content": " ".join(rng.choices(WORDS, k=rng.randrange(12))),
        "status": rng.choice(["complete", "stopped", "interrupted", "failed"]),
        "finish_reason": rng.choice([None, "stop", "length"]),
        "token_count": rng.choice([None, 0, 17]),
        "processing_time_ms": rng.choice([None, 1234]),
        "created_at_ms": at_ms,
        "metadata": rng.choice([None, _metadata(rng)]),
    }


def _metadata(rng: random.Random) -> dict[str, Any]:
    numbers = ("prompt_tokens", "cached_tokens", "completion_tokens", "queue_ms", "prefill_ms", "decode_ms")
    return {
        "model": "smollm2",
        "model_version": "fp_1",
        "prompt_template": "chatml",
        "model_params": {"temperature": rng.random(), "seed": rng.randrange(1 << 53), "stop": ["\n"]},
        **{name: rng.randrange(1000) for name in numbers},
        "num_dropped_messages": rng.randrange(3),
        "extra": rng.choice([{}, {"tags": ["a", {"b": None}]}]),
    }


def as_document(*sessions: dict[str, Any]) -> bytes:
    head = {"bdchat_export": 1, "exported_at_ms": NOW_MS, "server_version": "0"}
    return json.dumps({**head, "sessions": sessions}, ensure_ascii=False).encode()


def told(session: dict[str, Any]) -> dict[str, Any]:
    """What a session of an export says, whatever its ids: messages are named by their place."""
    places = {message["message_id"]: place for place, message in enumerate(session["messages"])}
    assert len(places) == len(session["messages"])
    kept = {name: value for name, value in session.items() if name not in {"session_id", "source_id"}}
    kept["head_message_id"] = places.get(session["head_message_id"])
    kept["messages"] = [
        {**message, "message_id": places[message["message_id"]], "parent_id": places.get(message["parent_id"])}
        for message in session["messages"]
    ]
    return kept


async def import_all(database: Database, user_id: str, content: bytes) -> list[str]:
    """Straight into the store; every chat must be a good one."""
    ids = []
    for found in read(content):
        assert isinstance(found, FoundChat), found
        if found.chat.config is not None:
            config = dict(found.chat.config)
            columns = {name: config.pop(name) for name in CONFIG_COLUMNS if name in config}
            found.chat.config = {**columns, "params": config}
        ids.append(await put_chat(database, found.chat, user_id))
    return ids


async def put_chat(database: Database, chat: Chat, user_id: str, *, was_deleted: bool = False) -> str:
    """The new session's id."""
    prepared, slices = prepare(chat, user_id)

    async def next_slice() -> ChatSlice | None:
        return next(slices, None)

    return await put(database, prepared, next_slice, was_deleted=was_deleted)


async def export_bytes(
    database: Database, user_id: str, format_: Format = "bdchat", session_id: str | None = None
) -> bytes:
    export = Export(user_id, format_, session_id)
    chunks = []
    while chunk := await database.read(export.step):
        chunks.append(chunk)
    return b"".join(chunks)
