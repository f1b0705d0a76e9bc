"""Files come in whole or not at all, are their owner's, and go for good with all that hangs on them."""

import hashlib
from collections.abc import AsyncIterator

import pytest
from sqlmodel import Session, SQLModel, col, func, select

from bdchat.settings import AuthSettings, GenerationSettings, StoreSettings
from bdchat.store import document_tables as tables
from bdchat.store import retention
from bdchat.store.accounting import books
from bdchat.store.accounts import users
from bdchat.store.documents import documents, reading_state
from bdchat.store.documents.documents import DISCARDED_AT_MS, PART_BYTES, DocumentFilter
from bdchat.store.documents.jobs import purges
from bdchat.store.documents.jobs.uploads import upload
from bdchat.store.errors import Conflict, NotFound, QuotaExceeded
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from tests.store.accounting.test_books import books_of
from tests.store.chat_rows import make_user
from tests.store.document_rows import SERVER, chunks_of, put_file, read_file, take

pytestmark = pytest.mark.anyio
HANGING: tuple[type[SQLModel], ...] = (
    tables.Document,
    tables.DocumentPart,
    tables.DocumentPage,
    tables.Passage,
    tables.PassageVector,
)


def num_rows(db: Session, *kinds: type[SQLModel]) -> int:
    return sum(db.exec(select(func.count()).select_from(kind)).one() for kind in kinds)


async def test_a_file_comes_out_as_it_went_in(database: Database) -> None:
    user_id = await database.write(make_user)
    data = bytes(range(256)) * 10_000  # three parts, the last one short
    document = await put_file(database, user_id, data, "보고서.pdf")
    assert (document.name, document.status, document.num_bytes) == ("보고서.pdf", "waiting", len(data))
    assert document.sha256 == hashlib.sha256(data).hexdigest()
    parts = [part async for part in documents.open_parts(database, document.document_id)]
    assert [len(part) for part in parts] == [PART_BYTES, PART_BYTES, len(data) - 2 * PART_BYTES]
    assert b"".join(parts) == data
    said, counted = await books_of(database)
    assert said == counted
    assert said[user_id] > len(data)


async def test_the_same_bytes_twice_are_one_file_of_an_account(database: Database) -> None:
    ada, bob = [await database.write(lambda db, name=name: make_user(db, name)) for name in ("ada", "bob")]  # type: ignore[misc]
    first = await put_file(database, ada, b"same")
    again, is_new = await upload(database, ada, "other name.txt", chunks_of(b"same"))
    assert (again.document_id, is_new) == (first.document_id, False)
    assert (await put_file(database, bob, b"same")).document_id != first.document_id
    assert await database.read(lambda db: num_rows(db, *HANGING)) == 4  # of each a row and a part
    await database.write(lambda db: documents.delete(db, documents.get_owned(db, first.document_id, ada)))
    newer = await put_file(database, ada, b"same")
    assert newer.document_id != first.document_id
    with pytest.raises(Conflict):
        await database.write(
            lambda db: documents.restore(db, documents.get_owned(db, first.document_id, ada, is_deleted=True))
        )


async def test_an_upload_that_ends_early_leaves_nothing(database: Database) -> None:
    """Neither when its sender goes away, nor when the account has no room left."""
    user_id = await database.write(make_user)

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(2 * PART_BYTES)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await upload(database, user_id, "a", broken())
    assert await database.read(lambda db: num_rows(db, *HANGING)) == 0
    await database.write(lambda db: users.change(db, user_id, quota_bytes=PART_BYTES + 10_000))
    with pytest.raises(QuotaExceeded):
        await upload(database, user_id, "a", chunks_of(bytes(2 * PART_BYTES)))
    assert await database.read(lambda db: num_rows(db, *HANGING)) == 0
    with pytest.raises(Conflict) as refused:
        await upload(database, user_id, "a", chunks_of(b""), most=0)
    assert refused.value.code == "too_many_documents"


