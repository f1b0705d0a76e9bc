"""Quotas: the bytes that an account, or the guest (""), may store. Writer thread only: a Database's transactions carry
its Quotas.

Every row that a transaction is about to write is charged to its owner first, here, whichever function made it: a
session asks before each flush. Bulk inserts pass no flush; who makes one calls `charge` before. What is there already,
the books tell (books.py), so that deleting for good gives room at once.

An answer is never refused in the middle, nor its end: `let_pass`. The message that asked for it was charged.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from sqlalchemy import bindparam, event, func, select
from sqlalchemy.orm import PassiveFlag, attributes
from sqlmodel import Session, SQLModel, col

from bdchat.store.accounting import books
from bdchat.store.db import Db
from bdchat.store.document_tables import (
    Collection,
    CollectionDocument,
    CollectionMember,
    Document,
    DocumentPage,
    DocumentPart,
    MessageSource,
    Passage,
    PassageVector,
)
from bdchat.store.errors import NotFound, QuotaExceeded
from bdchat.store.tables import (
    ApiKey,
    ChatSession,
    Generation,
    GenerationEvent,
    Invitation,
    Message,
    MessageMetadata,
    StorageBook,
    User,
)

INFO_KEY = "quotas"
ROOMS_KEY = "room by owner"
UNREFUSED = "quotas are not asked"
GUEST = ""
_Owning: TypeAlias = ChatSession | Generation | Document | Collection
_ABOVE: Mapping[type[SQLModel], tuple[type[SQLModel], str]] = {
    **dict.fromkeys((MessageMetadata, MessageSource), (Message, "message_id")),
    **dict.fromkeys((DocumentPart, DocumentPage, Passage, PassageVector), (Document, "document_id")),
    **dict.fromkeys((CollectionMember, CollectionDocument), (Collection, "collection_id")),
    GenerationEvent: (Generation, "generation_id"),
}  # what a row hangs on, by which column; else a chat


class Quotas:
    """`default_bytes`: for who has no quota of their own; `guest_bytes`: for all who have no account, together."""

    def __init__(self, default_bytes: int, *, guest_bytes: int) -> None:
        self._default_bytes = default_bytes
        self._guest_bytes = guest_bytes

    def charge(self, db: Db, owner_id: str, num_bytes: int) -> None:
        """Raises QuotaExceeded. The room that was found is used up within the transaction before it is asked for again:
        only the transaction itself makes it smaller meanwhile."""
        rooms: dict[str, int] = db.info.setdefault(ROOMS_KEY, {})
        room = rooms.get(owner_id, 0)
        if num_bytes > room:
            own_bytes, kept_bytes = db.connection().execute(_ROOM, {"owner_id": owner_id}).one()
            is_guest = owner_id == GUEST
            most_bytes = self._guest_bytes if is_guest else self._default_bytes if own_bytes is None else own_bytes
            room = most_bytes - kept_bytes
            if num_bytes > room:
                raise QuotaExceeded(most_bytes, is_guest=is_guest)
        rooms[owner_id] = room - num_bytes


def charge(db: Db, owner_id: str, num_bytes: int) -> None:
    """In a transaction of a Database; in any other nothing is bounded. Raises QuotaExceeded."""
    quotas = db.info.get(INFO_KEY)
    if isinstance(quotas, Quotas) and num_bytes > 0:
        quotas.charge(db, owner_id, num_bytes)


def let_pass(db: Db) -> None:
    """What the rest of this transaction writes is in the books and not refused."""
    db.info[UNREFUSED] = True


_KEPT = select(func.coalesce(func.sum(col(StorageBook.num_bytes)), 0)).where(
    col(StorageBook.owner_id) == bindparam("owner_id")
)
_OWN = select(col(User.quota_bytes)).where(col(User.user_id) == bindparam("owner_id"))
_ROOM = select(_OWN.scalar_subquery(), _KEPT.scalar_subquery())


@event.listens_for(Session, "before_flush")
def _charge_what_grows(db: Db, *_: object) -> None:
    if INFO_KEY not in db.info or db.info.get(UNREFUSED):
        return
    grown: dict[str, int] = {}
    for owner_id, num_bytes in _growth(db):
        grown[owner_id] = grown.get(owner_id, 0) + num_bytes
    for owner_id, num_bytes in grown.items():
        charge(db, owner_id, num_bytes)


def _growth(db: Db) -> Iterator[tuple[str, int]]:
    """(owner_id, bytes) of each row that is new or changes."""
    pending: dict[str, _Owning] = {}
    for row in db.new:
        if isinstance(row, ChatSession):
            pending[row.session_id] = row
        elif isinstance(row, Generation):
            pending[row.generation_id] = row
        elif isinstance(row, Document):
            pending[row.document_id] = row
        elif isinstance(row, Collection):
            pending[row.collection_id] = row
    for row in db.new:
        if type(row) in books.BY_KIND and not isinstance(row, User):  # a new account is the admin's to make
            yield _owner_of(db, row, pending), books.num_bytes(type(row), row.__dict__) + _to_be_found(row)
    for row in db.dirty:
        counted = books.BY_KIND.get(type(row))
        if counted is not None and (num_bytes := sum(_change(row, name) for name in counted.columns)):
            yield _owner_of(db, row, pending), num_bytes


def _to_be_found(row: Any) -> int:
    """A title or a message is indexed right after it is written, or a moment later."""
    text = ""
    if isinstance(row, ChatSession):
        text = row.title
    elif isinstance(row, Message) and row.status != "running":
        text = row.content
    return books.index_bytes(books.value_bytes(text)) if text else 0


def _change(row: Any, column: str) -> int:
    history = attributes.get_history(row, column, PassiveFlag.PASSIVE_NO_INITIALIZE)
    return sum(map(books.value_bytes, history.added or ())) - sum(map(books.value_bytes, history.deleted or ()))


def _owner_of(db: Db, row: Any, pending: Mapping[str, _Owning]) -> str:
    """As books.COUNTED says it in SQL. `pending`: what is about to be written with the rest. Raises NotFound."""
    while not (isinstance(row, _Owning | User | ApiKey | Invitation) and _has_owner(row)):
        kind, name = _ABOVE.get(type(row), (ChatSession, "session_id"))
        key = getattr(row, name)
        row = pending.get(key) or _found(db, kind, key)
    return str(row.created_by if isinstance(row, Invitation) else row.user_id)


def _has_owner(row: object) -> bool:
    """A completion in a chat is the chat's owner's."""
    return not isinstance(row, Generation) or row.session_id is None


def _found(db: Db, kind: type[SQLModel], key: str) -> Any:
    row = db.get(kind, key)
    if row is None:
        raise NotFound(str(kind.__tablename__), key)
    return row
