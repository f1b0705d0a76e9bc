"""Files and what was read of them, for tests of the store and of what stands on it."""

from collections.abc import AsyncIterator

from sqlmodel import Session

from bdchat.reading.pieces import LineBox, PageText, PassageDraft, TextBlock
from bdchat.store.document_tables import Document
from bdchat.store.documents import pages, reading_state
from bdchat.store.documents.jobs.uploads import upload
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database

SERVER = "server"


async def chunks_of(data: bytes, size: int = 300_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def put_file(database: Database, user_id: str, data: bytes = b"data", name: str = "a.txt") -> Document:
    document, _ = await upload(database, user_id, name, chunks_of(data))
    return document


def page_of(number: int, *paragraphs: str) -> tuple[PageText, list[PassageDraft]]:
    """Each paragraph is a passage, and a line."""
    text, drafts, boxes, blocks = "", [], [], []
    for paragraph in paragraphs:
        start = len(text)
        text += paragraph + "\n"
        end = len(text) - 1
        drafts.append(PassageDraft(number, start, end, heading="환불 > 기한", num_tokens=7))
        boxes.append(LineBox(start, end, 10.0, 20.5, 300.0, 32.0))
        blocks.append(TextBlock("paragraph", start, end))
    page = PageText(number, text, f"p{number}", tuple(blocks), 595.0, 842.0, tuple(boxes))
    return page, drafts


def take(db: Session, server_id: str = SERVER, *, lease_ms: int = 60_000) -> Document | None:
    return reading_state.next_waiting(db, server_id, now_ms(), lease_ms)


async def read_file(database: Database, user_id: str, *texts: str, name: str = "a.txt") -> Document:
    """A file that is ready, each text a page with one passage."""
    document = await put_file(database, user_id, "\f".join(texts).encode(), name)
    document_id = document.document_id
    taken = await database.write(take)
    assert taken is not None
    assert taken.document_id == document_id
    for number, text in enumerate(texts, start=1):
        await pages.put(database, document_id, SERVER, *page_of(number, text))
    await database.write(lambda db: reading_state.finished(db, document_id, SERVER, num_pages=len(texts), notes={}))
    found = await database.read(lambda db: db.get(Document, document_id))
    assert found is not None
    return found
