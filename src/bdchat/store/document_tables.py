"""The tables of documents (SQLModel): files, what was read of them, collections, and what chats were told of them.

A file lies in the database, as what is said about it does: one transaction, one backup, one quota. Rules as in
tables.py.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, false, text
from sqlmodel import Field

from bdchat.store.columns import Row, count, json_list, json_object, long_text, row_id, row_number, time_ms

_IS_KEPT = text("deleted_at_ms IS NULL AND sha256 <> ''")


class Document(Row, table=True):
    """A file of somebody's. `sha256` is "" until all of it is here; the same bytes twice are one file of its owner's.
    `status`: "uploading" | "waiting" | "reading" | "paused" | "ready" | "failed"; while it is "reading",
    `lease_owner` is the server process that reads it and must say so before `lease_expires_at_ms`.
    Deleted ones stay for a time (undo), then are purged."""

    __table_args__ = (
        # PostgreSQL's condition is the migration's: named here it would load that dialect, 2 MB that most never need.
        Index("document_content", "user_id", "sha256", unique=True, sqlite_where=_IS_KEPT),
        Index("ix_document_status", "status", "lease_expires_at_ms"),
        Index("ix_document_deleted", "deleted_at_ms"),
    )

    document_id: str = row_id(primary_key=True)
    user_id: str = row_id("user.user_id")
    name: str
    format: str = ""  # "pdf", "docx", …: what its content is, once it is being read
    media_type: str = ""
    num_bytes: int = count()
    sha256: str = ""  # in hex
    status: str = "uploading"
    error_code: str = ""
    error_detail: str = long_text()
    num_pages: int | None = None  # None: not known yet
    num_pages_read: int = count()
    num_passages: int = count()
    num_tokens: int = count()  # of its passages, about
    notes: dict[str, Any] = json_object()  # what was left out, as codes with numbers
    lease_owner: str = ""
    lease_expires_at_ms: int = count()
    created_at_ms: int = time_ms()
    updated_at_ms: int = time_ms()
    deleted_at_ms: int | None = time_ms(nullable=True)


class DocumentPart(Row, table=True):
    """A stretch of a file's bytes, each of documents.PART_BYTES but the last. Numbered from 0."""

    __tablename__ = "document_part"

    document_id: str = Field(
        sa_column=Column(String(64), ForeignKey("document.document_id", ondelete="CASCADE"), primary_key=True)
    )
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class DocumentPage(Row, table=True):
    """What was read of a page, numbered from 1. `boxes`: [start, end, left, top, right, bottom] of each line; `blocks`:
    [kind, start, end, level]. Spans count code points of `text`."""

    __tablename__ = "document_page"

    document_id: str = Field(
        sa_column=Column(String(64), ForeignKey("document.document_id", ondelete="CASCADE"), primary_key=True)
    )
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    label: str = ""
    text: str = long_text()
    width: float = 0.0  # points; 0: nothing is drawn
    height: float = 0.0
    boxes: list[list[Any]] = json_list()
    blocks: list[list[Any]] = json_list()
    is_scanned: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))


class Passage(Row, table=True):
    """A stretch of one page: its text is the page's [start:end]. `terms`: how often each term is in heading, header and
    text, packed (documents.terms); relevance reads them as they are, in every database. A number never comes again:
    Chroma and the chats' sources know passages by it."""

    __table_args__ = (Index("ix_passage_page", "document_id", "page", "start"), {"sqlite_autoincrement": True})

    passage_id: int | None = row_number(primary_key=True, counts_itself=True)
    document_id: str = Field(
        sa_column=Column(String(64), ForeignKey("document.document_id", ondelete="CASCADE"), nullable=False)
    )
    page: int
    start: int
    end: int
    heading: str = long_text()
    header: str = long_text()
    num_tokens: int = count()
    num_terms: int = count()  # its length, as relevance reckons with it
    terms: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))


