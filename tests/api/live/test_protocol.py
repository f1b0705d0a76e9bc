"""Frames in and out: what is said on the wire, and what is refused."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bdchat.api.bus.interface import GAP
from bdchat.api.http.errors import MalformedBody
from bdchat.api.live.connection import CloseCode
from bdchat.api.live.protocol import MAX_CHUNK_EVENTS, admin_frame, answer_frames, frame_of, progress_frame
from bdchat.api.schemas.live import (
    IN_FRAMES,
    AiChunk,
    AiReset,
    AiStart,
    ChatMessage,
    Hello,
    OutFrame,
    SessionChange,
    parse_frame,
)
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import LimitSettings
from tests.api.durable_chat import Told, typed

LIMITS = LimitSettings()
ME, OTHER = "me", "other"


def parsed(**frame: Any) -> Any:
    return parse_frame(json.dumps(frame), LIMITS)


def on_the_wire(frame: OutFrame | None) -> Any:
    return frame and msgspec.json.decode(msgspec.json.encode(frame))


def test_every_frame_of_a_client_is_known_by_its_type() -> None:
    examples: list[dict[str, Any]] = [
        {"type": "auth", "token": "bdl-x"},
        {"type": "hello", "last": {"chatcmpl-1": 2**32 + 7}},
        {"type": "hello"},
        {"type": "chat_message", "content": "hi", "client_message_id": "c1", "params": {"temperature": 0}},
        {"type": "edit", "message_id": "m", "content": "hi"},
        {"type": "regenerate", "message_id": "m"},
        {"type": "continue", "message_id": "m"},
        {"type": "stop", "generation_id": "g"},
        {"type": "typing", "is_typing": False},
        {"type": "typing"},
        {"type": "ping"},
        {"type": "pong"},
    ]
    assert {frame["type"] for frame in examples} == set(IN_FRAMES)
    for frame in examples:
        assert type(parsed(**frame)) is IN_FRAMES[frame["type"]]


def test_no_parent_and_a_null_parent_are_not_the_same() -> None:
    below: ChatMessage = parsed(type="chat_message", content="x")
    root: ChatMessage = parsed(type="chat_message", content="x", parent_id=None)
    assert (below.is_below_head, root.is_below_head) == (True, False)


@pytest.mark.parametrize(
    ("frame", "param"),
    [
        ({"type": "chat_message"}, "content"),
        ({"type": "chat_message", "content": ""}, "content"),
        ({"type": "chat_message", "content": "a\x00b"}, "content"),
        ({"type": "chat_message", "content": "x", "parent_id": "m" * 65}, "parent_id"),
        ({"type": "chat_message", "content": "x", "client_message_id": "c" * 129}, "client_message_id"),
        ({"type": "chat_message", "content": "x", "params": {str(n): n for n in range(65)}}, "params"),
        ({"type": "chat_message", "content": "x", "surprise": 1}, "surprise"),
        ({"type": "edit", "content": "x"}, "message_id"),
        ({"type": "hello", "last": {"g": -1}}, "last.g"),
        ({"type": "hello", "last": {"g": 2**53 + 1}}, "last.g"),
        ({"type": "hello", "last": {"g": "1"}}, "last.g"),
        ({"type": "hello", "last": {f"g{n}": 1 for n in range(65)}}, "last"),
        ({"type": "typing", "is_typing": "yes"}, "is_typing"),
        ({"type": "stop", "generation_id": ""}, "generation_id"),
        ({"type": "auth", "token": "x" * 513}, "token"),
        ({"type": "nonsense"}, "type"),
        ({"type": 1}, "type"),
        ({}, "type"),
    ],
)
def test_a_field_out_of_bounds_is_named(frame: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_frame(json.dumps(frame), LIMITS)
    assert refused.value.param == param


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '{"type":NaN}', "[" * 100_000])
def test_what_is_no_object_is_malformed(text: str) -> None:
    with pytest.raises(MalformedBody):
        parse_frame(text, LIMITS)


def test_hello_names_nothing_by_default() -> None:
    hello: Hello = parsed(type="hello")
    assert hello.last == {}


def test_deltas_in_a_row_are_one_chunk_named_by_the_last() -> None:
    started = {"prefix": "p", "model": "m", "num_dropped_messages": 2, "message_id": "x"}
    events: list[Told] = [
        (1, "started", started),
        (2, "delta", {"text": "a"}),
        (3, "delta", {"text": "b"}),
        (2**32 + 3, "reset", {"text": "ab"}),
        (2**32 + 4, "delta", {"text": "c"}),
        (2**32 + 5, "finished", {"reason": "stop"}),
    ]
    ids = {"generation_id": "g", "message_id": "m"}
    assert answer_frames("g", "m", typed(events)) == [
        AiStart(**ids, seq=1, prefix="p", model="m", num_dropped_messages=2),
        AiChunk(**ids, seq=3, text="ab"),
        AiReset(**ids, seq=2**32 + 3, text="ab"),
        AiChunk(**ids, seq=2**32 + 4, text="c"),
    ]


def test_a_long_log_is_several_frames() -> None:
    events = [(number, "delta", {"text": "x"}) for number in range(1, 2 * MAX_CHUNK_EVENTS + 2)]
    frames = answer_frames("g", None, typed(events))
    assert [frame.seq for frame in frames if isinstance(frame, AiChunk)] == [2048, 4096, 4097]


def test_what_others_say_is_passed_on() -> None:
    typing = {"type": "typing", "user_id": OTHER, "username": "bob", "is_typing": True}
    assert on_the_wire(frame_of(typing, ME)) == typing
    assert frame_of({**typing, "user_id": ME}, ME) is None
    users = [{"user_id": OTHER, "username": "bob"}]
    assert on_the_wire(frame_of({"type": "presence", "users": users}, ME)) == {"type": "presence", "users": users}
    assert on_the_wire(frame_of({"type": GAP}, ME)) == {"type": "resync"}
    notice = {"type": "notification", "kind": "session.invited", "session_id": "s"}
    assert on_the_wire(frame_of(notice, ME)) == {
        "type": "notification",
        "kind": "session.invited",
        "data": {"session_id": "s"},
    }
    created = {"type": "message.created", "message": {"message_id": "m"}}
    assert on_the_wire(frame_of(created, ME)) == {"type": "message", "event": "created", "message": {"message_id": "m"}}
    for silent in ("generation.event", "auth.ended", "something.else"):
        assert frame_of({"type": silent}, ME) is None


def test_a_sessions_change_is_named_however_it_was_told() -> None:
    assert frame_of({"type": "session.changed", "session": {"session_id": "s"}}, ME) == SessionChange(
        event="changed", session_id="s", session={"session_id": "s"}
    )
    assert frame_of({"type": "session.deleted", "session_id": "s"}, ME) == SessionChange(
        event="deleted", session_id="s"
    )
    many = {"type": "session.changed_many", "session_ids": ["a", "b"], "is_deleted": False}
    assert frame_of(many, ME) == SessionChange(event="changed_many", session_ids=["a", "b"])
    assert frame_of({**many, "is_deleted": True}, ME) == SessionChange(event="deleted_many", session_ids=["a", "b"])


def test_progress_and_the_admins_news_have_their_frames() -> None:
    assert on_the_wire(progress_frame({"type": "generation.queued", "generation_id": "g", "position": 1})) == {
        "type": "queue",
        "generation_id": "g",
        "position": 1,
        "is_paused": False,
        "eta_s": None,
    }
    assert progress_frame({"type": "generation.other", "generation_id": "g"}) is None
    assert on_the_wire(admin_frame({"type": "pull.progress", "model": "m"})) == {
        "type": "notification",
        "kind": "admin.pull.progress",
        "data": {"model": "m"},
    }


def test_the_document_knows_every_frame_field_and_close_code() -> None:
    text = (Path(__file__).parents[3] / "docs" / "live.md").read_text("utf-8")
    _, said, heard = re.split(r"## What a client says|## What the server says", text)
    heard, _, closing = heard.partition("## Close codes")
    for kind, schema in IN_FRAMES.items():
        assert set(schema.model_fields) - {"type"} <= _fields_told(said, kind), kind
    for frame in _out_frames(OutFrame):
        kind = str(frame.__struct_config__.tag)
        fields = set(frame.__struct_fields__) - {"generation_id", "message_id"}
        assert fields <= _fields_told(heard, kind), kind
    for code in CloseCode:
        assert re.search(rf"^\|[^|]*\b{int(code)}\b", closing, re.MULTILINE), code


def _fields_told(text: str, kind: str) -> set[str]:
    row = re.search(rf"^\| `{kind}` \|([^|]*)\|", text, re.MULTILINE)
    assert row is not None, f"docs/live.md has no row for {kind}"
    return set(re.findall(r"`(\w+)`", row[1]))


def _out_frames(base: type[OutFrame]) -> list[type[OutFrame]]:
    """Those with a name of their own."""
    found: list[type[OutFrame]] = []
    for frame in base.__subclasses__():
        found += [frame] if frame.__struct_config__.tag != frame.__name__ else []
        found += _out_frames(frame)
    return found
