"""Chats go out with their files and come in with them: to the same messages, and the same bytes are one file."""

import io
import json
import zipfile

import pytest

from bdchat.store.chats import messages, sessions
from bdchat.store.document_tables import MessageSource
from bdchat.store.documents import attachments, documents, sources
from bdchat.store.documents.documents import DocumentFilter
from bdchat.store.sql.database import Database
from bdchat.store.tables import ChatSession
from bdchat.store.transfer import attached_files
from bdchat.store.transfer.exporting import Export
from bdchat.store.transfer.reading import FoundChat
from bdchat.store.transfer.reasons import Reason
from tests.store.accounting.test_books import books_of
from tests.store.chat_rows import make_user, talk
from tests.store.document_rows import put_file
from tests.store.transferable import put_chat, read, zipped

pytestmark = pytest.mark.anyio
LARGE = bytes(range(256)) * 6000  # two parts
NAMES = {"보고서.pdf": LARGE, 'a/b:"c".json': b'{"messages": [{"role": "user", "content": "mine"}]}'}


async def export_of(database: Database, user_id: str, *, with_files: bool = True) -> bytes:
    export = Export(user_id, "bdchat", with_files=with_files)
    chunks = []
    while chunk := await database.read(export.step):
        chunks.append(chunk)
    return b"".join(chunks)


async def told(database: Database) -> str:
    """Ada's two files; a chat asks one and was told of it, and of bob's; a file of hers that is deleted stays here."""
    ada, bob = [await database.write(lambda db, name=name: make_user(db, name)) for name in ("ada", "bob")]  # type: ignore[misc]
    own = [await put_file(database, ada, data, name) for name, data in NAMES.items()]
    gone = await put_file(database, ada, b"gone")
    await database.write(lambda db: documents.delete(db, documents.get_owned(db, gone.document_id, ada)))
    theirs = await put_file(database, bob, b"bob's")
    session_id, (asked, _) = await database.write(lambda db: talk(db, ada, "언제까지?", "7일 [1]"))
    named = [own[0].document_id]
    await database.write(
        lambda db: attachments.set_of_chat(db, ada, session_id, document_ids=named, collection_ids=[], most=9)
    )
    rows = [
        MessageSource(
            message_id="",
            number=number,
            document_id=document.document_id,
            passage_id=5,
            page=2,
            start=3,
            end=9,
            document_name=document.name,
            text=f"text {number}",
            heading="환불",
        )
        for number, document in enumerate((own[0], theirs), start=1)
    ]
    await database.write(lambda db: sources.put(db, asked, rows))
    return ada


async def test_chats_come_back_with_their_files_and_what_they_were_told(database: Database) -> None:
    ada = await told(database)
    content = await export_of(database, ada)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        paths = archive.namelist()
        (session,) = json.loads(archive.read("bdchat.json"))["sessions"]
    assert [path.rpartition("/")[2] for path in paths] == ["bdchat.json", "보고서.pdf", "a b c.json"]
    assert [each["name"] for each in session["documents"]] == ["보고서.pdf"]
    assert [bool(each["sha256"]) for each in session["messages"][0]["sources"]] == [True, False]
    assert "sources" not in session["messages"][1]

    eve = await database.write(lambda db: make_user(db, "eve"))
    refused: list[tuple[str, Reason]] = []
    for _ in range(2):  # the second time they are there
        num_files = await attached_files.take_in(
            database,
            eve,
            io.BytesIO(content),
            max_bytes=1 << 30,
            most=2,
            tell=lambda name, reason: refused.append((name, reason)),
        )
        assert (num_files, refused) == (2, [])
    files, _ = await database.read(lambda db: documents.listing(db, eve, DocumentFilter(), limit=9))
    by_name = {row.name: row for row in files}
    assert by_name.keys() == {"보고서.pdf", "a b c.json"}
    parts = [part async for part in documents.open_parts(database, by_name["보고서.pdf"].document_id)]
    assert b"".join(parts) == LARGE

    (found,) = read(content)  # her file that looks like chats is none of them
    assert isinstance(found, FoundChat)
    session_id = await put_chat(database, found.chat, eve)
    attached = await database.read(lambda db: attachments.of_chat(db, session_id))
    assert [row.name for row in attached.documents] == ["보고서.pdf"]
    own = await database.read(lambda db: db.get(ChatSession, session_id))
    assert own is not None
    asked, answer = await database.read(lambda db: messages.path_ids(db, session_id, own.head_message_id))
    rows = await database.read(lambda db: sources.of_path(db, [asked, answer]))
    assert [(row.number, row.page, row.text, row.heading, row.passage_id) for row in rows[asked]] == [
        (1, 2, "text 1", "환불", None),
        (2, 2, "text 2", "환불", None),
    ]
    assert [row.document_id for row in rows[asked]] == [by_name["보고서.pdf"].document_id, ""]
    assert answer not in rows
    assert (await database.read(lambda db: sessions.see(db, eve, session_id))).session.title == found.chat.title
    said, counted = await books_of(database)
    assert said == counted


async def test_a_file_that_is_not_what_it_says_stays_outside(database: Database) -> None:
    user_id = await database.write(make_user)
    right = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of b"x"
    wrong, large = "0" * 64, "c0ffee" + "0" * 58
    refused: list[str] = []
    content = zipped(
        {
            f"documents/{wrong}/a.txt": b"x",
            f"documents/{large}/b.txt": b"x" * 99,
            f"documents/{right}/c.txt": b"x",
            f"documents/{right}/../d.txt": b"x",
            "documents/e.txt": b"x",
        },
        compression=zipfile.ZIP_STORED,
    )

    async def take(data: bytes) -> int:
        return await attached_files.take_in(
            database, user_id, io.BytesIO(data), max_bytes=50, most=9, tell=lambda name, _: refused.append(name)
        )

    assert (await take(content), refused) == (1, ["a.txt", "b.txt"])
    assert await take(zipped({f"documents/{right}/c.txt": b"x"})) == 0  # packed: a bomb may be in it
    assert await take(content[:40]) == 0
    assert await take(b"[]") == 0


async def test_an_export_without_files_names_them(database: Database) -> None:
    ada = await told(database)
    (session,) = json.loads(await export_of(database, ada, with_files=False))["sessions"]
    assert [each["num_bytes"] for each in session["documents"]] == [len(LARGE)]
    assert [each["text"] for each in session["messages"][0]["sources"]] == ["text 1", "text 2"]
    assert await database.read(lambda db: attached_files.bytes_of_all(db, ada)) == sum(map(len, NAMES.values()))