class PassageVector(Row, table=True):
    """`vector`: float16, little endian, as the embedder `fingerprint` made it."""

    __tablename__ = "passage_vector"
    __table_args__ = (Index("ix_passage_vector_document", "document_id", "fingerprint"),)

    passage_id: int = row_number("passage.passage_id", primary_key=True)
    document_id: str = Field(
        sa_column=Column(String(64), ForeignKey("document.document_id", ondelete="CASCADE"), nullable=False)
    )
    fingerprint: str
    vector: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Collection(Row, table=True):
    """Documents under one name, for its owner and its members. Deleted ones stay for a time (undo); the documents are
    not deleted with it."""

    __table_args__ = (Index("ix_collection_deleted", "deleted_at_ms"),)

    collection_id: str = row_id(primary_key=True)
    user_id: str = row_id("user.user_id")
    name: str
    description: str = long_text()
    created_at_ms: int = time_ms()
    updated_at_ms: int = time_ms()
    deleted_at_ms: int | None = time_ms(nullable=True)


class CollectionMember(Row, table=True):
    """Somebody who sees the collection's documents; a writer also adds own ones. The owner has no row."""

    __tablename__ = "collection_member"
    __table_args__ = (Index("ix_collection_member_user", "user_id"),)

    collection_id: str = Field(
        sa_column=Column(String(64), ForeignKey("collection.collection_id", ondelete="CASCADE"), primary_key=True)
    )
    user_id: str = Field(sa_column=Column(String(64), ForeignKey("user.user_id", ondelete="CASCADE"), primary_key=True))
    role: str = "reader"  # "reader" | "writer"
    created_at_ms: int = time_ms()


class CollectionDocument(Row, table=True):
    """`added_by`: the user who put it there."""

    __tablename__ = "collection_document"
    __table_args__ = (Index("ix_collection_document_document", "document_id"),)

    collection_id: str = Field(
        sa_column=Column(String(64), ForeignKey("collection.collection_id", ondelete="CASCADE"), primary_key=True)
    )
    document_id: str = Field(
        sa_column=Column(String(64), ForeignKey("document.document_id", ondelete="CASCADE"), primary_key=True)
    )
    added_by: str = Field(default="", max_length=64)
    created_at_ms: int = time_ms()


class ChatDocument(Row, table=True):
    """A file that a chat asks, as long as who put it there may read it and is in the chat."""

    __tablename__ = "chat_document"
    __table_args__ = (Index("ix_chat_document_document", "document_id"),)

    session_id: str = Field(
        sa_column=Column(String(64), ForeignKey("chat_session.session_id", ondelete="CASCADE"), primary_key=True)
    )
    document_id: str = Field(
        sa_column=Column(String(64), ForeignKey("document.document_id", ondelete="CASCADE"), primary_key=True)
    )
    added_by: str = Field(max_length=64)
    created_at_ms: int = time_ms()


class ChatCollection(Row, table=True):
    """A collection that a chat asks, as long as who put it there may read it and is in the chat."""

    __tablename__ = "chat_collection"
    __table_args__ = (Index("ix_chat_collection_collection", "collection_id"),)

    session_id: str = Field(
        sa_column=Column(String(64), ForeignKey("chat_session.session_id", ondelete="CASCADE"), primary_key=True)
    )
    collection_id: str = Field(
        sa_column=Column(String(64), ForeignKey("collection.collection_id", ondelete="CASCADE"), primary_key=True)
    )
    added_by: str = Field(max_length=64)
    created_at_ms: int = time_ms()


class MessageSource(Row, table=True):
    """What a prompt was given of a document, under the user's message that brought it. `text` is what stood in the
    prompt, so that it can be made again when the document is gone: hence no reference to it. `number`: as the answer
    cites it, counted along the path."""

    __tablename__ = "message_source"
    __table_args__ = (Index("ix_message_source_document", "document_id"),)

    message_id: str = Field(
        sa_column=Column(String(64), ForeignKey("message.message_id", ondelete="CASCADE"), primary_key=True)
    )
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    document_id: str = Field(max_length=64)
    passage_id: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))  # None: the whole file
    page: int
    start: int
    end: int
    is_whole: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    document_name: str = ""
    text: str = long_text()
    heading: str = long_text()
    header: str = long_text()
