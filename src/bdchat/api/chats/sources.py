"""GET /api/sessions/{session_id}/messages/{message_id}/sources, and what of sources stands beside messages.

Whoever may read a chat may read what it was given of documents; whether they may open the documents is another
question, asked of each.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.citations.cited import Citation, citations_of, cited_numbers
from bdchat.api.citations.passage import PromptPassage
from bdchat.api.documents.chat_sources import IDS_PER_QUERY, passage_of
from bdchat.api.http.endpoints import Endpoint, declared, path_id, reply
from bdchat.api.http.identity import require_user
from bdchat.api.schemas.messages import CitationView, SourceList, SourceView
from bdchat.store.chats import messages, sessions
from bdchat.store.chats.messages import PathEntry
from bdchat.store.db import Db
from bdchat.store.document_tables import DocumentPage, MessageSource
from bdchat.store.documents import pages, scope, sources
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database

_MAY_CITE = re.compile(r"[\[［【]\s*\d")


@dataclass(frozen=True, slots=True)
class MessageSources:
    """What is shown beside a message."""

    num_sources: int = 0
    citations: tuple[CitationView, ...] = ()


class Sources:
    def __init__(self, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                "/api/sessions/{session_id}/messages/{message_id}/sources",
                self.show,
                "What a message brought of documents, or an answer cites of it",
                response=SourceList,
            )
        )

    async def show(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        message_id = path_id(request, "message_id")

        def read(db: Db) -> SourceList:
            sessions.get_readable(db, user_id, session_id)
            message = messages.get_in(db, session_id, message_id)
            if message.role == "assistant":
                rows = _cited_first(_on_path(db, session_id, message_id), message.content, message.parent_id)
            else:
                rows = sources.of_message(db, message_id)
            return SourceList(sources=_views(db, user_id, rows))

        return reply(await self._database.read(read))


def beside(db: Db, session_id: str, page: Sequence[PathEntry]) -> dict[str, MessageSources]:
    """Of a page of a path, by message; of those that have anything. Asks nobody whose it is."""
    asked = [entry.message.message_id for entry in page if entry.message.role == "user"]
    found = {message_id: MessageSources(number) for message_id, number in sources.counts(db, asked).items()}
    answers = {
        entry.message.message_id: entry.content
        for entry in page
        if entry.message.role == "assistant" and entry.content and _MAY_CITE.search(entry.content)
    }
    if not answers:
        return found
    rows = _on_path(db, session_id, page[-1].message.message_id)
    by_number: dict[int, PromptPassage] = {row.number: passage_of(row) for row in rows}
    for message_id, content in answers.items() if by_number else ():
        views = tuple(map(_citation, citations_of(content, by_number)))
        if views:
            found[message_id] = MessageSources(citations=views)
    return found


def _citation(citation: Citation) -> CitationView:
    start, end = citation.page_span
    mark = citation.mark
    return CitationView(
        number=mark.number,
        start=mark.start,
        end=mark.end,
        is_supported=citation.is_supported,
        quote_start=start,
        quote_end=end,
    )


def _on_path(db: Db, session_id: str, leaf_id: str) -> list[MessageSource]:
    """By number."""
    ids = messages.path_ids(db, session_id, leaf_id)
    found = [
        row
        for at in range(0, len(ids), IDS_PER_QUERY)
        for rows in sources.of_path(db, ids[at : at + IDS_PER_QUERY]).values()
        for row in rows
    ]
    return sorted(found, key=lambda row: row.number)


def _cited_first(rows: Sequence[MessageSource], answer: str, question_id: str | None) -> list[MessageSource]:
    """Then those that its question brought."""
    by_number = {row.number: row for row in rows}
    cited = cited_numbers(answer, by_number)
    rest = [row for row in rows if row.message_id == question_id and row.number not in cited]
    return [*(by_number[number] for number in cited), *rest]


def _views(db: Db, user_id: str, rows: Sequence[MessageSource]) -> list[SourceView]:
    there = scope.readable_among(db, user_id, list({row.document_id for row in rows}))
    within = scope.Scope(scope.visible_documents(user_id), ())
    read: dict[tuple[str, int], DocumentPage | None] = {}
    for row in rows:
        key = row.document_id, row.page
        if row.document_id in there and key not in read:
            read[key] = _page(db, *key, within)
    return [
        SourceView.of(row, read.get((row.document_id, row.page)), is_there=row.document_id in there) for row in rows
    ]


def _page(db: Db, document_id: str, number: int, within: scope.Scope) -> DocumentPage | None:
    try:
        return pages.get(db, document_id, number, within)
    except NotFound:  # it was read anew, into fewer pages
        return None
