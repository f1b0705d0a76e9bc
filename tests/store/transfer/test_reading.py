"""Files of any kind and size, read chat by chat."""

import io
import json
import random
import tracemalloc
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from bdchat.store.transfer import archive, reading
from bdchat.store.transfer.json_items import MAX_STRING_BYTES, BrokenJSON, JSONItems, TooLarge
from bdchat.store.transfer.reading import FoundChat, Problem, looks_readable
from bdchat.store.transfer.reasons import because
from bdchat.store.transfer.tree import rebuild
from tests.store.transferable import (
    ample,
    as_document,
    conversation,
    node,
    only_chat,
    problems,
    random_session,
    read,
    zipped,
)

CHAT = conversation(node("u", None, "user", "hi"))


def items(data: bytes, *, max_item_bytes: int = 10**6) -> list[object]:
    return list(JSONItems(io.BytesIO(data), max_item_bytes=max_item_bytes))


# --- JSON -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_any_array_is_read_as_json_reads_it(seed: int) -> None:
    rng = random.Random(seed)
    letters = ["a", "\\", '"', "\n", "한", "🙂", "\u2028", "\ud7ff", "\\ud83d", "u", "\t", "/", "0"]

    def value(depth: int) -> object:
        kind = rng.randrange(6 if depth < 4 else 4)
        if kind == 4:
            return [value(depth + 1) for _ in range(rng.randrange(5))]
        if kind == 5:
            return {"".join(rng.choices(letters, k=2)): value(depth + 1) for _ in range(rng.randrange(5))}
        text = "".join(rng.choices(letters, k=rng.choice([0, 3, 200])))
        return [text, rng.choice([None, True, False]), rng.randrange(-(10**25), 10**25), rng.uniform(-9, 9)][kind]

    document = [value(0) for _ in range(rng.randrange(60))]
    for ascii_only in (True, False):
        data = json.dumps(document, ensure_ascii=ascii_only).encode()
        assert items(data) == json.loads(data)


def test_chats_lie_in_an_array_in_an_object_or_alone() -> None:
    assert items(b'[{"a":1},2]') == [{"a": 1}, 2]
    found = JSONItems(io.BytesIO(b'\xef\xbb\xbf {"v":1,"conversations":[{"a":1}],"z":[3]}'), max_item_bytes=999)
    assert list(found) == [{"a": 1}]
    assert found.header == {"v": 1, "z": [3]}
    assert items(b'{"a":{"b":[1]}}') == [{"a": {"b": [1]}}]


def test_what_yajl_would_refuse_is_mended() -> None:
    data = b'["\\ud800 \\udc00 \\ud83d\\ude42 \\\\ud800", "a\xff\xfeb", "line\nbreak\x01", "nul \\u0000", 1e999]'
    assert items(data) == [
        "\ufffd \ufffd 🙂 \\ud800",
        "a\ufffd\ufffdb",
        "line break ",
        "nul \ufffd",
        None,
    ]


def test_a_file_may_hold_a_value_a_line() -> None:
    assert items(b'{"a":1}\n{"b":[2]}\r\n\n[{"c":3},4]') == [{"a": 1}, {"b": [2]}, {"c": 3}, 4]


def test_a_path_of_messages_that_lie_in_each_other_is_not_too_deep() -> None:
    """LibreChat's export has a question in the answer before it: after fifty messages it was nested too deep."""
    nested: dict[str, Any] = {"messageId": "m", "isCreatedByUser": True, "text": "last", "children": []}
    for number in range(3000):
        held = {"messageId": str(number), "isCreatedByUser": number % 2 == 0, "text": "x", "children": [nested]}
        nested = held
    data = _written(nested).encode()
    chat = only_chat(b'{"conversationId":"c","title":"deep","messagesTree":[%s]}' % data).chat
    assert len(chat.messages) == 3001
    assert rebuild(chat, now_ms=1).num_branches == 1


def _written(message: dict[str, Any]) -> str:
    """Without recursion, as no JSON library writes it."""
    opened = []
    here = message
    while here["children"]:
        opened.append(json.dumps({**here, "children": []})[:-2])
        (here,) = here["children"]
    return "".join(opened) + json.dumps(here) + "]}" * len(opened)