async def test_what_a_dead_process_left_is_swept_and_never_seen(database: Database) -> None:
    user_id = await database.write(make_user)
    left = await database.write(lambda db: documents.create(db, user_id, "half"))
    await database.write(lambda db: documents.append_part(db, left.document_id, user_id, 0, b"x"))
    assert await database.read(lambda db: documents.listing(db, user_id, DocumentFilter(), limit=9)) == ([], False)
    assert await database.write(take) is None
    with pytest.raises(NotFound):
        await database.read(lambda db: documents.get(db, left.document_id, user_id))
    assert await database.write(lambda db: reading_state.drop_uploads(db, before_ms=now_ms() - 60_000)) == 0
    assert await database.write(lambda db: reading_state.drop_uploads(db, before_ms=now_ms() + 1)) == 1
    with pytest.raises(NotFound):  # its sender, who was only slow
        await database.write(lambda db: documents.append_part(db, left.document_id, user_id, 1, b"x"))
    assert await purges.purge_overdue(database, deleted_before_ms=DISCARDED_AT_MS + 1) == [left.document_id]
    assert await database.read(lambda db: num_rows(db, *HANGING)) == 0


async def test_only_the_owner_changes_and_deletes(database: Database) -> None:
    ada, bob = [await database.write(lambda db, name=name: make_user(db, name)) for name in ("ada", "bob")]  # type: ignore[misc]
    document_id = (await put_file(database, ada)).document_id
    for question in (documents.get, documents.get_owned):
        with pytest.raises(NotFound):
            await database.read(lambda db, question=question: question(db, document_id, bob))  # type: ignore[misc]
    await database.write(lambda db: documents.delete(db, documents.get_owned(db, document_id, ada)))
    with pytest.raises(NotFound):
        await database.read(lambda db: documents.get(db, document_id, ada))
    deleted = DocumentFilter(is_deleted=True)
    for user_id, num_there in ((ada, 1), (bob, 0)):
        found, _ = await database.read(lambda db, who=user_id: documents.listing(db, who, deleted, limit=9))  # type: ignore[misc]
        assert len(found) == num_there
    await database.write(lambda db: documents.restore(db, documents.get_owned(db, document_id, ada, is_deleted=True)))
    assert (await database.read(lambda db: documents.get(db, document_id, ada))).deleted_at_ms is None


async def test_a_list_is_paged_and_filtered(database: Database) -> None:
    user_id = await database.write(make_user)
    names = ["Vertrag.pdf", "환불 규정.hwpx", "contract.txt", "100%.txt"]
    ids = [(await put_file(database, user_id, name.encode(), name)).document_id for name in names]

    async def listed(filters: DocumentFilter, *, limit: int = 9, before: str | None = None) -> list[str]:
        found, has_more = await database.read(
            lambda db: documents.listing(db, user_id, filters, limit=limit, before=before)
        )
        assert has_more == (len(found) == limit)
        return [names[ids.index(each.document_id)] for each in found]

    assert await listed(DocumentFilter()) == names[::-1]
    assert await listed(DocumentFilter(), limit=2, before=ids[3]) == [names[2], names[1]]
    assert await listed(DocumentFilter(name="VERTRAG")) == [names[0]]
    assert await listed(DocumentFilter(name="\u1112\u116a\u11ab")) == [names[1]]  # as macOS types it
    assert await listed(DocumentFilter(name="%")) == [names[3]]
    assert await listed(DocumentFilter(status="ready")) == []


