"""A document that was read, put into the store without a process that reads it; its collection."""

import hashlib
from collections.abc import Sequence

import httpx
from sqlmodel import Session, col, select

from bdchat.reading.pieces import PageText, PassageDraft
from bdchat.store.document_tables import Passage
from bdchat.store.documents import collections, documents, pages, reading_state
from bdchat.store.ids import now_ms
from tests.api.serving import app_of

SERVER = "tests"


def put_document(db: Session, *, user_id: str, name: str, texts: Sequence[str]) -> str:
    """Its id; a page for each text, each one passage. In one transaction: no server sees it waiting."""
    data = "\n".join(texts).encode()
    document_id = documents.create(db, user_id, name).document_id
    documents.append_part(db, document_id, user_id, 0, data)
    documents.finish_upload(db, document_id, user_id, hashlib.sha256(data).hexdigest(), len(data))
    taken = reading_state.next_waiting(db, SERVER, now_ms(), 60_000)
    assert taken is not None
    assert taken.document_id == document_id
    for number, text in enumerate(texts, start=1):
        drafts = [PassageDraft(number, 0, len(text), num_tokens=len(text))]
        pages.put_page(db, document_id, SERVER, pages.rows_of(document_id, PageText(number, text), drafts))
    reading_state.finished(db, document_id, SERVER, num_pages=len(texts), notes={})
    return document_id


async def shelf_of(client: httpx.AsyncClient, user_id: str, content: str) -> dict[str, str]:
    """One of each, by the names that paths give them. The document is not in the collection."""

    def put(db: Session) -> dict[str, str]:
        document_id = put_document(db, user_id=user_id, name=f"{content}.txt", texts=[f"{content} of {user_id}"])
        passage_id = db.exec(select(col(Passage.passage_id)).where(Passage.document_id == document_id)).one()
        collection_id = collections.create(db, user_id, content).collection_id
        return {
            "document_id": document_id,
            "file_id": document_id,
            "collection_id": collection_id,
            "vector_store_id": collection_id,
            "passage_id": str(passage_id),
            "number": "1",
        }

    return await app_of(client).database.write(put)