@pytest.mark.parametrize("pad", range(24))
def test_escapes_and_characters_may_lie_across_chunks(pad: int) -> None:
    text = "x" * (65_536 - pad)
    expected = [text + "🙂한", "🙂"]
    for ascii_only in (True, False):
        assert items(json.dumps(expected, ensure_ascii=ascii_only).encode()) == expected
    assert items(b'["' + text.encode() + b'\\ud83d\\ude42\\ud800"]') == [text + "🙂\ufffd"]


@pytest.mark.parametrize("data", [b"", b"  ", b"[1", b'{"a"', b"nonsense", b"[1]]", b"3", b"[nan]"])
def test_what_is_no_json_breaks_off_after_what_was_good(data: bytes) -> None:
    with pytest.raises(BrokenJSON):
        items(data)
    assert all(problem.is_failure for problem in problems(data))


def test_a_value_that_is_too_large_or_too_deep_is_passed_over_alone() -> None:
    large = json.dumps({"title": "big", "x": ["y" * 1000] * 100})
    deep = '{"title":"deep","x":' + "[" * 200 + "]" * 200 + "}"
    found = items(f'[{large}, {{"a":1}}, {deep}, 2]'.encode(), max_item_bytes=20_000)
    assert found == [
        TooLarge("big", because("too_large")),
        {"a": 1},
        TooLarge("deep", because("too_deep", num=100)),
        2,
    ]
    assert items(large.encode(), max_item_bytes=20_000) == [TooLarge("big", because("too_large"))]


def test_a_string_without_end_is_cut_and_the_file_goes_on() -> None:
    data = b'[{"image":"' + b'a\\"' * MAX_STRING_BYTES + b'","b":1}, 2]'
    cut, after = items(data, max_item_bytes=10**9)
    assert isinstance(cut, dict)
    assert (cut["b"], after) == (1, 2)
    assert MAX_STRING_BYTES / 3 < len(cut["image"]) < 2 * MAX_STRING_BYTES


def test_an_object_of_many_values_is_bounded_as_one_value_is() -> None:
    """A chat alone in its file, or what lies beside an array of chats, was kept whatever it weighed: a GiB."""
    texts = ",".join(f'"{n}":"{"x" * 1000}"' for n in range(40))
    alone = f'{{"title":"big",{texts}}}'.encode()
    assert items(alone, max_item_bytes=20_000) == [TooLarge("big", because("too_large"))]
    found = JSONItems(io.BytesIO(f'{{"a":1,{texts},"chats":[2],{texts}}}'.encode()), max_item_bytes=20_000)
    assert list(found) == [2]
    assert len(json.dumps(found.header)) < 20_000


def test_nesting_without_end_is_not_followed() -> None:
    """The parser keeps a byte for each level: a GiB of brackets was a GiB of memory."""
    with pytest.raises(BrokenJSON, match="1000000 levels"):
        items(b"[" * 2_000_000)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b'{"title":%s,"mapping":{}}' % json.dumps("b " * 5_000_000).encode(), id="title"),
        pytest.param(b'{"title":"b","mapping":{"a":{"message":{"weight":%s}}}}' % (b"9" * 10**6), id="digits"),
        pytest.param(b'{"title":"b","mapping":{"a":{"message":{"weight":1e%s}}}}' % (b"9" * 30), id="exponent"),
        pytest.param(b'{"title":"b","mapping":{"a":NaN}}', id="nan"),
        pytest.param(b'{"title":"b","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="deep"),
        pytest.param(
            b'{"title":%s,"x":[%s]}' % (json.dumps("b " * 5_000_000).encode(), b"0," * 10**6 + b"0"), id="title+large"
        ),
    ],
)
def test_a_bad_value_is_its_own_chats_fault(value: bytes) -> None:
    good = json.dumps(CHAT).encode()
    first, bad, last = read(b"[%s,%s,%s]" % (good, value, good))
    assert isinstance(bad, Problem)
    assert bad.title is not None
    assert bad.title.startswith("b")
    assert isinstance(first, FoundChat)
    assert isinstance(last, FoundChat)


def test_code_of_nothing_but_ticks_is_fenced_at_once() -> None:
    """The fence grew by one tick and was looked for anew, a million times: a message of 8 MiB was a day's work."""
    content = {"content_type": "code", "text": "`" * 10**6}
    (message,) = only_chat(conversation(node("a", None, "assistant", content))).chat.messages
    assert message.content is not None
    assert message.content.startswith("`" * (10**6 + 1) + "\n")