async def test_a_purge_takes_all_that_hangs_on_a_file(database: Database) -> None:
    user_id = await database.write(make_user)
    document = await read_file(database, user_id, "one", "두 번째 쪽")
    document_id = document.document_id
    assert await database.read(lambda db: num_rows(db, *HANGING)) == 1 + 1 + 2 + 2
    assert not await purges.purge_document(database, document_id, purges.is_deleted)  # it is not
    await database.write(lambda db: documents.delete(db, documents.get_owned(db, document_id, user_id)))
    limits = retention.Limits.at(now_ms(), AuthSettings(), GenerationSettings(), StoreSettings())
    assert (await retention.sweep(database, limits)).num_documents == 0  # its time for undo is not over
    later = retention.Limits.at(now_ms() + 31 * 86_400_000, AuthSettings(), GenerationSettings(), StoreSettings())
    assert (await retention.sweep(database, later)).num_documents == 1
    assert await database.read(lambda db: num_rows(db, *HANGING)) == 0
    said, counted = await books_of(database)
    assert said == counted == {user_id: books.ROW_BYTES + len("adaAda{}")}


async def test_an_account_that_goes_takes_its_files(database: Database) -> None:
    user_id = await database.write(make_user)
    await read_file(database, user_id, "one")
    await retention.erase_user(database, user_id)
    assert await database.read(lambda db: num_rows(db, *HANGING)) == 0


# --- how reading goes on ----------------------------------------------------------------------------------------------


async def test_a_server_takes_what_waits_and_what_another_left(database: Database) -> None:
    user_id = await database.write(make_user)
    document_id = (await put_file(database, user_id)).document_id
    taken = await database.write(lambda db: take(db, "one"))
    assert taken is not None
    assert (taken.status, taken.lease_owner) == ("reading", "one")
    assert await database.write(lambda db: take(db, "two")) is None
    now = now_ms()
    renew = {"ids": [document_id], "expires_at_ms": now - 1}
    assert await database.write(lambda db: reading_state.renew(db, server_id="one", **renew)) == []  # type: ignore[arg-type]
    assert (await database.write(lambda db: take(db, "two"))).lease_owner == "two"  # type: ignore[union-attr]
    assert await database.write(lambda db: reading_state.renew(db, server_id="one", **renew)) == [document_id]  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await database.write(lambda db: reading_state.failed(db, document_id, "one", code="reader_died"))
    await database.write(lambda db: reading_state.release(db, None))
    assert (await database.write(lambda db: take(db, "three"))) is not None


async def test_accounts_are_served_in_turn(database: Database) -> None:
    """Somebody's five hundred files do not keep another's one waiting."""
    ada, bob = [await database.write(lambda db, name=name: make_user(db, name)) for name in ("ada", "bob")]  # type: ignore[misc]
    for number in range(3):
        await put_file(database, ada, f"{number}".encode())
    await put_file(database, bob)
    owners = [(await database.write(take)).user_id for _ in range(4)]  # type: ignore[union-attr]
    assert owners == [ada, bob, ada, ada]


async def test_reading_is_paused_resumed_and_begun_again(database: Database) -> None:
    user_id = await database.write(make_user)
    document_id = (await put_file(database, user_id)).document_id

    async def state() -> tuple[str, int, str]:
        row = await database.read(lambda db: documents.get(db, document_id, user_id))
        return row.status, row.num_pages_read, row.error_code

    async def change(work: object) -> None:
        await database.write(lambda db: work(db, documents.get_owned(db, document_id, user_id)))  # type: ignore[operator]

    await database.write(take)
    await change(reading_state.pause)
    assert await database.write(
        lambda db: reading_state.renew(db, server_id=SERVER, ids=[document_id], expires_at_ms=1)
    )
    with pytest.raises(Conflict):
        await change(reading_state.retry)
    await change(reading_state.resume)
    await database.write(take)
    await database.write(lambda db: reading_state.failed(db, document_id, SERVER, code="no_text", detail="x\x00"))
    assert await state() == ("failed", 0, "no_text")
    await change(reading_state.retry)
    assert await state() == ("waiting", 0, "")
    await database.write(take)
    await change(documents.delete)
    with pytest.raises(NotFound):
        await database.write(lambda db: reading_state.require_read_by(db, document_id, SERVER))
    assert (
        await database.read(
            lambda db: db.exec(
                select(tables.Document.status).where(col(tables.Document.document_id) == document_id)
            ).one()
        )
        == "waiting"
    )
