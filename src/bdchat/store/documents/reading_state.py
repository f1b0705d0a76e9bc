"""How the reading of a file goes on: who reads it, pauses, ends. Functions of a Session, inside the caller's
transaction.

A server reads what it has taken, for as long as it renews its lease. Each change says in its statement which state it
comes from, so that two servers never take one file, and who has lost it changes nothing any more.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, or_, update
from sqlmodel import col, select

from bdchat.store.chats.messages import storable
from bdchat.store.db import Db
from bdchat.store.document_tables import Document, DocumentPage, Passage
from bdchat.store.documents.documents import DISCARDED_AT_MS
from bdchat.store.documents.scope import is_kept
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import now_ms

MAX_DETAIL_CHARS = 500


def next_waiting(db: Db, server_id: str, now: int, lease_ms: int) -> Document | None:
    """Takes one: of the account that has been served least lately, its oldest. What a server has left that no longer
    renews its lease is taken up again."""
    served = (
        select(Document.user_id, func.max(Document.lease_expires_at_ms).label("at_ms"))
        .group_by(col(Document.user_id))
        .subquery()
    )
    query: Any = (
        select(Document.document_id)
        .join(served, served.c.user_id == col(Document.user_id))
        .where(_is_to_be_read(now))
        .order_by(served.c.at_ms, col(Document.document_id))
        .limit(1)
    )
    while (document_id := db.execute(query).scalar()) is not None:
        taken = {"status": "reading", "lease_owner": server_id, "lease_expires_at_ms": now + lease_ms}
        if _change(db, document_id, _is_to_be_read(now), **taken):
            return db.get(Document, document_id, populate_existing=True)
    return None


def renew(db: Db, *, server_id: str, ids: Sequence[str], expires_at_ms: int) -> list[str]:
    """Those that are not the server's to read any more."""
    held: list[Any] = [col(Document.document_id).in_(ids), *_is_read_by(server_id)]
    db.execute(
        update(Document)
        .where(*held)
        .values(lease_expires_at_ms=expires_at_ms)
        .execution_options(synchronize_session=False)
    )
    still = set(db.exec(select(Document.document_id).where(*held)))
    return sorted(set(ids) - still)


def release(db: Db, server_id: str | None) -> None:
    """What the server was reading waits again; None: whatever any server was."""
    conditions: list[Any] = [Document.status == "reading"]
    if server_id is not None:
        conditions.append(Document.lease_owner == server_id)
    db.execute(
        update(Document)
        .where(*conditions)
        .values(status="waiting", lease_owner="")
        .execution_options(synchronize_session=False)
    )


def drop_uploads(db: Db, *, before_ms: int) -> int:
    """Uploads that nothing was added to since are discarded; their bytes are purged. How many."""
    result = db.execute(
        update(Document)
        .where(
            col(Document.status) == "uploading",
            col(Document.updated_at_ms) < before_ms,
            col(Document.deleted_at_ms).is_(None),
        )
        .values(deleted_at_ms=DISCARDED_AT_MS)
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))


def opened(
    db: Db, document_id: str, server_id: str, *, format_name: str, media_type: str, num_pages: int | None
) -> None:
    """What its content is. Raises NotFound when it is not the server's to read any more."""
    values = {"format": storable(format_name), "media_type": storable(media_type), "num_pages": num_pages}
    _change_read(db, document_id, server_id, **values, error_code="", error_detail="")


def finished(db: Db, document_id: str, server_id: str, *, num_pages: int, notes: dict[str, int]) -> None:
    """It was read to its end; of an earlier reading nothing is left beyond. Raises NotFound."""
    remove_pages(db, document_id, after=num_pages)
    ended = {"status": "ready", "lease_owner": "", "num_pages": num_pages, "num_pages_read": num_pages}
    _change_read(db, document_id, server_id, **ended, notes=notes, error_code="", error_detail="")


def failed(db: Db, document_id: str, server_id: str, *, code: str, detail: str = "") -> None:
    """What was read until then stays. Raises NotFound."""
    told = {"error_code": code, "error_detail": storable(detail[:MAX_DETAIL_CHARS])}
    _change_read(db, document_id, server_id, status="failed", lease_owner="", **told)


def pause(db: Db, document: Document) -> None:
    """Raises Conflict when there is nothing to pause."""
    _require(_set(db, document, ("waiting", "reading"), status="paused", lease_owner=""), document, "paused")


def resume(db: Db, document: Document) -> None:
    """Goes on behind the last page that was read. Raises Conflict."""
    _require(_set(db, document, ("paused",), status="waiting"), document, "resumed")


def retry(db: Db, document: Document) -> None:
    """From the first page on: what was read is replaced page by page. Raises Conflict."""
    fresh = {"status": "waiting", "num_pages_read": 0, "error_code": "", "error_detail": "", "notes": {}}
    _require(_set(db, document, ("failed",), **fresh), document, "read again")


def remove_pages(db: Db, document_id: str, *, after: int) -> None:
    """With their passages."""
    beyond = col(Passage.document_id) == document_id, col(Passage.page) > after
    sums = select(func.count(), func.coalesce(func.sum(Passage.num_tokens), 0)).where(*beyond)
    num_passages, num_tokens = db.exec(sums).one()
    if num_passages:
        db.execute(delete(Passage).where(*beyond))
        grow(db, document_id, num_passages=-num_passages, num_tokens=-int(num_tokens))
    db.execute(
        delete(DocumentPage).where(col(DocumentPage.document_id) == document_id, col(DocumentPage.number) > after)
    )


def grow(db: Db, document_id: str, *, num_passages: int, num_tokens: int, **values: Any) -> None:
    """By how much; `values`: further columns."""
    db.execute(
        update(Document)
        .where(col(Document.document_id) == document_id)
        .values(
            num_passages=Document.num_passages + num_passages,
            num_tokens=Document.num_tokens + num_tokens,
            updated_at_ms=now_ms(),
            **values,
        )
        .execution_options(synchronize_session=False)
    )


def require_read_by(db: Db, document_id: str, server_id: str) -> Document:
    """Raises NotFound when it is not the server's to read any more."""
    found = db.exec(select(Document).where(Document.document_id == document_id, *_is_read_by(server_id))).first()
    if found is None:
        raise NotFound("document", document_id)
    return found


# --- conditions -------------------------------------------------------------------------------------------------------


def _is_to_be_read(now: int) -> Any:
    is_left = (col(Document.status) == "reading") & (col(Document.lease_expires_at_ms) < now)
    return is_kept() & or_(col(Document.status) == "waiting", is_left)


def _is_read_by(server_id: str) -> tuple[Any, ...]:
    return Document.status == "reading", Document.lease_owner == server_id, is_kept()


def _change_read(db: Db, document_id: str, server_id: str, **values: Any) -> None:
    condition = (col(Document.status) == "reading") & (col(Document.lease_owner) == server_id) & is_kept()
    if not _change(db, document_id, condition, updated_at_ms=now_ms(), **values):
        raise NotFound("document", document_id)


def _set(db: Db, document: Document, states: Sequence[str], **values: Any) -> bool:
    return _change(db, document.document_id, col(Document.status).in_(states), updated_at_ms=now_ms(), **values)


def _change(db: Db, document_id: str, condition: Any, **values: Any) -> bool:
    result = db.execute(
        update(Document)
        .where(col(Document.document_id) == document_id, condition)
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )
    return bool(getattr(result, "rowcount", 0))


def _require(has_changed: bool, document: Document, word: str) -> None:
    if not has_changed:
        raise Conflict(f"A file that is {document.status} cannot be {word}.", code="wrong_status")