def test_numbers_that_no_column_takes_are_refused_or_left_out() -> None:
    session = random_session(random.Random(4))
    message = {**session["messages"][0], "metadata": None}
    for name, value in {"token_count": 1 << 40, "processing_time_ms": 1 << 31}.items():
        (problem,) = problems(as_document({**session, "messages": [message | {name: value}]}))
        assert (problem.reason.code, problem.reason.values["field"]) == ("malformed", f"messages[0].{name}")
    (problem,) = problems(as_document({name: value for name, value in session.items() if name != "created_at_ms"}))
    assert (problem.reason.code, problem.reason.values["field"]) == ("malformed", "session")
    said = {"role": "assistant", "content": "hi", "usage": {"completion_tokens": 1 << 40}}
    assert only_chat([{"chat": {"messages": [said]}}]).chat.messages[0].token_count is None
    long = {**session, "source_id": "chatgpt:" + "x" * 190, "messages": []}
    assert only_chat(as_document(long)).chat.origin == "bdchat:theirs"


class Export(io.BytesIO):
    """ChatGPT's, of `num_chats` conversations, made while it is read; counts how far."""

    def __init__(self, num_chats: int) -> None:
        super().__init__()
        self._num_chats = num_chats
        self._parts: Iterator[bytes] = iter(())
        self._rest = b""
        self.num_read_bytes = 0

    def read(self, num_bytes: int | None = -1, /) -> bytes:
        assert num_bytes is not None
        while len(self._rest) < num_bytes:
            part = next(self._parts, b"")
            if not part:
                break
            self._rest += part
        data, self._rest = self._rest[:num_bytes], self._rest[num_bytes:]
        self.num_read_bytes += len(data)
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        assert offset == whence == 0
        self._parts = self._made(self._num_chats)
        self._rest = b""
        self.num_read_bytes = 0
        return 0

    def _made(self, num_chats: int) -> Iterator[bytes]:
        chat = json.dumps(conversation(*(node(f"n{n}", f"n{n - 1}", "user", "글" * 200) for n in range(40)))).encode()
        yield b"["
        for number in range(num_chats):
            yield (b"," if number else b" ") + chat
        yield b"]"


def test_a_large_file_costs_the_memory_of_one_chat() -> None:
    source = Export(150)
    first = next(reading.read_chats(Export(150), ample(0)))
    assert isinstance(first, FoundChat)
    tracemalloc.start()
    try:
        num_chats = sum(isinstance(found, FoundChat) for found in reading.read_chats(source, ample(0)))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert num_chats == 150
    assert source.num_read_bytes > 8_000_000
    assert peak_bytes < 2_000_000


# --- ZIP --------------------------------------------------------------------------------------------------------------


def test_every_json_file_of_a_zip_is_read_and_named() -> None:
    data = zipped(
        {
            "chat.html": b"<html>",
            "conversations-000.json": json.dumps([CHAT]).encode(),
            "../../etc/conversations-001.json": json.dumps([{**CHAT, "title": "second"}, 5]).encode(),
            "user.json": b'{"id":"u"}',
        }
    )
    found = read(data)
    assert [(each.file, each.chat.title) for each in found if isinstance(each, FoundChat)] == [
        ("conversations-000.json", "환불"),
        ("conversations-001.json", "second"),
    ]
    assert [each for each in found if isinstance(each, Problem)] == [
        Problem(because("other_entries", num=1), "conversations-001.json", is_failure=False),
        Problem(because("no_chats"), "user.json", is_failure=False),
    ]


def test_a_broken_file_in_a_zip_does_not_take_the_others_with_it() -> None:
    found = read(zipped({"a.json": b"[1,", "b.json": json.dumps([CHAT]).encode()}))
    assert [type(each) for each in found] == [Problem, FoundChat]


