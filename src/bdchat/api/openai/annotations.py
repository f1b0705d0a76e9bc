"""What an answer was given of documents and what it cites of it, on the wire of /v1. Pure.

1. `sources`, beside `choices` in the object and in a stream's first chunk: the passages that its question brought, by
   their numbers. Of a chat's answer those of earlier questions are cited too.
2. `annotations` of the message, and of a stream's last delta: for each mark in its content a file_citation. `index` is
   the number in the mark; `start_index` and `end_index` are the mark's place in the content, `start` and `end` the
   quote's in its page's text. All count code points. `is_supported` false: the sentence shares no word with
   the passage.
"""

from collections.abc import Sequence
from typing import Any

from bdchat.api.citations.cited import Citation, citations_of
from bdchat.api.citations.passage import PromptPassage


class AnswerSources:
    """`brought`: by the question. `shown`: all that the answer may cite, those among them."""

    def __init__(self, brought: Sequence[PromptPassage] = (), shown: Sequence[PromptPassage] = ()) -> None:
        self._brought = tuple(brought)
        self._by_number = {passage.number: passage for passage in [*shown, *brought]}

    def __bool__(self) -> bool:
        return bool(self._by_number)

    def to_wire(self) -> dict[str, Any]:
        """Nothing where nothing was asked."""
        return {"sources": list(map(_source, self._brought))} if self else {}

    def annotations(self, content: str) -> list[dict[str, Any]]:
        return list(map(_annotation, citations_of(content, self._by_number)))


def _source(passage: PromptPassage) -> dict[str, Any]:
    return {
        "number": passage.number,
        "document_id": passage.document_id,
        "document_name": passage.document_name,
        "passage_id": passage.passage_id,
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        "heading": passage.heading,
        "is_whole": passage.is_whole,
    }


def _annotation(citation: Citation) -> dict[str, Any]:
    passage, (start, end) = citation.passage, citation.page_span
    of_file = {
        "index": citation.mark.number,
        "file_id": passage.document_id,
        "filename": passage.document_name,
        "page": passage.page,
        "start": start,
        "end": end,
        "quote": citation.quote.text,
        "is_supported": citation.is_supported,
        "start_index": citation.mark.start,
        "end_index": citation.mark.end,
    }
    return {"type": "file_citation", "file_citation": of_file}
