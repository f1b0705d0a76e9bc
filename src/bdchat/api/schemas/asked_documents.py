"""Documents that a request to /v1/chat/completions names or brings along.

`documents` holds ids of documents (those of /v1/files), and objects of a text with its title; `metadata.document_ids`
and `metadata.collection_ids` name more, separated by commas, for SDKs that know no field `documents`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

from bdchat.api.http.parsing import invalid

MAX_DOCUMENTS = 64  # of one request, named or brought along; and as many collections
MAX_ID_CHARS = 64
MAX_TITLE_CHARS = 255
MAX_TEXT_CHARS = 2_000_000  # of all that a request brings along: they are cut and searched while it waits
DOCUMENT_IDS, COLLECTION_IDS = "document_ids", "collection_ids"  # in metadata


@dataclass(frozen=True, slots=True)
class InlineDocument:
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class AskedDocuments:
    """`document_ids` by the field that named each."""

    document_ids: dict[str, str]
    collection_ids: tuple[str, ...] = ()
    texts: tuple[InlineDocument, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.document_ids or self.collection_ids or self.texts)


def _documents(value: object) -> tuple[str | InlineDocument, ...]:
    if not isinstance(value, list):
        raise invalid("must be a list of documents' ids and of objects with a title and a text.")
    if len(value) > MAX_DOCUMENTS:
        raise invalid(f"must hold at most {MAX_DOCUMENTS} documents: put them into a collection and name that.")
    found = tuple(_document(each, f"[{index}]") for index, each in enumerate(value))
    if sum(len(each.text) for each in found if isinstance(each, InlineDocument)) > MAX_TEXT_CHARS:
        raise invalid(f"hold more than {MAX_TEXT_CHARS:,} characters of text: upload them to /v1/files and name them.")
    return found


def _document(value: object, at: str) -> str | InlineDocument:
    if isinstance(value, str):
        if not 1 <= len(value) <= MAX_ID_CHARS or "\x00" in value:
            raise invalid("is no id of a document.", at=at)
        return value
    if not isinstance(value, dict):
        raise invalid("must be a document's id, or an object with a title and a text.", at=at)
    title, text = value.get("title", ""), value.get("text")
    if not isinstance(text, str) or not text.strip() or "\x00" in text:
        raise invalid("must be a text that is not empty, without NUL.", at=f"{at}.text")
    if not isinstance(title, str) or len(title) > MAX_TITLE_CHARS or "\x00" in title:
        raise invalid(f"must be a string of at most {MAX_TITLE_CHARS} characters, without NUL.", at=f"{at}.title")
    return InlineDocument(title, text)


DocumentsField = Annotated[Any, AfterValidator(_documents)]  # tuple[str | InlineDocument, ...] once validated


def ids_in(metadata: object, name: str) -> list[str]:
    """Of a request's metadata, stored or not. Raises the error that becomes InvalidRequest."""
    given = metadata.get(name) if isinstance(metadata, dict) else None
    if given is None:
        return []
    at = f"metadata.{name}"
    if not isinstance(given, str):
        raise invalid("must be a string of ids, separated by commas.", at=at)
    ids = list(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))
    if len(ids) > MAX_DOCUMENTS or any(len(each) > MAX_ID_CHARS or "\x00" in each for each in ids):
        raise invalid(f"must be at most {MAX_DOCUMENTS} ids of {MAX_ID_CHARS} characters, separated by commas.", at=at)
    return ids


def asked_documents(documents: Iterable[str | InlineDocument] | None, metadata: object) -> AskedDocuments:
    """Of a request that was validated."""
    named: dict[str, str] = {}
    texts: list[InlineDocument] = []
    for index, each in enumerate(documents or ()):
        if isinstance(each, InlineDocument):
            texts.append(each)
        else:
            named.setdefault(each, f"documents[{index}]")
    for each in ids_in(metadata, DOCUMENT_IDS):
        named.setdefault(each, f"metadata.{DOCUMENT_IDS}")
    return AskedDocuments(named, tuple(ids_in(metadata, COLLECTION_IDS)), tuple(texts))
