"""The archive that scripts/bench --workload store asks: it is a sound database, and holds what is searched for."""

from collections import Counter
from pathlib import Path

import pytest
from sqlmodel import Session, select

from bdchat.settings import StoreSettings
from bdchat.store.chats import messages, sessions
from bdchat.store.search.matching import SearchFilter
from bdchat.store.search.results import find
from bdchat.store.sql.database import Database
from bdchat.store.tables import ChatSession, Message
from benchmark.archive import MESSAGES_PER_SESSION, NUM_MADE_AGAIN, archive_in
from benchmark.corpus import SEARCHES, message

pytestmark = pytest.mark.anyio
NUM_SESSIONS = 8


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_an_archive_is_a_sound_database(tmp_path: Path) -> None:
    archive = await archive_in(StoreSettings(), tmp_path / "data", 1, num_sessions=NUM_SESSIONS)
    assert (len(archive.owner.session_ids), len(archive.newcomer.session_ids)) == (NUM_SESSIONS - 1, 1)

    def look(db: Session) -> None:
        assert len(db.exec(select(Message.message_id)).all()) == NUM_SESSIONS * MESSAGES_PER_SESSION
        for session_id in archive.owner.session_ids:
            session = db.get(ChatSession, session_id)
            assert session is not None
            path = messages.path(db, session_id, session.head_message_id, limit=200)
            assert len(path) == MESSAGES_PER_SESSION - NUM_MADE_AGAIN
            assert [len(entry.sibling_ids) for entry in path].count(2) == NUM_MADE_AGAIN
        assert len(sessions.recent(db, archive.owner.user_id, sessions.SessionFilter(), limit=50)) == NUM_SESSIONS - 1
        assert find(db, archive.owner.user_id, SEARCHES["환불"], SearchFilter(), limit=20).hits
        assert find(db, archive.owner.user_id, SEARCHES["rare English"], SearchFilter(), limit=20).hits

    async with Database(StoreSettings(), tmp_path / "data") as database:
        await database.read(look)
    assert await archive_in(StoreSettings(), tmp_path / "data", 1, num_sessions=NUM_SESSIONS) == archive


def test_every_other_text_is_korean_and_its_words_have_their_frequency() -> None:
    import random

    rng = random.Random(1)
    texts = [message(rng, number) for number in range(2000)]
    assert all(any("가" <= letter <= "힣" for letter in text) for text in texts[::2])
    found = Counter(word for text in texts for word in set(text.split()))
    assert 10 <= sum(count for word, count in found.items() if word.startswith("환불")) <= 40
    assert found["quokkaberry"] == 1
    assert 150 <= sum(map(len, texts)) / len(texts) <= 400
