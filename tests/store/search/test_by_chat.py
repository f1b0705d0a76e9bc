"""Chats with what was found in them: in which order, how many, page by page, on both databases."""

import random

import pytest
from sqlmodel import Session

from bdchat.store.ids import new_id
from bdchat.store.search.by_chat import ChatCursor, ChatHits, ChatPage, find_chats
from bdchat.store.search.matching import SearchFilter
from bdchat.store.search.results import find
from bdchat.store.sql.database import Database
from tests.store.searchable import add_message, add_session, add_user, share

pytestmark = pytest.mark.anyio


async def found(
    database: Database,
    user_id: str,
    typed: str,
    filters: SearchFilter | None = None,
    *,
    limit: int = 20,
    after: ChatCursor | None = None,
    window: int = 1000,
) -> ChatPage:
    asked = filters or SearchFilter()
    return await database.read(
        lambda db: find_chats(db, user_id, typed, asked, limit=limit, after=after, window=window)
    )


async def all_found(database: Database, user_id: str, typed: str, *, limit: int, window: int) -> list[ChatHits]:
    chats: list[ChatHits] = []
    after = None
    while True:
        page = await found(database, user_id, typed, limit=limit, after=after, window=window)
        assert len(page.chats) <= limit
        chats += page.chats
        after = page.end
        if after is None:
            return chats


def shape(chats: list[ChatHits]) -> list[tuple[str, int, list[str]]]:
    return [(chat.title.text, chat.num_matches, [hit.snippet.text for hit in chat.hits]) for chat in chats]


async def test_a_long_chat_hides_no_other_and_titles_come_first(database: Database) -> None:
    """A chat with more matches than a page has rows was all that a search showed; the one that is called so was not."""

    def write(db: Session) -> str:
        user_id = add_user(db, "me")
        named = add_session(db, user_id, "환불 규정 문의", at_ms=1)
        add_message(db, named, "환불은 7일", at_ms=2)
        short = add_session(db, user_id, "배송", at_ms=3)
        add_message(db, short, "환불도 되나요", at_ms=4)
        long = add_session(db, user_id, "긴 채팅", at_ms=5)
        for number in range(60):
            add_message(db, long, f"환불 {number}", at_ms=100 + number)
        return user_id

    user_id = await database.write(write)
    expected = [
        ("환불 규정 문의", 1, ["환불은 7일"]),
        ("긴 채팅", 60, ["환불 59", "환불 58"]),
        ("배송", 1, ["환불도 되나요"]),
    ]
    page = await found(database, user_id, "환불")
    assert shape(page.chats) == expected
    assert [chat.is_title_found for chat in page.chats] == [True, False, False]
    assert page.chats[0].title.highlights == ((0, 2),)
    assert not any(chat.has_more for chat in page.chats)
    assert page.end is None
    assert page.words == ["환불"]
    # Whatever is gathered at once; counted is then what was read.
    windowed = await all_found(database, user_id, "환불", limit=1, window=20)
    assert [chat.title.text for chat in windowed] == [title for title, _, _ in expected]
    assert [(chat.num_matches, chat.has_more) for chat in windowed] == [(1, False), (40, True), (1, False)]


async def test_words_may_stand_in_the_title_and_in_the_text(database: Database) -> None:
    def write(db: Session) -> str:
        user_id = add_user(db, "me")
        trip = add_session(db, user_id, "제주 여행")
        add_message(db, trip, "Jeju in May", at_ms=10)
        add_message(db, trip, "Busan in June", at_ms=11)
        other = add_session(db, user_id, "여행")
        add_message(db, other, "Jeju", at_ms=12)
        add_message(db, other, "제주 and Jeju", at_ms=13)
        return user_id

    user_id = await database.write(write)
    for typed in ("제주 Jeju", "Jeju 제주", "jeju 제주에서"):
        page = await database.read(lambda db, typed=typed: find(db, user_id, typed, SearchFilter(), limit=9))  # type: ignore[misc]
        assert [hit.snippet.text for hit in page.hits] == ["제주 and Jeju", "Jeju in May"], typed
        assert shape((await found(database, user_id, typed)).chats) == [
            ("여행", 1, ["제주 and Jeju"]),
            ("제주 여행", 1, ["Jeju in May"]),
        ]
    assert shape((await found(database, user_id, "제주 여행")).chats) == [
        ("제주 여행", 0, []),
        ("여행", 1, ["제주 and Jeju"]),
    ]
    neighbours = await found(database, user_id, '"제주 여행" jeju')  # a phrase of the title
    assert shape(neighbours.chats) == [("제주 여행", 1, ["Jeju in May"])]


