"""Collections of files, their members and what is in them. Functions of a Session, inside the caller's transaction.

`see`, `get_writable` and `get_owned` are the only ways to one by its id. A member sees its files; a writer also adds
own ones, and takes out what is there. Who leaves takes their files along: nobody goes on showing them.
"""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import case, delete, func, literal
from sqlmodel import col, select

from bdchat.store.chats.messages import storable
from bdchat.store.db import Db
from bdchat.store.document_tables import Collection, CollectionDocument, CollectionMember, Document
from bdchat.store.documents import documents
from bdchat.store.documents.scope import is_kept, visible_collections
from bdchat.store.errors import Conflict, NotAllowed, NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import User

CollectionRole = Literal["owner", "writer", "reader"]
MAX_MEMBERS = 100  # each is told of every change
MAX_DOCUMENTS = 10_000
MAX_PER_ACCOUNT = 1000


@dataclass(frozen=True, slots=True)
class SeenCollection:
    """As one user sees it."""

    collection: Collection
    role: CollectionRole
    owner_name: str  # display name, else username
    num_documents: int
    num_members: int  # without the owner


def create(db: Db, user_id: str, name: str, description: str = "") -> Collection:
    """Raises Conflict beyond MAX_PER_ACCOUNT."""
    count = select(func.count()).select_from(Collection).where(Collection.user_id == user_id)
    if db.exec(count).one() >= MAX_PER_ACCOUNT:
        raise Conflict(f"The account has {MAX_PER_ACCOUNT} collections already.", code="too_many_collections")
    now = now_ms()
    row = Collection(
        collection_id=new_id(),
        user_id=user_id,
        name=storable(name),
        description=storable(description),
        created_at_ms=now,
        updated_at_ms=now,
    )
    db.add(row)
    db.flush()
    return row


def listing(db: Db, user_id: str, *, is_deleted: bool = False) -> list[SeenCollection]:
    """All that the user owns or is a member of, by name; `is_deleted`: their own that can be brought back."""
    owned = (Collection.user_id == user_id, col(Collection.deleted_at_ms).is_not(None))
    conditions = owned if is_deleted else (visible_collections(user_id),)
    return _seen(db, user_id, *conditions)


def see(db: Db, user_id: str, collection_id: str) -> SeenCollection:
    """Raises NotFound."""
    found = _seen(db, user_id, Collection.collection_id == collection_id, visible_collections(user_id))
    if not found:
        raise NotFound("collection", collection_id)
    return found[0]


def get_writable(db: Db, user_id: str, collection_id: str) -> Collection:
    """Raises NotFound, NotAllowed."""
    seen = see(db, user_id, collection_id)
    if seen.role == "reader":
        raise NotAllowed("You may read this collection, not change it.", code="collection_read_only")
    return seen.collection


def get_owned(db: Db, user_id: str, collection_id: str, *, is_deleted: bool | None = False) -> Collection:
    """`is_deleted` None: deleted or not. Raises NotFound, NotAllowed."""
    query = select(Collection).where(Collection.collection_id == collection_id, Collection.user_id == user_id)
    found = db.exec(query).first()
    if found is not None and is_deleted in {None, found.deleted_at_ms is not None}:
        return found
    see(db, user_id, collection_id)
    raise NotAllowed("Only the collection's owner may do that.", code="not_owner")


def change(db: Db, collection: Collection, changes: dict[str, str]) -> None:
    for name, value in changes.items():
        setattr(collection, name, storable(value))
    collection.updated_at_ms = now_ms()
    db.flush()


def delete_collection(db: Db, collection: Collection) -> None:
    """Hides it until `restore` or its purge; its files are still their owners'."""
    collection.deleted_at_ms = now_ms()
    db.flush()


def restore(db: Db, collection: Collection) -> None:
    collection.deleted_at_ms, collection.updated_at_ms = None, now_ms()
    db.flush()


def audience(db: Db, collection_id: str) -> list[str]:
    """user_ids of all who see it, the owner first."""
    owner = db.exec(select(Collection.user_id).where(Collection.collection_id == collection_id)).all()
    members = db.exec(select(CollectionMember.user_id).where(CollectionMember.collection_id == collection_id))
    return [*owner, *members]


# --- files ------------------------------------------------------------------------------------------------------------


