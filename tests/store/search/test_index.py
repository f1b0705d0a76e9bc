"""What is found, by whom, in which order, on both databases."""

import random
import unicodedata

import pytest
from sqlalchemy import text
from sqlmodel import Session

from bdchat.store.ids import new_id
from bdchat.store.search import index as search
from bdchat.store.search.indexing import Indexer
from bdchat.store.search.matching import SearchFilter
from bdchat.store.search.results import Page, find
from bdchat.store.sql.database import Database
from bdchat.store.tables import ChatSession, Message
from tests.store.searchable import add_message, add_session, add_user, share

pytestmark = pytest.mark.anyio


async def found(
    database: Database, user_id: str, typed: str, filters: SearchFilter | None = None, limit: int = 50
) -> Page:
    return await database.read(lambda db: find(db, user_id, typed, filters or SearchFilter(), limit=limit))


async def contents(database: Database, user_id: str, typed: str, filters: SearchFilter | None = None) -> list[str]:
    return [hit.snippet.text for hit in (await found(database, user_id, typed, filters)).hits]


async def written(database: Database, *texts: str) -> str:
    """Somebody with one session of these messages, each a second after the other; his id."""

    def write(db: Session) -> str:
        user_id = add_user(db, new_id())
        session_id = add_session(db, user_id)
        for number, content in enumerate(texts):
            add_message(db, session_id, content, at_ms=1_000_000 + number * 1000)
        return user_id

    return await database.write(write)


FOUND = {
    "환불": {0, 1, 2},
    "환불은": {0, 1, 2},
    "환불이": {0, 1, 2},  # 이 may belong to the noun: left out when nothing else is found
    "환": {0, 1, 2},
    "불": {0, 1, 2},
    "전": {3},
    "모델 서버": {3},
    "모델서버": set[int](),
    "refund 환불": {2},
    "REF 환불": set[int](),  # only the last word may be a beginning
    "환불 ref": {2},
    '"환불 정책"': {1},
    '"정책 환불"': set[int](),
    "gpu서버": {4},
    unicodedata.normalize("NFD", "환불"): {0, 1, 2},
    "cafe": {5},
    "東京": {6},
    "京タワ": {6},
    "!!!": set[int](),
}


async def test_words_are_found(database: Database) -> None:
    texts = [
        unicodedata.normalize("NFD", "환불은 언제 되나요"),
        "우리 환불 정책을 보세요",
        "Refund, 곧 환불",
        "모델을 올린 서버 전",
        "GPU서버를 삽니다",
        "Un Café noir",
        "東京タワーに行く",
    ]
    user_id = await written(database, *texts)
    for typed, numbers in FOUND.items():
        expected = [texts[number] for number in sorted(numbers, reverse=True)]
        assert await contents(database, user_id, typed) == expected, typed


async def test_a_user_finds_his_own_and_what_is_shared_with_him(database: Database) -> None:
    def write(db: Session) -> tuple[str, str, str]:
        mine, other, friend = add_user(db, "me"), add_user(db, "other"), add_user(db, "friend")
        add_message(db, add_session(db, mine, "환불 제목"), "환불 나", at_ms=1)
        add_message(db, add_session(db, other), "환불 남", at_ms=2)
        shared = add_session(db, friend)
        add_message(db, shared, "환불 벗", at_ms=3)
        share(db, shared, mine)
        gone = add_session(db, mine, "환불 지움", at_ms=9)
        add_message(db, gone, "환불 지움", at_ms=9)
        db.execute(text("UPDATE chat_session SET deleted_at_ms = 1 WHERE session_id = :id"), {"id": gone})
        return mine, other, shared

    mine, other, shared = await database.write(write)
    page = await found(database, mine, "환불")
    assert [(hit.snippet.text, hit.is_shared) for hit in page.hits] == [
        ("환불 제목", False),
        ("환불 벗", True),
        ("환불 나", False),
    ]
    assert await contents(database, other, "환불") == ["환불 남"]
    assert await contents(database, other, "환불", SearchFilter(session_id=shared)) == []
    assert await contents(database, mine, mine) == []  # marks are no words


async def test_filters_narrow(database: Database) -> None:
    def write(db: Session) -> tuple[str, str]:
        user_id = add_user(db, "me")
        one, two = add_session(db, user_id, "환불 하나"), add_session(db, user_id)
        add_message(db, one, "환불 질문", at_ms=2000)
        add_message(db, two, "환불 답", at_ms=3000, role="assistant")
        db.execute(
            text("UPDATE chat_session SET folder = '일', is_archived = true WHERE session_id = :id"), {"id": two}
        )
        return user_id, one

    user_id, one = await database.write(write)
    title, question, answer = "환불 하나", "환불 질문", "환불 답"
    for filters, expected in (
        (SearchFilter(), [answer, question, title]),
        (SearchFilter(role="assistant"), [answer]),
        (SearchFilter(role="title"), [title]),
        (SearchFilter(session_id=one), [question, title]),
        (SearchFilter(folder="일"), [answer]),
        (SearchFilter(folder=""), [question, title]),
        (SearchFilter(is_archived=True), [answer]),
        (SearchFilter(is_archived=False), [question, title]),
        (SearchFilter(from_ms=2000), [answer, question]),
        (SearchFilter(from_ms=2000, to_ms=2000), [question]),
        (SearchFilter(to_ms=1999), [title]),
    ):
        assert await contents(database, user_id, "환불", filters) == expected, filters


