"""A page is there whole, once, with its passages; written again it is replaced."""

from array import array

import pytest
from sqlmodel import Session, col, select

from bdchat.store.accounting import books
from bdchat.store.accounts import users
from bdchat.store.document_tables import Document, Passage
from bdchat.store.documents import pages, reading_state, scope
from bdchat.store.documents.terms import COUNT_BITS, CountedTerms, asked_numbers, counted
from bdchat.store.errors import NotFound, QuotaExceeded
from bdchat.store.sql.database import Database
from tests.store.accounting.test_books import books_of
from tests.store.chat_rows import make_user
from tests.store.document_rows import SERVER, page_of, put_file, read_file, take

pytestmark = pytest.mark.anyio


async def being_read(database: Database) -> tuple[str, str]:
    user_id = await database.write(make_user)
    document = await put_file(database, user_id)
    assert await database.write(take) is not None
    return user_id, document.document_id


def found(db: Session, word: str) -> list[int]:
    """passage_ids in whose terms it is."""
    asked = asked_numbers(word)
    rows = db.exec(select(Passage).order_by(col(Passage.passage_id)))
    return [row.passage_id or 0 for row in rows if {each >> COUNT_BITS for each in array("I", row.terms)} >= {*asked}]


async def test_a_page_is_read_back_with_its_boxes_and_passages(database: Database) -> None:
    user_id, document_id = await being_read(database)
    page, drafts = page_of(1, "반품은 7일 안에", "Refunds take a week\x00")
    await pages.put(database, document_id, SERVER, page, drafts)
    all_of_it = await database.read(lambda db: scope.of(db, user_id))
    row = await database.read(lambda db: pages.get(db, document_id, 1, all_of_it))
    assert row.text == page.text.replace("\x00", "\ufffd")
    assert row.boxes == [[b.start, b.end, b.left, b.top, b.right, b.bottom] for b in page.boxes]
    assert row.blocks == [["paragraph", b.start, b.end, 0] for b in page.blocks]
    (passage_id,) = await database.read(lambda db: found(db, "반품"))
    passage, on = await database.read(lambda db: pages.get_passage(db, document_id, passage_id, all_of_it))
    assert on.text[passage.start : passage.end] == "반품은 7일 안에"
    assert CountedTerms(passage.num_terms, passage.terms) == counted("반품은 7일 안에", "환불 > 기한")
    for wrong in (0, 2):
        with pytest.raises(NotFound):
            await database.read(lambda db, wrong=wrong: pages.get(db, document_id, wrong, all_of_it))  # type: ignore[misc]
    stranger = await database.write(lambda db: make_user(db, "eve"))
    nothing = await database.read(lambda db: scope.of(db, stranger))
    assert nothing.document_ids == ()
    with pytest.raises(NotFound):
        await database.read(lambda db: pages.get(db, document_id, 1, nothing))
    with pytest.raises(NotFound):
        await database.read(lambda db: pages.get_passage(db, document_id, passage_id, nothing))


async def test_a_page_that_is_written_again_is_replaced(database: Database) -> None:
    _, document_id = await being_read(database)
    for words in (("alpha", "beta"), ("gamma",)):
        for number in (1, 2):
            await pages.put(database, document_id, SERVER, *page_of(number, *words))
    document = await database.read(lambda db: db.get(Document, document_id))
    assert document is not None
    assert (document.num_passages, document.num_tokens, document.num_pages_read) == (2, 14, 2)
    assert await database.read(lambda db: found(db, "alpha")) == []
    ids = await database.read(lambda db: found(db, "gamma"))
    assert len(ids) == 2
    assert min(ids) > 4  # a number never comes again
    said, summed = await books_of(database)
    assert said == summed


async def test_who_has_lost_a_file_writes_no_page(database: Database) -> None:
    _, document_id = await being_read(database)
    await database.write(lambda db: reading_state.release(db, None))
    with pytest.raises(NotFound):
        await pages.put(database, document_id, SERVER, *page_of(1, "late"))
    assert await database.read(lambda db: list(db.exec(select(Passage)))) == []


async def test_a_page_beyond_the_quota_is_refused_as_a_whole(database: Database) -> None:
    user_id, document_id = await being_read(database)
    await database.write(lambda db: users.change(db, user_id, quota_bytes=10 * books.ROW_BYTES))
    with pytest.raises(QuotaExceeded):
        await pages.put(database, document_id, SERVER, *page_of(1, *("긴 글 " * 100,) * 9))
    assert await database.read(lambda db: list(db.exec(select(Passage)))) == []


async def test_a_shorter_reading_leaves_nothing_of_a_longer_one(database: Database) -> None:
    user_id = await database.write(make_user)
    document = await read_file(database, user_id, "one", "two", "three")
    document_id = document.document_id
    await database.write(lambda db: reading_state.remove_pages(db, document_id, after=1))
    left = await database.read(lambda db: db.get(Document, document_id))
    assert left is not None
    assert (left.num_passages, left.num_tokens) == (1, 7)
    assert await database.read(lambda db: found(db, "three")) == []