def put_document(db: Db, user_id: str, collection_id: str, document_id: str) -> None:
    """Of one's own files: a member does not pass on what somebody else has shown. Raises NotFound, NotAllowed, Conflict
    beyond MAX_DOCUMENTS."""
    collection = get_writable(db, user_id, collection_id)
    documents.get_owned(db, document_id, user_id)
    if db.get(CollectionDocument, (collection_id, document_id)) is not None:
        return
    count = select(func.count()).select_from(CollectionDocument)
    if db.exec(count.where(CollectionDocument.collection_id == collection_id)).one() >= MAX_DOCUMENTS:
        raise Conflict(f"A collection has at most {MAX_DOCUMENTS:,} files.", code="collection_full")
    now = now_ms()
    row = CollectionDocument(collection_id=collection_id, document_id=document_id, added_by=user_id, created_at_ms=now)
    db.add(row)
    collection.updated_at_ms = now
    db.flush()


def take_document(db: Db, user_id: str, collection_id: str, document_id: str) -> None:
    """A writer takes out any, a reader own ones. The file itself stays. Raises NotFound, NotAllowed."""
    seen = see(db, user_id, collection_id)
    row = db.get(CollectionDocument, (collection_id, document_id))
    document = db.get(Document, document_id)
    if row is None or document is None:
        raise NotFound("document", document_id)
    if seen.role == "reader" and document.user_id != user_id:
        raise NotAllowed("You may read this collection, not change it.", code="collection_read_only")
    db.delete(row)
    seen.collection.updated_at_ms = now_ms()
    db.flush()


# --- members ----------------------------------------------------------------------------------------------------------


def members(db: Db, collection_id: str) -> list[tuple[CollectionMember, User]]:
    query = (
        select(CollectionMember, User)
        .join(User, col(User.user_id) == col(CollectionMember.user_id))
        .where(CollectionMember.collection_id == collection_id)
        .order_by(col(User.username_key))
    )
    return list(db.exec(query))


def put_member(db: Db, collection: Collection, user: User, role: str) -> CollectionMember | None:
    """Lets in, or changes the role of who is there. None: it is the owner, who has every right. Raises Conflict beyond
    MAX_MEMBERS."""
    if user.user_id == collection.user_id:
        return None
    member = db.get(CollectionMember, (collection.collection_id, user.user_id))
    if member is None:
        count = select(func.count()).select_from(CollectionMember)
        there = db.exec(count.where(CollectionMember.collection_id == collection.collection_id)).one()
        if there >= MAX_MEMBERS:
            raise Conflict(f"A collection has at most {MAX_MEMBERS} members.", code="collection_full")
        member = CollectionMember(
            collection_id=collection.collection_id, user_id=user.user_id, role=role, created_at_ms=now_ms()
        )
        db.add(member)
    member.role = role
    db.flush()
    return member


def remove_member(db: Db, collection: Collection, user_id: str) -> None:
    """With their files. Raises NotFound."""
    member = db.get(CollectionMember, (collection.collection_id, user_id))
    if member is None:
        raise NotFound("member", user_id)
    own = select(Document.document_id).where(Document.user_id == user_id)
    db.execute(
        delete(CollectionDocument).where(
            col(CollectionDocument.collection_id) == collection.collection_id,
            col(CollectionDocument.document_id).in_(own),
        )
    )
    db.delete(member)
    db.flush()


def _seen(db: Db, user_id: str, *conditions: Any) -> list[SeenCollection]:
    in_it = (
        select(func.count())
        .select_from(CollectionDocument)
        .join(Document, col(Document.document_id) == col(CollectionDocument.document_id))
        .where(col(CollectionDocument.collection_id) == col(Collection.collection_id), is_kept())
        .correlate(Collection)
        .scalar_subquery()
    )
    who = (
        select(func.count())
        .select_from(CollectionMember)
        .where(col(CollectionMember.collection_id) == col(Collection.collection_id))
        .correlate(Collection)
        .scalar_subquery()
    )
    own_role = (
        select(CollectionMember.role)
        .where(
            col(CollectionMember.collection_id) == col(Collection.collection_id),
            CollectionMember.user_id == user_id,
        )
        .correlate(Collection)
        .scalar_subquery()
    )
    role = case((col(Collection.user_id) == user_id, literal("owner")), else_=own_role)
    query: Any = select(Collection, role, User.display_name, User.username, in_it, who)  # type: ignore[call-overload]
    query = (
        query.join(User, col(User.user_id) == col(Collection.user_id))
        .where(*conditions)
        .order_by(func.lower(col(Collection.name)), col(Collection.collection_id))
    )
    return [SeenCollection(row[0], row[1], row[2] or row[3], int(row[4]), int(row[5])) for row in db.execute(query)]
