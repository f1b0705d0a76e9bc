"""Exports of every format with something done to one of their chats, or to their bytes."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from tests.store.transfer.programs.exports import chat as exported
from tests.store.transferable import as_document, conversation, node, random_session

Value = Any
Path = tuple[str | int, ...]
NUM_CHATS = 4
MARK = '"@mark@"'
RAW = (  # JSON, or nearly, that no generator of JSON writes
    b"null",
    b"true",
    b"-1",
    b"0.5",
    b"1e400",
    b"-1e400",
    b"1e-99999999999999999999999",
    b"1E+99999999999999999999999",
    b"9" * 30,
    b"9" * 1000,
    b"9" * 6000,
    b"-" + b"9" * 70_000,
    b"0." + b"3" * 70_000,
    b"NaN",
    b"-Infinity",
    b'""',
    b'"\\u0000"',
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"' + b"\\ud83d\\ude42" * 12_000 + b'"',
    b'"\xff\xfe\xc0"',
    b'"a\x00b\x1f\nc"',
    b'"2024-01-01T00:00:00Z"',
    b'"1700000000"',
    b"1700000000000",
    b"31556889864403199",
    b"[]",
    b"{}",
    b"[[[]]]",
    b"[" * 99 + b"]" * 99,
    b"[" * 5000 + b"]" * 5000,
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b'{"a":1,"a":{"a":2},"":3}',
    b'[null,1,"a",{}]',
    b'"' + b"x" * 200_000 + b'"',
    b'"\xea\xb0\x80\xf0\x9f\x99\x82"',
)


# --- exports, and where in them a chat lies ---------------------------------------------------------------------------


def bdchat(rng: random.Random) -> tuple[Value, list[Value]]:
    sessions = [{**random_session(rng), "session_id": f"s{n}"} for n in range(NUM_CHATS)]
    whole = json.loads(as_document(*sessions))
    return whole, whole["sessions"]


def chatgpt(rng: random.Random) -> tuple[Value, list[Value]]:
    contents = (
        {"content_type": "code", "language": "python", "text": "x"},
        {"content_type": "text", "parts": ["a", {}]},
    )

    def one(number: int) -> Value:
        nodes = [node("root", None)]
        for n in range(rng.randrange(1, 8)):
            parent = rng.choice(nodes)["id"]
            said = rng.choice(["hi", "환불은", rng.choice(contents)])
            metadata = {"model_slug": "gpt-5", "finish_details": {"type": "stop"}}
            nodes.append(node(f"n{n}", parent, rng.choice(["user", "assistant", "tool"]), said, metadata=metadata))
        return conversation(*nodes, conversation_id=f"c{number}", title=f"t{number}")

    chats = [one(number) for number in range(NUM_CHATS)]
    return chats, chats


def chatgpt_2026(rng: random.Random) -> tuple[Value, list[Value]]:
    """Users' messages without metadata, the model at the conversation."""
    chats, _ = chatgpt(rng)
    for chat in chats:
        for each in chat["mapping"].values():
            if each["message"] and each["message"]["author"]["role"] == "user":
                del each["message"]["metadata"]
    whole = {"conversations": chats}
    return whole, chats


def openwebui(rng: random.Random) -> tuple[Value, list[Value]]:
    def message(n: int) -> Value:
        kinds: list[Value] = ["hi", [{"type": "text", "text": "a"}, {"type": "image_url"}], ""]
        said = {"role": rng.choice(["user", "assistant"]), "content": rng.choice(kinds), "timestamp": 1_700_000_000 + n}
        more = {"usage": {"eval_count": 5, "prompt_tokens": 7}, "files": [{"name": "a"}], "error": None, "done": True}
        return {"id": f"m{n}", "parentId": f"m{n - 1}" if n else None, "childrenIds": [], **said, **more, "model": "m"}

    def one(number: int) -> Value:
        messages = [message(n) for n in range(rng.randrange(1, 6))] + [{"role": "user", "content": "end"}]
        history = {"currentId": "m0", "messages": {f"m{n}": each for n, each in enumerate(messages)}}
        inner = {"title": f"t{number}", "models": ["m"], "params": {"system": "be"}, "tags": ["x"]}
        inner |= {"history": history} if rng.random() < 0.6 else {"messages": messages}
        return {"id": f"w{number}", "chat": inner, "meta": {"tags": [{"name": "y"}]}, "pinned": True, "folder_id": "f"}

    chats = [one(number) if rng.random() < 0.7 else one(number)["chat"] for number in range(NUM_CHATS)]
    return chats, chats