def test_a_bomb_is_stopped_while_it_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped({"a.json": b"[" + b" " * 50_000_000 + b"]"})
    assert len(bomb) < 100_000
    (problem,) = problems(bomb)
    assert str(problem.reason) == "A file in the ZIP unpacks to more than 200 times its size."
    many = zipped({f"{n}.json": json.dumps([CHAT] * 50).encode() for n in range(20)})
    reasons = [str(each.reason) for each in read(many, max_bytes=20_000) if isinstance(each, Problem)]
    assert reasons == ["The ZIP unpacks to more than an import may hold."]
    monkeypatch.setattr(archive, "MAX_FILES", 3)
    (problem,) = problems(zipped({f"{n}.json": b"[]" for n in range(4)}))
    assert "more than 3 files" in str(problem.reason)


def test_a_list_of_files_that_would_fill_the_memory_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped({"a.json": b"[]"})
    at = data.rfind(b"PK\x05\x06")
    claims = data[:at] + data[at : at + 12] + (1 << 30).to_bytes(4, "little") + data[at + 16 :]
    giant = data[:at] + b"PK\x06\x07" + bytes(16) + data[at:]
    monkeypatch.setattr(archive.zipfile, "ZipFile", None)  # type: ignore[attr-defined]
    for bad in (claims, giant):
        (problem,) = problems(bad)
        assert "ZIP holds more than" in str(problem.reason)


def test_zips_that_cannot_be_read_say_why() -> None:
    good = zipped({"a.json": json.dumps([CHAT]).encode()})
    encrypted = bytearray(good)
    encrypted[6] |= 1
    encrypted[good.rfind(b"PK\x01\x02") + 8] |= 1
    damaged = bytearray(good)
    damaged[60:80] = bytes(20)
    reasons = {
        "encrypted": bytes(encrypted),
        "damaged": bytes(damaged),
        "packed in a way": zipped({"a.json": b"[]"}, compression=zipfile.ZIP_LZMA),
        "no JSON files": zipped({"a.txt": b"[]"}),
    }
    for reason, data in reasons.items():
        assert reason in str(problems(data)[-1].reason)
    assert "damaged" in str(problems(good[:50])[-1].reason)


def test_only_json_and_zips_look_readable() -> None:
    assert all(looks_readable(io.BytesIO(data)) for data in (b" [1]", b"\xef\xbb\xbf{", zipped({})))
    assert not any(looks_readable(io.BytesIO(data)) for data in (b"", b"  ", b"<html>", b"PK", b"\x1f\x8b[", b"{"[:0]))


# --- formats are told by what they look like --------------------------------------------------------------------------


def test_each_format_is_recognised() -> None:
    assert only_chat([CHAT]).chat.origin == "chatgpt:c1"
    assert only_chat(CHAT).chat.origin == "chatgpt:c1"
    assert (
        only_chat([{"id": "7", "chat": {"messages": [{"role": "user", "content": "hi"}]}}]).chat.origin == "openwebui:7"
    )
    session = {**random_session(random.Random(1)), "session_id": "s1"}
    assert only_chat(as_document(session)).chat.origin == "bdchat:s1"


def test_odd_ids_become_hashes_and_none_is_none() -> None:
    assert len(only_chat({**CHAT, "conversation_id": "ü" * 500}).chat.origin) == len("chatgpt:") + 64
    assert only_chat({**CHAT, "conversation_id": None}).chat.origin == "chatgpt:"


def test_a_document_must_say_its_version_and_keep_to_its_fields() -> None:
    session = random_session(random.Random(2))
    good = json.loads(as_document(session))
    assert (
        str(problems({**good, "bdchat_export": 2})[0].reason) == "It was not written as version 1 of bdchat's format."
    )
    assert str(problems([session])[0].reason) == "It was not written as version 1 of bdchat's format."
    for change, path in (
        ({"is_pinned": 1}, "is_pinned"),
        ({"surprise": 1}, "surprise"),
        ({"created_at_ms": 1 << 60}, "created_at_ms"),
        ({"messages": [{**session["messages"][0], "role": "king"}]}, "messages[0].role"),
    ):
        (problem,) = problems(as_document({**session, **change}))
        assert path in str(problem.reason)
        assert problem.title == session["title"]


def test_a_message_that_is_too_long_fails_its_chat_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdchat.store.transfer.chat.MAX_MESSAGE_BYTES", 100)
    long = conversation(node("u", None, "user", "한" * 34), title="long")
    first, second = read([long, CHAT])
    assert first == Problem(because("message_too_large", num_bytes=100), "", title="long")
    assert isinstance(second, FoundChat)