async def test_filters_and_permission_hold_for_titles_too(database: Database) -> None:
    def write(db: Session) -> tuple[str, str]:
        me, friend, other = add_user(db, "me"), add_user(db, "friend"), add_user(db, "other")
        mine = add_session(db, me, "환불 나", at_ms=1000)
        add_message(db, mine, "환불 답", at_ms=2000, role="assistant")
        shared = add_session(db, friend, "환불 벗", at_ms=3000)
        share(db, shared, me)
        add_session(db, other, "환불 남", at_ms=4000)
        return me, other

    me, other = await database.write(write)

    async def titles(user_id: str, **filters: object) -> list[str]:
        page = await found(database, user_id, "환불", SearchFilter(**filters))  # type: ignore[arg-type]
        return [chat.title.text for chat in page.chats]

    assert await titles(me) == ["환불 벗", "환불 나"]
    assert await titles(other) == ["환불 남"]
    assert await titles(me, role="title") == ["환불 벗", "환불 나"]
    assert await titles(me, role="assistant") == ["환불 나"]
    assert await titles(me, role="user") == []
    assert await titles(me, folder="") == ["환불 나"]  # folders are the owner's own order
    assert await titles(me, is_archived=True) == []
    assert await titles(me, from_ms=3000) == ["환불 벗"]
    assert await titles(me, to_ms=2999) == ["환불 나"]
    assert await titles(me, from_ms=2000, to_ms=2000) == ["환불 나"]  # by its message


@pytest.mark.parametrize("seed", range(3))
async def test_pages_hold_every_chat_once_however_they_are_cut(database: Database, seed: int) -> None:
    """Against a naive model: titles by their time, then chats by their newest match; counts are whole or say not."""
    random_ = random.Random(seed)
    chats: list[tuple[str, list[str]]] = []
    newest: dict[str, int] = {}

    def write(db: Session) -> str:
        user_id = add_user(db, new_id())
        sessions = []
        for number in range(12):
            title = random_.choice(["", "환불", "제주 환불", "배송"]) + f" {number}"
            sessions.append((title, add_session(db, user_id, title, at_ms=1000 + number)))
        texts: dict[str, list[str]] = {title: [] for title, _ in sessions}
        for number in range(80):
            title, session_id = random_.choice(sessions[: random_.randrange(1, 13)])
            content = random_.choice(["환불 됨", "배송 중", "환불 배송"])
            add_message(db, session_id, content, at_ms=5000 + number)
            if "환불" in content:
                texts[title].append(content)
                newest[title] = number
        chats.extend(texts.items())
        return user_id

    user_id = await database.write(write)
    named = [title for title, _ in reversed(chats) if "환불" in title]
    others = sorted((title for title, texts in chats if texts and "환불" not in title), key=newest.__getitem__)
    expected = [*named, *reversed(others)]
    counts = {title.strip(): len(texts) for title, texts in chats}
    for limit, window in ((3, 1000), (2, 7), (5, 3), (50, 2)):
        pages = await all_found(database, user_id, "환불", limit=limit, window=window)
        assert [chat.title.text for chat in pages] == [title.strip() for title in expected], (limit, window)
        for chat in pages:
            at_least = chat.num_matches
            assert at_least == counts[chat.title.text] or (chat.has_more and 0 <= at_least < counts[chat.title.text])
            assert chat.is_title_found or chat.hits
            assert len(chat.hits) == min(at_least, 2)


async def test_particles_are_left_out_when_nothing_else_is_found(database: Database) -> None:
    def write(db: Session) -> str:
        user_id = add_user(db, "me")
        for number in range(3):
            add_message(db, add_session(db, user_id, f"{number}"), "환불", at_ms=number)
        return user_id

    user_id = await database.write(write)
    pages = await all_found(database, user_id, "환불이", limit=2, window=1000)
    assert [chat.title.text for chat in pages] == ["2", "1", "0"]
    assert (await found(database, user_id, "!!!")).chats == []


async def test_a_page_costs_the_same_statements_however_many_chats_are_on_it(database: Database) -> None:
    def write(db: Session) -> str:
        user_id = add_user(db, "me")
        for number in range(20):
            add_message(db, add_session(db, user_id, "환불" if number % 2 else ""), "환불", at_ms=number)
        return user_id

    user_id = await database.write(write)

    async def num_statements(limit: int) -> int:
        before = database.num_statements
        assert len((await found(database, user_id, "환불", limit=limit)).chats) == limit
        return database.num_statements - before

    # SQLite's BEGIN, titles, shared sessions, a window or what is in the chats, their texts, their rows
    assert await num_statements(15) == await num_statements(2) <= 6
