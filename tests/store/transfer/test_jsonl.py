"""Entries that make a chat only together."""

import io
import json
from typing import Any

from bdchat.store.transfer.json_items import JSONItems, TooLarge
from bdchat.store.transfer.jsonl import Gathered
from bdchat.store.transfer.reading import FoundChat
from tests.store.transfer.programs.exports import file, lines
from tests.store.transferable import problems, read, zipped

SESSION = {"type": "session", "harness": "llama.app", "id": "c", "name": "big"}


def gathered(data: bytes, *, max_item_bytes: int = 10**6) -> list[Any]:
    items = JSONItems(io.BytesIO(data), max_item_bytes=max_item_bytes)
    return list(Gathered(items, {}, max_item_bytes=max_item_bytes))


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "message": {"role": "user", "content": text}}


def test_lines_of_one_conversation_come_as_one() -> None:
    data = lines(SESSION, message("a"), message("b"), {**SESSION, "id": "d"}, message("c"), {"other": 1})
    first, second, other = gathered(data)
    assert [each["content"] for each in first["messages"]] == ["a", "b"]
    assert (second["conv"]["id"], len(second["messages"]), other) == ("d", 1, {"other": 1})


def test_a_conversation_of_many_lines_is_bounded_as_one_value_is() -> None:
    data = lines(SESSION, *(message("x" * 1000) for _ in range(30)), {**SESSION, "name": "small"}, message("y"))
    big, small = gathered(data, max_item_bytes=20_000)
    assert isinstance(big, TooLarge)
    assert (big.title, big.reason.code) == ("big", "too_large")
    assert small["conv"]["name"] == "small"


def test_half_a_conversation_is_none() -> None:
    (problem,) = problems(file("llamacpp.jsonl")[:-20])
    assert (problem.reason.code, problem.title) == ("no_json", None)


def test_lines_of_another_program_are_said_to_be_unknown() -> None:
    header = {**SESSION, "harness": "my-agent"}
    strange, others = problems(lines(header, message("a"), message("b")))
    assert (strange.reason.code, strange.is_failure, others.reason.code) == ("unknown_program", True, "other_entries")


def test_a_thread_of_jan_without_its_other_file() -> None:
    (found,) = read(file("jan-messages.jsonl"))
    assert isinstance(found, FoundChat)
    assert len(found.chat.messages) == 3
    thread = {"id": "j", "object": "thread", "title": "t", "assistants": []}
    assert read(zipped({"threads/j/thread.json": json.dumps(thread).encode()})) == []


def test_rows_of_different_workspaces_are_different_chats() -> None:
    def row(number: int, workspace: str) -> dict[str, Any]:
        return {"id": number, "prompt": "q", "response": "a", "sent_at": None, "workspace": workspace}

    found = gathered(json.dumps([row(1, "a"), row(2, "b"), row(3, "a")]).encode())
    assert [(each["workspace"], [row["id"] for row in each["rows"]]) for each in found] == [("a", [1, 3]), ("b", [2])]
