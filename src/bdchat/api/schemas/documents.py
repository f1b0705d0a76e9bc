"""Documents, their pages and passages on the wire of /api. Spans count code points of their page's text."""

from typing import Annotated, Literal

from pydantic import Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text

MAX_NAME_CHARS = 255
MAX_PAGE = 100
MAX_SEARCH_CHARS = 2000  # a question, and what was pasted with it
MAX_HITS = 50
MAX_NAMED = 200  # documents, and collections, that a search or a chat names

DocumentName = Annotated[Text, Field(min_length=1, max_length=MAX_NAME_CHARS)]
DocumentId = Annotated[Text, Field(min_length=1, max_length=64)]
CollectionId = Annotated[Text, Field(min_length=1, max_length=64)]
DocumentStatus = Literal["uploading", "waiting", "reading", "paused", "ready", "failed"]
VectorState = Literal["none", "waiting", "running", "ready"]

# --- in ---------------------------------------------------------------------------------------------------------------


class UploadQuery(Strict):
    """`collection_id`: where it is put at once."""

    name: DocumentName
    collection_id: CollectionId | None = None


class DocumentQuery(Strict):
    """A page of the list; filters that are absent let everything through. `q`: a part of the name."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50
    cursor: Annotated[Text, Field(max_length=100)] | None = None  # next_cursor of the page before
    q: Annotated[Text, Field(max_length=MAX_NAME_CHARS)] | None = None
    collection_id: CollectionId | None = None
    status: DocumentStatus | None = None
    deleted: bool = False  # those that can be brought back


class DocumentChanges(Strict):
    name: DocumentName


class DocumentDeleteQuery(Strict):
    """`purge`: no way back, and the chats that quote it lose what they quote."""

    purge: bool = False


class DocumentSearch(Strict):
    """Without ids: all that you may read."""

    query: Annotated[Text, Field(min_length=1, max_length=MAX_SEARCH_CHARS)]
    document_ids: Annotated[list[DocumentId], Field(max_length=MAX_NAMED)] = Field(default_factory=list)
    collection_ids: Annotated[list[CollectionId], Field(max_length=MAX_NAMED)] = Field(default_factory=list)
    limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = 8


class ChatDocumentIds(Strict):
    """All that the chat has then."""

    document_ids: Annotated[list[DocumentId], Field(max_length=MAX_NAMED)] = Field(default_factory=list)
    collection_ids: Annotated[list[CollectionId], Field(max_length=MAX_NAMED)] = Field(default_factory=list)


# --- out --------------------------------------------------------------------------------------------------------------


class DocumentFault(View):
    """Why it could not be read, as a code of its own and a sentence that says what to do."""

    code: str
    message: str


class DocumentView(View):
    """`num_pages`: null until it is known. `vectors`: how far the search by meaning is; "none": nobody makes them.
    `notes`: what was left out of the reading, as codes with numbers. `collection_ids`: of those that you see."""

    document_id: str
    name: str
    format: str  # "" until it was opened
    media_type: str
    num_bytes: int
    status: DocumentStatus
    error: DocumentFault | None
    num_pages: int | None
    num_pages_read: int
    num_passages: int
    num_vectors: int
    vectors: VectorState
    notes: dict[str, int]
    num_tokens: int  # about
    is_own: bool
    owner_name: str
    collection_ids: list[str]
    created_at_ms: int
    updated_at_ms: int
    deleted_at_ms: int | None


class DocumentList(View):
    data: list[DocumentView]
    next_cursor: str | None  # null: this is the last page


class DocumentPageView(View):
    """`width`, `height`: points (1/72 inch); 0 where nothing is drawn. `boxes`: of each line, as [start, end, left,
    top, right, bottom] from the top left corner."""

    document_id: str
    number: int  # from 1
    num_pages: int | None
    label: str  # a sheet's, slide's or chapter's name
    text: str
    width: float
    height: float
    boxes: list[tuple[int, int, float, float, float, float]]
    is_scanned: bool  # a picture without text


class PassageView(View):
    """`heading`: those above it. `header`: of the table whose rows it shows. `boxes`: its lines on the page, as of a
    page."""

    document_id: str
    passage_id: int
    page: int
    label: str
    start: int
    end: int
    text: str
    heading: str
    header: str
    boxes: list[tuple[int, int, float, float, float, float]]


class PassageHit(View):
    document_id: str
    document_name: str
    passage_id: int
    page: int
    label: str
    start: int
    end: int
    text: str
    heading: str
    score: float  # comes from this search alone: good for its order only


class DocumentHits(View):
    """`notes`: why meaning was not searched, where it was not: "no_embedder", "no_vectors", …"""

    hits: list[PassageHit]
    searched: Literal["words", "words_and_vectors"]
    notes: list[str]
