"""The chats that `scripts/bench --workload writer-stalls` forks, deletes and imports."""

import json
from pathlib import Path

import pytest

from bdchat.settings import StoreSettings
from bdchat.store.chats import sessions
from bdchat.store.sql.database import Database
from bdchat.store.transfer.reading import FoundChat
from benchmark.writer_stalls import CHATS_OF_AN_EXPORT, LARGE_CHARS, Texts, exported, made
from tests.store.transferable import read

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_texts_are_as_many_bytes_as_asked_and_some_are_large() -> None:
    sizes = [len(text.encode()) for text in Texts(1).of(60_000_000)]
    assert 60_000_000 <= sum(sizes) < 75_000_000
    assert sum(size >= min(LARGE_CHARS) for size in sizes) == 2 * len(LARGE_CHARS)
    assert list(Texts(1).of(500_000)) == list(Texts(1).of(500_000))


async def test_the_large_chat_is_there_and_the_others_is_empty(tmp_path: Path) -> None:
    owner, other = await made(tmp_path, Texts(1), 1)
    async with Database(StoreSettings(), tmp_path) as database:
        large = await database.read(lambda db: sessions.see(db, owner.user_id, owner.session_ids[0]).session)
        small = await database.read(lambda db: sessions.see(db, other.user_id, other.session_ids[0]).session)
    assert (large.num_messages > 15, small.num_messages) == (True, 0)


def test_the_export_is_good_chats_only() -> None:
    found = read(json.dumps(exported(Texts(1), 1)).encode())
    assert [type(each) for each in found] == [FoundChat] * CHATS_OF_AN_EXPORT
