"""/api/sessions/{id}/messages and /api/messages: a chat's tree of messages, read as paths. Event loop only.

Nothing here generates: /v1/chat/completions does, with `store: true`. Messages are not deleted one by one: an edit is a
sibling, and a chat goes as a whole.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.auth.right_watch import rests_on_session
from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.chats.sources import MessageSources, beside
from bdchat.api.http.endpoints import Endpoint, declared, path_id, read_query, reply
from bdchat.api.http.identity import require_user
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.long_answer import GAP, LongAnswer, LongText, long_reply
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.messages import (
    MessagePage,
    MessageView,
    NewFork,
    NewHead,
    NewMessage,
    PathMessageView,
    PathQuery,
)
from bdchat.api.schemas.sessions import SessionView
from bdchat.settings import LimitSettings
from bdchat.store.chats import forks, messages, sessions
from bdchat.store.chats.messages import PathEntry
from bdchat.store.chats.sessions import Audience
from bdchat.store.db import Db
from bdchat.store.documents import attachments
from bdchat.store.errors import NotFound
from bdchat.store.ids import new_id
from bdchat.store.sql.database import Database
from bdchat.store.tables import Message


class Messages:
    def __init__(self, database: Database, writes: Writes, limits: LimitSettings) -> None:
        self._database = database
        self._writes = writes
        self._limits = limits

    def routes(self) -> list[Route]:
        one = "/api/sessions/{session_id}"
        return declared(
            Endpoint(
                "GET",
                f"{one}/messages",
                self.list,
                "A path of a session's messages, its end first by pages",
                query=PathQuery,
                response=MessagePage,
            ),
            Endpoint(
                "POST",
                f"{one}/messages",
                self.create,
                "Append a message without an answer; 200 when its client_message_id was there already",
                body=NewMessage,
                response=MessageView,
                status=201,
                also=(200,),
            ),
            Endpoint("GET", "/api/messages/{message_id}", self.show, "A message", response=PathMessageView),
            Endpoint(
                "POST",
                f"{one}/head",
                self.set_head,
                "Show the branch of a message, down to its newest end",
                body=NewHead,
                response=SessionView,
            ),
            Endpoint(
                "POST",
                f"{one}/fork",
                self.fork,
                "A new session with the path down to a message",
                body=NewFork,
                response=SessionView,
                status=201,
                errors=(409,),
            ),
        )

    async def list(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        query = read_query(PathQuery, request, self._limits)
        rests_on_session(request, session_id)

        def read(db: Db) -> LongAnswer:
            session, _ = sessions.get_readable(db, user_id, session_id)
            leaf_id = query.leaf or session.head_message_id
            found = messages.path(db, session_id, leaf_id, limit=query.limit, before=query.before)
            if not found and (query.leaf or query.before):
                messages.get_in(db, session_id, query.before or query.leaf or "")  # a stranger, or above the root
            next_cursor = found[0].message.message_id if found and found[0].message.parent_id is not None else None
            there = beside(db, session_id, found)
            data = [_view(entry, there) for entry in found]
            page = MessagePage(data=data, next_cursor=next_cursor)
            document = page.model_dump()
            texts = long_texts(document["data"], contents_of(found))
            return LongAnswer(document, texts, lambda db: sessions.get_readable(db, user_id, session_id))

        return await long_reply(request, self._database, read)

    async def create(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        body = parse(NewMessage, await read_json_body(request), self._limits)
        message_id = new_id()

        def append(db: Db, news: News) -> Message:
            session = sessions.get_writable(db, user_id, session_id)
            message = messages.append(
                db,
                session,
                parent_id=session.head_message_id if body.is_below_head else body.parent_id,
                role=body.role,
                content=body.content,
                author_id=user_id,
                client_message_id=body.client_message_id,
                message_id=message_id,
            )
            if message.message_id == message_id:
                if message.role == "user":
                    sessions.name_by(db, session, body.content)
                audience = sessions.audience(db, session)
                news.message(message)
                news.session_changed(audience)
            return message

        message = await self._writes.run(append)
        return reply(MessageView.of(message), status=201 if message.message_id == message_id else 200)

    async def show(self, request: Request) -> Response:
        user_id, message_id = require_user(request).user_id, path_id(request, "message_id")

        def check(db: Db) -> str:
            session_id = messages.session_id_of(db, message_id)
            try:
                sessions.get_readable(db, user_id, session_id)
            except NotFound as error:
                raise NotFound("message", message_id) from error  # no id tells that it exists
            return session_id

        def read(db: Db) -> LongAnswer:
            session_id = check(db)
            found = messages.path(db, session_id, message_id, limit=1)
            document = _view(found[0], beside(db, session_id, found)).model_dump()
            return LongAnswer(document, long_texts([document], contents_of(found)), check)

        return await long_reply(request, self._database, read)

    async def set_head(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        body = parse(NewHead, await read_json_body(request), self._limits)

        def switch(db: Db, news: News) -> Audience:
            session = sessions.get_writable(db, user_id, session_id)
            messages.set_head(db, session, body.message_id)
            audience = sessions.audience(db, session)
            news.session_changed(audience)
            return audience

        audience = await self._writes.run(switch)
        return reply(SessionView.of(next(seen for each, seen in audience if each == user_id)))

    async def fork(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        body = parse(NewFork, await read_json_body(request), self._limits)

        def tell(audience: Audience, news: News) -> None:
            news.session_changed(audience, kind="created")

        forking = forks.fork(self._database, user_id, session_id, body.message_id, furnish=attachments.copy)
        audience = await self._writes.run_job(forking, tell)
        return reply(SessionView.of(audience[0][1]), status=201)


def _view(entry: PathEntry, there: Mapping[str, MessageSources]) -> PathMessageView:
    sources = there.get(entry.message.message_id, MessageSources())
    return PathMessageView.at(entry, num_sources=sources.num_sources, citations=sources.citations)


def contents_of(page: Sequence[PathEntry]) -> dict[str, str | None]:
    return {entry.message.message_id: entry.content for entry in page}


def long_texts(items: Sequence[dict[str, Any]], contents: Mapping[str, str | None]) -> list[LongText]:
    """Makes gaps in the items whose content was not read with the page: those that are None by their message_id."""
    texts = []
    for item in items:
        if contents[item["message_id"]] is None:
            item["content"] = GAP
            texts.append(LongText(partial(_part_of_message, item["message_id"])))
    return texts


def _part_of_message(message_id: str, db: Db, start: int, num_chars: int) -> str:
    return messages.text_of(db, message_id, start, num_chars)
