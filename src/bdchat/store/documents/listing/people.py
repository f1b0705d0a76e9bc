"""Who is in a collection, and what is shown of collections to who cannot open them. Functions of a Session, inside the
caller's transaction.
"""

from collections.abc import Sequence

from sqlmodel import col, select

from bdchat.store.accounts import users
from bdchat.store.db import Db
from bdchat.store.document_tables import Collection, CollectionMember
from bdchat.store.documents import collections
from bdchat.store.documents.collections import SeenCollection
from bdchat.store.documents.listing import paging
from bdchat.store.errors import NotFound
from bdchat.store.tables import User


def member_named(db: Db, collection_id: str, username_key: str) -> User:
    """Raises NotFound."""
    query = (
        select(User)
        .join(CollectionMember, col(CollectionMember.user_id) == col(User.user_id))
        .where(CollectionMember.collection_id == collection_id, User.username_key == username_key)
    )
    found = db.exec(query).first()
    if found is None:
        raise NotFound("member")
    return found


def collections_as_seen(db: Db, user_id: str, rows: Sequence[Collection]) -> list[tuple[SeenCollection, bool]]:
    """Of a chat that the user reads; whether they may open it, too. In the order of `rows`."""
    own = {each.collection.collection_id: each for each in collections.listing(db, user_id)} if rows else {}
    others = [row for row in rows if row.collection_id not in own]
    fillings = paging.fillings(db, [row.collection_id for row in others])
    names = users.shown_names_of(db, [row.user_id for row in others])
    found: list[tuple[SeenCollection, bool]] = []
    for row in rows:
        if (seen := own.get(row.collection_id)) is not None:
            found.append((seen, True))
            continue
        count = fillings[row.collection_id].by_status.total()
        found.append((SeenCollection(row, "reader", names.get(row.user_id, ""), count, 0), False))
    return found
