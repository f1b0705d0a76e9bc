"""OpenAI's /v1/files and /v1/vector_stores: documents and collections, as OpenAI's SDKs name them.

Deliberate divergences from OpenAI:
1. A file's id is its document's, a vector store's its collection's: they are the same things as in /api.
2. A file's purpose is "assistants", whichever of the two it was uploaded with: here it makes no difference.
3. A file is read at once, whether a vector store has it or not; `status` says how far that is. A vector store has the
   files of all who put some in; the list of /v1/files has the caller's own only.
4. What is not kept (expiry, metadata, attributes, filters, own chunk sizes) is refused by name.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text, Wire, unsupported
from bdchat.api.schemas.answers import Answer
from bdchat.api.schemas.collections import CollectionName, Description
from bdchat.api.schemas.documents import FAULTS, MAX_SEARCH_CHARS, CollectionId, DocumentId
from bdchat.store.document_tables import Collection, CollectionDocument, Document
from bdchat.store.documents.listing.paging import Filling

MAX_FILES_PAGE = 10_000
MAX_PAGE = 100
MAX_RESULTS = 50
MAX_FILES_AT_ONCE = 100
MAX_QUERIES = 16
DEFAULT_STORE_NAME = "Untitled"

Order = Literal["asc", "desc"]
Purpose = Literal["assistants", "user_data"]
StoreFileStatus = Literal["in_progress", "completed", "cancelled", "failed"]

STORE_STATUS: Mapping[str, StoreFileStatus] = {"ready": "completed", "failed": "failed", "paused": "cancelled"}
FILE_STATUS: Mapping[str, Literal["processed", "error"]] = {"ready": "processed", "failed": "error"}
FAULT_CODES: Mapping[str, Literal["server_error", "unsupported_file", "invalid_file"]] = {
    **dict.fromkeys(("server_error", "reader_died", "quota_exceeded"), "server_error"),
    "unknown_format": "unsupported_file",
}

NO_EXPIRY = "files and vector stores stay until they are deleted"
NOT_KEPT = "it is not kept here"
OWN_CHUNKS = "passages are cut along headings and sentences, 350 to 450 tokens each"

# --- in ---------------------------------------------------------------------------------------------------------------


class FileQuery(Strict):
    limit: Annotated[int, Field(ge=1, le=MAX_FILES_PAGE)] = MAX_FILES_PAGE
    order: Order = "desc"
    after: DocumentId | None = None
    purpose: Annotated[Text, Field(max_length=64)] | None = None


class FileFields(Wire):
    """A form's fields beside its file."""

    purpose: Purpose


class StoreQuery(Strict):
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20
    order: Order = "desc"
    after: CollectionId | None = None
    before: CollectionId | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.before is not None:
            raise unsupported("'before' is not supported: say 'after', and 'order'.", at="before")
        return self


class StoreFileQuery(StoreQuery):
    filter: StoreFileStatus | None = None


class _Honest(Wire):
    """What would be lost silently is refused, with the reason; a value that asks for nothing is let through."""

    @model_validator(mode="before")
    @classmethod
    def _says_what_is_not_kept(cls, fields: Any) -> Any:
        if isinstance(fields, dict):
            for name, reason in cls._refusals().items():
                if fields.get(name) not in (None, {}, [], False) and not _is_auto(name, fields[name]):
                    raise unsupported(f"{name!r} is not supported: {reason}.", at=name)
        return fields

    @classmethod
    def _refusals(cls) -> Mapping[str, str]:
        return {}


class NewVectorStore(_Honest):
    name: CollectionName | None = None
    description: Description | None = None
    file_ids: Annotated[list[DocumentId], Field(max_length=MAX_FILES_AT_ONCE)] | None = None

    @classmethod
    def _refusals(cls) -> Mapping[str, str]:
        return {"expires_after": NO_EXPIRY, "metadata": NOT_KEPT, "chunking_strategy": OWN_CHUNKS}


class VectorStoreChanges(_Honest):
    name: CollectionName | None = None

    @classmethod
    def _refusals(cls) -> Mapping[str, str]:
        return {"expires_after": NO_EXPIRY, "metadata": NOT_KEPT}


class NewStoreFile(_Honest):
    file_id: DocumentId

    @classmethod
    def _refusals(cls) -> Mapping[str, str]:
        return {"attributes": NOT_KEPT, "chunking_strategy": OWN_CHUNKS}


