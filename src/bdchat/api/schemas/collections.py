"""Collections of documents, their members, and what a chat has of both, on the wire of /api."""

from typing import Annotated, Literal

from pydantic import Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text
from bdchat.api.schemas.documents import DocumentView
from bdchat.store.document_tables import CollectionMember
from bdchat.store.documents.collections import SeenCollection
from bdchat.store.tables import User

MAX_COLLECTION_NAME_CHARS = 100
MAX_DESCRIPTION_CHARS = 1000

CollectionName = Annotated[Text, Field(min_length=1, max_length=MAX_COLLECTION_NAME_CHARS)]
Description = Annotated[Text, Field(max_length=MAX_DESCRIPTION_CHARS)]

# --- in ---------------------------------------------------------------------------------------------------------------


class NewCollection(Strict):
    name: CollectionName
    description: Description = ""


class CollectionChanges(Strict):
    name: CollectionName | None = None
    description: Description | None = None

    def to_columns(self) -> dict[str, str]:
        return {name: value for name, value in self.model_dump().items() if value is not None}


class NewCollectionMember(Strict):
    """reader: searches and opens what is in it; writer: also puts in and takes out."""

    role: Literal["reader", "writer"] = "reader"


# --- out --------------------------------------------------------------------------------------------------------------


class CollectionView(View):
    collection_id: str
    name: str
    description: str
    num_documents: int
    num_members: int  # beside its owner
    role: Literal["owner", "writer", "reader"]  # yours
    can_open: bool  # false: one that a chat is answered from, named to its readers
    owner_name: str
    created_at_ms: int
    updated_at_ms: int
    deleted_at_ms: int | None

    @classmethod
    def of(cls, seen: SeenCollection, *, can_open: bool = True) -> "CollectionView":
        row = seen.collection
        return cls.model_construct(
            collection_id=row.collection_id,
            name=row.name,
            description=row.description,
            num_documents=seen.num_documents,
            num_members=seen.num_members,
            role=seen.role,
            can_open=can_open,
            owner_name=seen.owner_name,
            created_at_ms=row.created_at_ms,
            updated_at_ms=row.updated_at_ms,
            deleted_at_ms=row.deleted_at_ms,
        )


class CollectionList(View):
    data: list[CollectionView]


class CollectionMemberView(View):
    username: str
    display_name: str
    role: Literal["reader", "writer"]
    created_at_ms: int

    @classmethod
    def of(cls, member: CollectionMember, user: User) -> "CollectionMemberView":
        return cls.model_construct(
            username=user.username,
            display_name=user.display_name,
            role=member.role,
            created_at_ms=member.created_at_ms,
        )


class CollectionMemberList(View):
    data: list[CollectionMemberView]


class ChatDocumentsView(View):
    """What a chat's questions are answered from. Named to its members; opened only by who may see them."""

    documents: list[DocumentView]
    collections: list[CollectionView]
