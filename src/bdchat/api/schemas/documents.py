"""Documents, their pages and passages on the wire of /api. Spans count code points of their page's text."""

from typing import Annotated, Literal

from pydantic import Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text
from bdchat.reading.pieces import BlockKind
from bdchat.reading.reasons import REASONS
from bdchat.store.document_tables import Document, DocumentPage, Passage
from bdchat.store.documents.listing.shown import ShownDocument
from bdchat.store.documents.search import FoundPassage

MAX_NAME_CHARS = 255
MAX_PAGE = 100
MAX_SEARCH_CHARS = 2000  # a question, and what was pasted with it
MAX_HITS = 50
MAX_NAMED = 200  # documents, and collections, that a search or a chat names

QUOTA_EXCEEDED = "quota_exceeded"
SERVER_ERROR = "server_error"
FAULTS = {
    **REASONS,
    QUOTA_EXCEEDED: "The account has no room for its text. Delete something for good, or ask an admin for more.",
    SERVER_ERROR: "The server had an error while it read the file. Try again; its log says more.",
}

Box = tuple[int, int, float, float, float, float]  # start, end, left, top, right, bottom

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
    can_open: bool  # false: one that a chat is answered from, named to its readers
    owner_name: str
    collection_ids: list[str]
    created_at_ms: int
    updated_at_ms: int
    deleted_at_ms: int | None

    @classmethod
    def of(cls, shown: ShownDocument, *, has_embedder: bool) -> "DocumentView":
        row = shown.document
        code = row.error_code
        return cls.model_construct(
            document_id=row.document_id,
            name=row.name,
            format=row.format,
            media_type=row.media_type,
            num_bytes=row.num_bytes,
            status=row.status,
            error=DocumentFault(code=code, message=FAULTS.get(code, code)) if code else None,
            num_pages=row.num_pages,
            num_pages_read=row.num_pages_read,
            num_passages=row.num_passages,
            num_vectors=shown.num_vectors,
            vectors=_vector_state(shown) if has_embedder else "none",
            notes=row.notes,
            num_tokens=row.num_tokens,
            is_own=shown.is_own,
            can_open=shown.can_open,
            owner_name=shown.owner_name,
            collection_ids=list(shown.collection_ids),
            created_at_ms=row.created_at_ms,
            updated_at_ms=row.updated_at_ms,
            deleted_at_ms=row.deleted_at_ms,
        )


def _vector_state(shown: ShownDocument) -> VectorState:
    if shown.document.status == "ready" and shown.num_vectors >= shown.document.num_passages:
        return "ready"
    return "running" if shown.num_vectors else "waiting"


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
    boxes: list[Box]
    blocks: list[tuple[BlockKind, int, int, int]]  # what its parts are: kind, start, end, level of a heading
    is_scanned: bool  # a picture without text

    @classmethod
    def of(cls, document: Document, page: DocumentPage) -> "DocumentPageView":
        return cls.model_construct(
            document_id=document.document_id,
            number=page.number,
            num_pages=document.num_pages,
            label=page.label,
            text=page.text,
            width=page.width,
            height=page.height,
            boxes=[tuple(box) for box in page.boxes],
            blocks=[tuple(block) for block in page.blocks],
            is_scanned=page.is_scanned,
        )


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
    boxes: list[Box]

    @classmethod
    def of(cls, passage: Passage, page: DocumentPage) -> "PassageView":
        start, end = passage.start, passage.end
        return cls.model_construct(
            document_id=passage.document_id,
            passage_id=passage.passage_id,
            page=passage.page,
            label=page.label,
            start=start,
            end=end,
            text=page.text[start:end],
            heading=passage.heading,
            header=passage.header,
            boxes=[tuple(box) for box in page.boxes if box[0] < end and box[1] > start],
        )


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

    @classmethod
    def of(cls, hit: FoundPassage) -> "PassageHit":
        return cls.model_construct(
            document_id=hit.document_id,
            document_name=hit.document_name,
            passage_id=hit.passage_id,
            page=hit.page,
            label=hit.label,
            start=hit.start,
            end=hit.end,
            text=hit.text,
            heading=hit.heading,
            score=hit.score,
        )


class DocumentHits(View):
    """`notes`: why meaning was not searched, or not all of it: "no_embedder", "no_vectors", "vectors_unavailable",
    "vectors_incomplete"."""

    hits: list[PassageHit]
    searched: Literal["words", "words_and_vectors"]
    notes: list[str]