class StoreSearch(_Honest):
    """Several queries are searched one after another; a passage counts with its best."""

    query: (
        Annotated[Text, Field(min_length=1, max_length=MAX_SEARCH_CHARS)]
        | Annotated[
            list[Annotated[Text, Field(min_length=1, max_length=MAX_SEARCH_CHARS)]],
            Field(min_length=1, max_length=MAX_QUERIES),
        ]
    )
    max_num_results: Annotated[int, Field(ge=1, le=MAX_RESULTS)] = 10

    @classmethod
    def _refusals(cls) -> Mapping[str, str]:
        return {
            "filters": "files have no attributes here; search a vector store that holds the ones you mean",
            "ranking_options": "the order is the server's own, and scores are good for the order only",
            "rewrite_query": "a query is searched as it is written",
        }

    @property
    def queries(self) -> list[str]:
        return [self.query] if isinstance(self.query, str) else self.query


def _is_auto(name: str, value: Any) -> bool:
    """What asks for the server's own way."""
    if not isinstance(value, dict):
        return False
    if name == "chunking_strategy":
        return bool(value.get("type") == "auto")
    if name == "ranking_options":
        return value.get("ranker") in {None, "auto", "none"} and not value.get("score_threshold")
    return False


# --- out --------------------------------------------------------------------------------------------------------------


class FileObject(Answer):
    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None = None
    filename: str
    purpose: Literal["assistants"] = "assistants"
    status: Literal["uploaded", "processed", "error"]
    status_details: str | None = None

    @classmethod
    def of(cls, row: Document) -> "FileObject":
        return cls(
            id=row.document_id,
            bytes=row.num_bytes,
            created_at=row.created_at_ms // 1000,
            filename=row.name,
            status=FILE_STATUS.get(row.status, "uploaded"),
            status_details=FAULTS.get(row.error_code, row.error_code) or None,
        )


class FileList(Answer):
    object: Literal["list"] = "list"
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedFile(View):
    id: str
    object: Literal["file"] = "file"
    deleted: bool = True


class FileCounts(View):
    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


class VectorStoreObject(Answer):
    id: str
    object: Literal["vector_store"] = "vector_store"
    created_at: int
    name: str
    description: str | None = None
    usage_bytes: int  # of its files
    file_counts: FileCounts
    status: Literal["in_progress", "completed"]
    expires_after: None = None
    expires_at: None = None
    last_active_at: int | None
    metadata: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of(cls, row: Collection, filling: Filling) -> "VectorStoreObject":
        counts = Counter(dict.fromkeys(get_args(StoreFileStatus), 0))
        for status, number in filling.by_status.items():
            counts[STORE_STATUS.get(status, "in_progress")] += number
        return cls(
            id=row.collection_id,
            created_at=row.created_at_ms // 1000,
            name=row.name,
            description=row.description or None,
            usage_bytes=filling.num_bytes,
            file_counts=FileCounts(**counts, total=counts.total()),
            status="in_progress" if counts["in_progress"] else "completed",
            last_active_at=row.updated_at_ms // 1000,
        )


class VectorStoreList(Answer):
    object: Literal["list"] = "list"
    data: list[VectorStoreObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedVectorStore(View):
    id: str
    object: Literal["vector_store.deleted"] = "vector_store.deleted"
    deleted: bool = True


class StoreFileError(View):
    code: Literal["server_error", "unsupported_file", "invalid_file"]
    message: str


class StoreFile(Answer):
    id: str
    object: Literal["vector_store.file"] = "vector_store.file"
    usage_bytes: int
    created_at: int
    vector_store_id: str
    status: StoreFileStatus
    last_error: StoreFileError | None
    chunking_strategy: dict[str, str] = Field(default_factory=lambda: {"type": "other"})
    attributes: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of(cls, row: Document, place: CollectionDocument) -> "StoreFile":
        code = row.error_code
        error = StoreFileError(code=FAULT_CODES.get(code, "invalid_file"), message=FAULTS.get(code, code))
        return cls(
            id=row.document_id,
            usage_bytes=row.num_bytes,
            created_at=place.created_at_ms // 1000,
            vector_store_id=place.collection_id,
            status=STORE_STATUS.get(row.status, "in_progress"),
            last_error=error if code else None,
        )


class StoreFileList(Answer):
    object: Literal["list"] = "list"
    data: list[StoreFile]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedStoreFile(View):
    id: str
    object: Literal["vector_store.file.deleted"] = "vector_store.file.deleted"
    deleted: bool = True


class TextContent(View):
    type: Literal["text"] = "text"
    text: str


class StoreHit(Answer):
    file_id: str
    filename: str
    score: float  # 0 to 1; 1: the best of this answer
    attributes: dict[str, str] = Field(default_factory=dict)
    content: list[TextContent]


class StoreHits(Answer):
    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    data: list[StoreHit]
    has_more: bool = False
    next_page: str | None = None