OTHERS = ("claude", "librechat-flat", "librechat-tree", "llamacpp", "lmstudio", "openwebui-output", "chatgpt")


def other(rng: random.Random) -> tuple[Value, list[Value]]:
    """Of a program whose chats lie in a list, or that has them in files of their own."""
    one = exported(rng.choice(OTHERS))
    chats = [copy.deepcopy(one) for _ in range(NUM_CHATS)]
    return chats, chats


EXPORTS: tuple[Callable[[random.Random], tuple[Value, list[Value]]], ...] = (
    bdchat,
    chatgpt,
    chatgpt_2026,
    openwebui,
    other,
)


# --- what is done to them ---------------------------------------------------------------------------------------------


def paths(value: Value, above: Path = ()) -> list[Path]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [path for key in keys for path in ((*above, key), *paths(value[key], (*above, key)))]


def holder(value: Value, path: Path) -> Value:
    here = value
    for key in path[:-1]:
        here = here[key]
    return here


def changed(rng: random.Random, chat: Value) -> bytes:
    """JSON of the chat with one to three of its values made something else."""
    raw: list[bytes] = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        path = rng.choice(paths(chat))
        at: Value = holder(chat, path)
        key: Value = path[-1]
        kind = rng.randrange(8)
        if kind < 4:
            at[key] = "@mark@"
            raw.append(rng.choice(RAW))
        elif kind == 4:
            del at[key]
        elif kind == 5:  # another value of the same chat, whatever that is: ids twice, circles, other types
            other = rng.choice(paths(chat))
            at[key] = copy.deepcopy(holder(chat, other)[other[-1]])
        elif kind == 6:
            at[key] = rng.choice([[at[key]], {"a": at[key]}, str(at[key])])
        elif isinstance(at, list):
            at.append(copy.deepcopy(at[key]))
        else:
            at[f"{key}2"] = at[key]
        if not paths(chat):
            break
    parts = json.dumps(chat, ensure_ascii=rng.random() < 0.5).encode().split(MARK.encode())
    rng.shuffle(raw)
    return parts[0] + b"".join((raw or RAW)[n % len(raw or RAW)] + part for n, part in enumerate(parts[1:]))


def damaged(rng: random.Random, data: bytes) -> tuple[bytes, int]:
    """The bytes with something done to them, and where that begins."""
    at = rng.randrange(len(data))
    end = min(len(data), at + rng.choice([1, 1, 4, 100, 5000]))
    piece = rng.choice(
        [b"", b"\x00", bytes([rng.randrange(256)]), data[at:end] * 2, rng.choice(RAW), b"\\", b'"', b"]"]
    )
    return rng.choice([data[:at] + piece + data[end:], data[:at], data[:at] + piece + data[at:]]), at


def with_a_changed_chat(rng: random.Random) -> tuple[Value, int, bytes, bytes]:
    """An export as it was, the number of the chat that is changed, that chat, and the file: JSON still."""
    whole, chats = rng.choice(EXPORTS)(rng)
    before = copy.deepcopy(whole)
    number = rng.randrange(NUM_CHATS)
    bad = changed(rng, copy.deepcopy(chats[number]))
    chats[number] = "@chat@"
    data = json.dumps(whole, ensure_ascii=rng.random() < 0.5).encode()
    return before, number, bad, data.replace(b'"@chat@"', bad)
