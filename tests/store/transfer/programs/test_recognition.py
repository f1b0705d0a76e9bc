"""Whose a file is: told by what only its program writes, or said to be unknown."""

from typing import Any

import pytest

from bdchat.store.transfer.reading import FoundChat
from tests.store.transfer.programs.exports import file
from tests.store.transferable import problems, read, zipped

SAID = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    "strange",
    [
        {"title": "Strange", "messages": [{"role": "user", "content": "hi", "tokens": 3}]},
        {"title": "Strange", "app": "x", "messages": SAID},
        {"title": "Strange", "mapping": {"1": {"id": "1", "message": {"fragments": [{"type": "REQUEST"}]}}}},
        {"title": "Strange", "conversationId": "c", "messages": [{"who": "me", "what": "hi"}]},
        {"title": "Strange", "chat": {"messages": [{"who": "me", "what": "hi"}]}},
        {"title": "Strange", "turns": [{"speaker": "a", "text": "hi"}]},
        {"title": "Strange", "responses": [{"response": {"sender": "human", "message": "hi"}}]},
        {"title": "Strange", "chat_messages": [{"text": "hi"}]},
        {"title": "Strange", "data": {"chats": [{"id": 1, "items": [{"isUser": True, "text": "hi"}]}]}},
        {"title": "Strange", "table": "m", "rows": [{"role": "user", "content": "hi"}]},
    ],
)
def test_a_chat_of_an_unknown_program_is_said_to_be_one(strange: dict[str, Any]) -> None:
    """Whoever had a list `messages` was read as Open WebUI's: messages of LibreChat came as half, and as a tool's."""
    (problem,) = problems([strange])
    assert (problem.reason.code, problem.title) == ("unknown_program", "Strange")


@pytest.mark.parametrize(
    "half",
    [
        {"title": "Half", "chat": {"messages": [*SAID, {"content": "whose?"}]}},
        {"title": "Half", "conversationId": "c", "messages": [{"messageId": "m", "text": "whose?"}]},
        {"title": "Half", "chat_messages": [{"sender": "human", "text": "a"}, {"sender": "robot", "text": "whose?"}]},
        {"title": "Half", "messages": [{"versions": [{"role": "critic", "content": [{"type": "text", "text": "x"}]}]}]},
        {"conv": {"name": "Half"}, "messages": [{"id": "1", "role": "user", "content": "a"}, {"content": "whose?"}]},
    ],
)
def test_half_of_a_chat_is_not_taken(half: dict[str, Any]) -> None:
    (problem,) = problems([half])
    assert (problem.reason.code, problem.title) == ("unknown_message", "Half")


@pytest.mark.parametrize(
    "entries",
    [
        [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "yes"}],
        [{"instruction": "add", "input": "1 1", "output": "2"}],
        [{"name": "Ann", "is_user": True, "mes": "hi"}, {"name": "Bot", "is_user": False, "mes": "yes"}],
        [{"id": "1", "chatId": "c", "role": "user", "content": "hi"}],
    ],
)
def test_entries_that_are_messages_of_nobody_known_are_told_once(entries: list[dict[str, Any]]) -> None:
    (problem,) = problems(entries)
    assert (problem.reason.code, problem.is_failure) == ("unknown_program", True)


def test_activities_that_are_no_questions_are_no_chats() -> None:
    shared = {"header": "Gemini Apps", "title": "Shared a chat", "time": "2026-08-30T09:00:00Z"}
    searched = {"header": "Search", "title": "Searched for tyres", "time": "2026-08-30T09:00:00Z"}
    (problem,) = problems([shared, searched])
    assert problem.reason.code == "no_chats"


def test_what_macos_puts_beside_a_file_is_not_read() -> None:
    files = {"__MACOSX/a/._b.json": b"\x00\x05", "a/._b.json": b"\x00\x05", "a/b.json": file("chatgpt.json")}
    (found,) = read(zipped(files))
    assert isinstance(found, FoundChat)


@pytest.mark.parametrize(
    "other",
    [
        {"id": "u", "email": "a@example.org", "chatgpt_plus_user": False},
        {"id": "f", "conversation_id": "c", "rating": "thumbs_up", "content": "{}"},
        {"uuid": "p", "name": "Project", "description": "text", "docs": [{"filename": "a", "content": "b"}]},
        {"conversations_memory": "text", "account_uuid": "a"},
        {"id": "s", "conversation_id": "c", "title": "shared", "is_anonymous": True},
    ],
)
def test_the_other_files_of_an_export_are_no_chats_of_anybody(other: dict[str, Any]) -> None:
    (problem,) = problems([other])
    assert (problem.reason.code, problem.is_failure) == ("no_chats", False)
