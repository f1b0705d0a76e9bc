"""/api/sessions/{id}/documents: which documents and collections a chat is answered from. Event loop only.

Who writes in the chat chooses, among what they see themselves; all who read the chat are told names.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.documents.telling import DocumentViews
from bdchat.api.http.endpoints import Endpoint, declared, path_id, reply
from bdchat.api.http.identity import require_user
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.collections import ChatDocumentsView, CollectionView
from bdchat.api.schemas.documents import ChatDocumentIds
from bdchat.settings import Settings
from bdchat.store.chats import sessions
from bdchat.store.db import Db
from bdchat.store.documents import attachments
from bdchat.store.documents.listing import people
from bdchat.store.sql.database import Database

PATH = "/api/sessions/{session_id}/documents"


class ChatDocuments:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        writes: Writes,
        *,
        views: DocumentViews,
    ) -> None:
        self._limits = settings.limits
        self._most = settings.documents.num_per_chat
        self._database = database
        self._writes = writes
        self._views = views

    def routes(self) -> list[Route]:
        return declared(
            Endpoint("GET", PATH, self.show, "What a chat is answered from", response=ChatDocumentsView),
            Endpoint(
                "PUT",
                PATH,
                self.put,
                "Choose what a chat is answered from, in place of what it had",
                body=ChatDocumentIds,
                response=ChatDocumentsView,
                errors=(409,),
            ),
        )

    async def show(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")

        def read(db: Db) -> ChatDocumentsView:
            sessions.get_readable(db, user_id, session_id)
            return self._view(db, user_id, session_id)

        return reply(await self._database.read(read))

    async def put(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        body = parse(ChatDocumentIds, await read_json_body(request), self._limits)

        def put(db: Db, news: News) -> ChatDocumentsView:
            session = sessions.get_writable(db, user_id, session_id)
            attachments.set_of_chat(
                db,
                user_id,
                session_id,
                document_ids=body.document_ids,
                collection_ids=body.collection_ids,
                most=self._most,
            )
            news.session_changed(sessions.audience(db, session))
            return self._view(db, user_id, session_id)

        return reply(await self._writes.run(put))

    def _view(self, db: Db, user_id: str, session_id: str) -> ChatDocumentsView:
        found = attachments.of_chat(db, session_id)
        return ChatDocumentsView(
            documents=self._views.of(db, user_id, found.documents),
            collections=[
                CollectionView.of(seen, can_open=can_open)
                for seen, can_open in people.collections_as_seen(db, user_id, found.collections)
            ],
        )
