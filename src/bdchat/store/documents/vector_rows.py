"""Vectors of passages: which are missing, and all there are. Functions of a Session, inside the caller's transaction.

They are the truth for whichever index searches them. They are made by the server and not by a request: in the books,
and never refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, text
from sqlmodel import col, select

from bdchat.store.accounting import quotas
from bdchat.store.db import Db
from bdchat.store.document_tables import Document, DocumentPage, Passage, PassageVector
from bdchat.store.documents.scope import is_kept

DOCUMENTS_AT_ONCE = 8  # that are looked through for passages without a vector


@dataclass(frozen=True, slots=True)
class UnembeddedPassage:
    passage_id: int
    document_id: str
    heading: str
    header: str
    text: str


@dataclass(frozen=True, slots=True)
class StoredVector:
    passage_id: int
    document_id: str
    vector: bytes  # float16, little endian


_PUT = text(
    "INSERT INTO passage_vector (passage_id, document_id, fingerprint, vector)"
    " SELECT passage_id, document_id, :fingerprint, :vector FROM passage WHERE passage_id = :passage_id"
    " ON CONFLICT (passage_id) DO UPDATE SET fingerprint = excluded.fingerprint, vector = excluded.vector"
)


def missing(db: Db, fingerprint: str, limit: int) -> list[UnembeddedPassage]:
    """Some passages that this embedder has made no vector of, of the files that came first."""
    have = (
        select(func.count())
        .select_from(PassageVector)
        .where(col(PassageVector.document_id) == col(Document.document_id), PassageVector.fingerprint == fingerprint)
        .correlate(Document)
        .scalar_subquery()
    )
    incomplete = (
        select(Document.document_id)
        .where(is_kept(), col(Document.num_passages) > have)
        .order_by(col(Document.document_id))
        .limit(DOCUMENTS_AT_ONCE)
    )
    document_ids = list(db.exec(incomplete))
    stretch = func.substr(
        col(DocumentPage.text), col(Passage.start) + 1, col(Passage.end) - col(Passage.start)
    )  # of code points, in both databases
    own = (col(PassageVector.passage_id) == col(Passage.passage_id)) & (PassageVector.fingerprint == fingerprint)
    query = (
        select(col(Passage.passage_id), col(Passage.document_id), Passage.heading, Passage.header)
        .add_columns(stretch)
        .join(
            DocumentPage,
            (col(DocumentPage.document_id) == col(Passage.document_id))
            & (col(DocumentPage.number) == col(Passage.page)),
        )
        .join(PassageVector, own, isouter=True)
        .where(col(Passage.document_id).in_(document_ids), col(PassageVector.passage_id).is_(None))
        .order_by(col(Passage.document_id), col(Passage.passage_id))
        .limit(limit)
    )
    return [UnembeddedPassage(*row) for row in db.execute(query)]


def put(db: Db, fingerprint: str, rows: Sequence[tuple[int, bytes]]) -> None:
    """(passage_id, vector) each; instead of another embedder's. A passage that is gone is left out."""
    quotas.let_pass(db)
    values = [{"passage_id": number, "fingerprint": fingerprint, "vector": vector} for number, vector in rows]
    if values:
        db.connection().execute(_PUT, values)


def all_of(db: Db, fingerprint: str, after: int, limit: int) -> list[StoredVector]:
    """In order of passage_id, those beyond `after`; also of files that are deleted and may come back: who asks names
    the files."""
    query = (
        select(col(PassageVector.passage_id), PassageVector.document_id, PassageVector.vector)
        .where(PassageVector.fingerprint == fingerprint, col(PassageVector.passage_id) > after)
        .order_by(col(PassageVector.passage_id))
        .limit(limit)
    )
    return [StoredVector(*row) for row in db.execute(query)]


def count(db: Db, fingerprint: str) -> int:
    """What `all_of` gives in the end."""
    query = select(func.count()).select_from(PassageVector).where(PassageVector.fingerprint == fingerprint)
    return int(db.exec(query).one())
