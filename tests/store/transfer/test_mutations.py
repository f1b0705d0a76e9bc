"""2,000 damaged exports: each chat's fault stays its own, and nothing but a Problem comes of any of them."""

import io
import json
import random
import zipfile

import pytest

from bdchat.store.transfer.chat import MAX_AT_MS, MAX_INTEGER, BadChat, Chat
from bdchat.store.transfer.mending import mended
from bdchat.store.transfer.reading import FoundChat, Problem
from bdchat.store.transfer.writing import PreparedChat, prepare
from tests.store.mutations import EXPORTS, NUM_CHATS, Value, damaged, with_a_changed_chat
from tests.store.transferable import read, zipped


def fit(chat: Chat) -> PreparedChat | None:
    """As rows; what no column of either dialect takes is in none of them."""
    try:
        prepared, rest = prepare(chat, "ann")
    except BadChat:
        return None
    assert len(prepared.source_id) <= 200
    slices = [prepared.first, *rest]
    rows = [row for some in slices for row in (*some.messages, *some.metadata)]
    for row in (prepared.session, *rows):
        for name, value in row.items():
            text = json.dumps(value, ensure_ascii=False)
            assert "\\u0000" not in text
            assert text.encode()  # no halves of pairs
            assert "NaN" not in text or isinstance(value, str | dict)
            most = MAX_AT_MS if name.endswith("at_ms") else MAX_INTEGER if name in {"token_count"} else (1 << 53) - 1
            assert not isinstance(value, int) or 0 <= value <= most, name
    return prepared


def chats_of(found: list[FoundChat | Problem]) -> list[Chat]:
    return [each.chat for each in found if isinstance(each, FoundChat)]


@pytest.mark.parametrize("seed", range(24))
def test_a_changed_chat_changes_no_other_and_has_its_line(seed: int) -> None:
    """50 of each: 1,200 files that are JSON still."""
    rng = random.Random(seed)
    for _ in range(50):
        whole, number, bad, data = with_a_changed_chat(rng)
        before = chats_of(read(whole))
        assert len(before) == NUM_CHATS
        found = read(zipped({"a.json": data, "b.json": data}) if seed % 4 == 0 else data)
        found = [each for each in found if each.file != "b.json"]
        others = found[:number] + found[len(found) - (NUM_CHATS - number - 1) :] if found else []
        lines = [each for each in found if isinstance(each, FoundChat) or each.title is not None]
        notes = [each for each in found if isinstance(each, Problem) and each.title is None]
        if notes:  # it is no chat any more: that is said in the end
            assert [(each.reason.code, each.reason.values) for each in notes] == [("other_entries", {"num": 1})], bad
            assert chats_of(found) == before[:number] + before[number + 1 :]
        else:
            assert len(lines) == NUM_CHATS, bad
            assert [each.chat for each in others if isinstance(each, FoundChat)] == (
                before[:number] + before[number + 1 :]
            )
        for each in found:
            assert not isinstance(each, Problem) or each.fault is None, bad
        for chat in chats_of(found):
            fit(chat)


@pytest.mark.parametrize("seed", range(16))
def test_a_damaged_file_gives_what_came_before_the_damage_and_says_where_it_ends(seed: int) -> None:
    """50 of each: 800 files of any bytes, JSON, lines of JSON or a ZIP."""
    rng = random.Random(1000 + seed)
    for _ in range(50):
        whole, chats = rng.choice(EXPORTS)(rng)
        parts = [json.dumps(chat, ensure_ascii=False).encode() for chat in chats]
        kind = rng.randrange(4)
        if kind == 0:
            data = zipped({f"{n}.json": json.dumps(whole).encode() for n in range(2)}, compression=zipfile.ZIP_DEFLATED)
        elif kind == 1:
            data = b"\n".join(parts)
        else:
            data = json.dumps(whole, ensure_ascii=kind == 2).encode()
        before = chats_of(read(data))
        bad, at = damaged(rng, data)
        found = read(bad)
        assert len(found) <= 3 * NUM_CHATS + 100
        assert found or not bad
        for chat in chats_of(found):
            fit(chat)
        assert all(each.fault is None for each in found if isinstance(each, Problem))
        if kind > 1:
            num_whole = _num_before(data, at, chats, ensure_ascii=kind == 2)
            assert chats_of(found)[:num_whole] == before[:num_whole]
            assert any(isinstance(each, Problem) for each in found) or json.loads(b"".join(mended(io.BytesIO(bad))))


def _num_before(data: bytes, at: int, chats: list[Value], *, ensure_ascii: bool) -> int:
    """How many chats end before that byte."""
    end = num = 0
    for chat in chats:
        part = json.dumps(chat, ensure_ascii=ensure_ascii).encode()
        end = data.index(part, end) + len(part)
        num += end < at
    return num


def test_any_bytes_at_all_are_read_to_an_end() -> None:
    rng = random.Random(7)
    for _ in range(200):
        data = rng.choice([b"[", b"{", b"PK\x03\x04"]) + rng.randbytes(rng.randrange(2000))
        assert all(isinstance(each, Problem) and each.is_failure for each in read(data))
