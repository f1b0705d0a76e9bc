"""What a chat was told stays as it was; vectors are the truth of whichever index."""

import pytest
from sqlmodel import Session, select

from bdchat.store.document_tables import MessageSource
from bdchat.store.documents import documents, sources, vector_rows
from bdchat.store.documents.jobs import purges
from bdchat.store.errors import Conflict
from bdchat.store.sql.database import Database
from tests.store.accounting.test_books import books_of
from tests.store.chat_rows import make_user, talk
from tests.store.document_rows import read_file

pytestmark = pytest.mark.anyio


def source(document_id: str, number: int, text: str = "반품은 7일") -> MessageSource:
    return MessageSource(
        message_id="",
        number=number,
        document_id=document_id,
        passage_id=number,
        page=1,
        start=0,
        end=len(text),
        document_name="a.pdf",
        text=text,
        heading="환불",
    )


async def test_sources_outlive_their_file_unless_it_is_purged_by_its_owner(database: Database) -> None:
    user_id = await database.write(make_user)
    gone, kept = [(await read_file(database, user_id, text)).document_id for text in ("one", "two")]
    _, (asked, _) = await database.write(lambda db: talk(db, user_id, "언제까지?", "7일 [1]"))
    told = [source(kept, 2), source(gone, 1, "one\x00")]
    await database.write(lambda db: sources.put(db, asked, told))
    with pytest.raises(Conflict):
        await database.write(lambda db: sources.put(db, asked, [source(kept, 3)]))

    async def texts() -> list[tuple[int, str, str]]:
        rows = await database.read(lambda db: sources.of_message(db, asked))
        return [(row.number, row.text, row.document_name) for row in rows]

    before = [(1, "one\ufffd", "a.pdf"), (2, "반품은 7일", "a.pdf")]
    assert await texts() == before
    assert await database.read(lambda db: sources.counts(db, [asked, "x"])) == {asked: 2}

    def delete(db: Session) -> None:
        for document_id in (gone, kept):
            documents.delete(db, documents.get_owned(db, document_id, user_id))

    await database.write(delete)
    assert await purges.purge_document(database, kept, purges.is_deleted)
    assert await texts() == before
    assert await purges.purge_with_sources(database, gone)
    assert await texts() == [(1, "", "a.pdf"), before[1]]
    said, counted = await books_of(database)
    assert said == counted


async def test_a_passage_has_one_vector_of_one_embedder(database: Database) -> None:
    user_id = await database.write(make_user)
    first = await read_file(database, user_id, "하나", "둘")
    await read_file(database, user_id, "셋")

    async def missing(fingerprint: str, limit: int = 9) -> list[vector_rows.UnembeddedPassage]:
        return await database.read(lambda db: vector_rows.missing(db, fingerprint, limit))

    some = await missing("a")
    assert [(each.text, each.heading) for each in some] == [(text, "환불 > 기한") for text in ("하나", "둘", "셋")]
    assert len(await missing("a", limit=1)) == 1
    rows = [(each.passage_id, bytes([each.passage_id] * 4)) for each in some]
    await database.write(lambda db: vector_rows.put(db, "a", [*rows[:2], (999, b"gone")]))
    assert [each.text for each in await missing("a")] == ["셋"]
    await database.write(lambda db: vector_rows.put(db, "a", rows[2:]))
    assert await missing("a") == []
    ids = [each.passage_id for each in some]
    found = await database.read(lambda db: vector_rows.all_of(db, "a", ids[0], 9))
    assert [(each.passage_id, each.vector) for each in found] == rows[1:]
    await database.write(lambda db: vector_rows.put(db, "b", rows[:1]))
    assert [each.text for each in await missing("a")] == ["하나"]
    assert [await database.read(lambda db, name=name: vector_rows.count(db, name)) for name in ("a", "b")] == [2, 1]  # type: ignore[misc]
    said, counted = await books_of(database)
    assert said == counted
    await database.write(lambda db: documents.delete(db, documents.get_owned(db, first.document_id, user_id)))
    assert [each.passage_id for each in await database.read(lambda db: vector_rows.all_of(db, "a", 0, 9))] == ids[1:]
    assert await database.read(lambda db: list(db.exec(select(MessageSource)))) == []