async def test_pages_hold_everything_once_newest_first(database: Database) -> None:
    def write(db: Session) -> tuple[str, list[str]]:
        user_id = add_user(db, "me")
        session_id = add_session(db, user_id)
        times = [random.Random(7).choice([10, 20, 30]) for _ in range(45)]  # many in the same millisecond
        messages = [
            Message(message_id=new_id(), session_id=session_id, role="user", content=f"환불 {n}", created_at_ms=at_ms)
            for n, at_ms in enumerate(times)
        ]
        db.add_all(messages)
        db.flush()
        entries = [search.entry(m.session_id, m.message_id, m.role, m.content, m.created_at_ms) for m in messages]
        search.put_new(db, user_id, entries)
        return user_id, [message.message_id for message in messages]

    user_id, message_ids = await database.write(write)
    hits, end = [], None
    while True:
        page = await database.read(lambda db, end=end: find(db, user_id, "환불이", SearchFilter(), limit=7, after=end))  # type: ignore[misc]
        hits += page.hits
        end = page.end
        if end is None:
            break
    assert sorted(hit.message_id or "" for hit in hits) == sorted(message_ids)
    assert [hit.at_ms for hit in hits] == sorted((hit.at_ms for hit in hits), reverse=True)


async def test_the_index_follows_every_change(database: Database) -> None:
    def write(db: Session) -> tuple[str, str, str]:
        user_id = add_user(db, "me")
        session_id = add_session(db, user_id, "옛 제목")
        return user_id, session_id, add_message(db, session_id, "처음 답", status="running")

    user_id, session_id, message_id = await database.write(write)
    assert await contents(database, user_id, "처음") == []

    def finish(db: Session) -> None:
        message = db.get(Message, message_id)
        session = db.get(ChatSession, session_id)
        assert message is not None
        assert session is not None
        message.status, message.content, session.title = "complete", "처음 답과 그 다음", "새 제목"
        search.index_message(db, message)
        search.index_message(db, message)
        search.index_title(db, session)

    await database.write(finish)
    assert await contents(database, user_id, "처음") == ["처음 답과 그 다음"]
    assert await contents(database, user_id, "다음") == ["처음 답과 그 다음"]
    assert await contents(database, user_id, "제목") == ["새 제목"]
    await database.write(lambda db: db.execute(text("DELETE FROM message")))
    assert await contents(database, user_id, "처음") == []
    await database.write(lambda db: db.execute(text("DELETE FROM chat_session")))  # a purge; the rows cascade
    left = await database.read(lambda db: db.execute(text("SELECT count(*) FROM search_entry")).scalar())
    assert left == 0
    if database.dialect == "sqlite":
        await database.write(
            lambda db: db.execute(text("INSERT INTO search_index(search_index) VALUES ('integrity-check')"))
        )


async def test_huge_and_odd_texts_can_be_indexed(database: Database) -> None:
    random_ = random.Random(1)
    words = " ".join(f"{random_.getrandbits(64):x}" for _ in range(80_000))  # more terms than PostgreSQL takes
    pairs = "".join(chr(random_.randrange(0xAC00, 0xD7A4)) for _ in range(200_000))
    user_id = await written(
        database, f"환불 {words}", f"환불 {pairs}", "환불 " + "x" * 1_000_000, "환불 \ufffd\U0010ffff"
    )
    await Indexer(database).index_all()
    assert len((await found(database, user_id, "환불")).hits) == 4


async def test_a_page_costs_the_same_statements_however_long_it_is(database: Database) -> None:
    user_id = await written(database, *(f"환불 {n}" for n in range(30)))

    async def num_statements(limit: int) -> int:
        before = database.num_statements
        assert len((await found(database, user_id, "환불", limit=limit)).hits) == limit
        return database.num_statements - before

    assert await num_statements(20) == await num_statements(1) <= 3  # SQLite's BEGIN, shared sessions, the page


@pytest.mark.parametrize("seed", range(2))
async def test_search_agrees_with_reading_everything(database: Database, seed: int) -> None:
    """Against a naive model: every text that has the pair of syllables in it, and no other."""
    random_ = random.Random(seed)
    texts = [
        " ".join("".join(random_.choice("가나다라") for _ in range(random_.randrange(1, 5))) for _ in range(4))
        for _ in range(40)
    ]
    user_id = await written(database, *texts)
    for typed in ("가나", "나다라", "라라", "가"):
        expected = [each for each in reversed(texts) if typed in each]
        assert await contents(database, user_id, typed) == expected, typed
