"""Collections of documents, their members, and what a chat has of both, on the wire of /api."""

from typing import Annotated, Literal

from pydantic import Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text
from bdchat.api.schemas.documents import DocumentView

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
    owner_name: str
    created_at_ms: int
    updated_at_ms: int
    deleted_at_ms: int | None


class CollectionList(View):
    data: list[CollectionView]


class CollectionMemberView(View):
    username: str
    display_name: str
    role: Literal["reader", "writer"]
    created_at_ms: int


class CollectionMemberList(View):
    data: list[CollectionMemberView]


class ChatDocumentsView(View):
    """What a chat's questions are answered from. Named to its members; opened only by who may see them."""

    documents: list[DocumentView]
    collections: list[CollectionView]
