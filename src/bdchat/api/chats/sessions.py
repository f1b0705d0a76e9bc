"""/api/sessions: list, settings, folders, deletion and restoration of a user's chats. Event loop only; each handler is
one transaction.

Every query carries the asking user's id. What changes is written and told by `Writes`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.http.endpoints import Endpoint, declared, path_id, read_query, reply
from bdchat.api.http.identity import require_user
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.sessions import (
    BulkChanges,
    ChangedSessions,
    ConfigBody,
    ConfigView,
    DeleteQuery,
    FolderList,
    FolderView,
    NewSession,
    SessionChanges,
    SessionPage,
    SessionQuery,
    SessionView,
)
from bdchat.engine.errors import InvalidRequest, ModelNotFound
from bdchat.engine.router import DEFAULT_NAMES, Router
from bdchat.settings import LimitSettings
from bdchat.store import retention
from bdchat.store.chats import configs, sessions
from bdchat.store.chats.sessions import Audience, Seen, SessionFilter
from bdchat.store.db import Db
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import ChatSession, SessionConfig


class Sessions:
    def __init__(self, database: Database, writes: Writes, router: Router, limits: LimitSettings) -> None:
        self._database = database
        self._writes = writes
        self._router = router
        self._limits = limits

    def routes(self) -> list[Route]:
        one = "/api/sessions/{session_id}"
        return declared(
            Endpoint(
                "GET",
                "/api/sessions",
                self.list,
                "Your sessions, the last used first",
                query=SessionQuery,
                response=SessionPage,
            ),
            Endpoint(
                "POST",
                "/api/sessions",
                self.create,
                "Begin a session",
                body=NewSession,
                response=SessionView,
                status=201,
            ),
            Endpoint(
                "POST",
                "/api/sessions/bulk",
                self.change_many,
                "Archive, pin, file, delete or bring back up to 500 sessions",
                body=BulkChanges,
                response=ChangedSessions,
            ),
            Endpoint("GET", "/api/folders", self.folders, "Folders in use", response=FolderList),
            Endpoint("GET", one, self.show, "A session", response=SessionView),
            Endpoint("PUT", one, self.change, "Rename, file, pin, archive", body=SessionChanges, response=SessionView),
            Endpoint(
                "PATCH", one, self.change, "Rename, file, pin, archive", body=SessionChanges, response=SessionView
            ),
            Endpoint(
                "DELETE",
                one,
                self.delete,
                "Delete a session; it can be restored for 30 days (store.undo_days), unless permanently",
                query=DeleteQuery,
                status=204,
            ),
            Endpoint("POST", f"{one}/restore", self.restore, "Bring a deleted session back", response=SessionView),
            Endpoint("GET", f"{one}/config", self.show_config, "A session's own settings", response=ConfigView),
            Endpoint(
                "PUT",
                f"{one}/config",
                self.put_config,
                "Replace a session's own settings",
                body=ConfigBody,
                response=ConfigView,
            ),
            Endpoint(
                "PATCH",
                f"{one}/config",
                self.change_config,
                "Change what is named of a session's own settings",
                body=ConfigBody,
                response=ConfigView,
            ),
        )

    # --- the list -----------------------------------------------------------------------------------------------------

    async def list(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        query = read_query(SessionQuery, request, self._limits)
        filters = SessionFilter(
            is_pinned=query.pinned,
            is_archived=query.archived,
            folder=query.folder,
            is_deleted=query.deleted,
            is_shared=query.shared,
        )
        before = _place(query.cursor) if query.cursor else None
        found = await self._database.read(
            lambda db: sessions.recent(db, user_id, filters, limit=query.limit + 1, before=before)
        )
        page = found[: query.limit]
        next_cursor = _cursor(page[-1]) if len(found) > query.limit else None
        return reply(SessionPage(data=[SessionView.of(seen) for seen in page], next_cursor=next_cursor))

    async def folders(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        found = await self._database.read(lambda db: sessions.folders(db, user_id))
        return reply(FolderList(data=[FolderView(name=name, num_sessions=count) for name, count in found]))

    async def change_many(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        body = parse(BulkChanges, await read_json_body(request), self._limits)
        changes = body.to_columns()
        if body.is_deleted is not None:
            changes["deleted_at_ms"] = now_ms() if body.is_deleted else None

        def change(db: Db, news: News) -> Sequence[Audience]:
            found = sessions.change_many(db, user_id, body.session_ids, changes, is_deleted=body.is_deleted is False)
            audiences = sessions.audiences(db, found)
            news.sessions_changed(audiences, is_deleted=bool(body.is_deleted))
            return audiences

        audiences = await self._writes.run(change)
        return reply(ChangedSessions(session_ids=[audience[0][1].session.session_id for audience in audiences]))

    # --- one ----------------------------------------------------------------------------------------------------------

    async def create(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        body = parse(NewSession, await read_json_body(request), self._limits)
        columns = self._config_columns(body.config, at="config.") if body.config else None

        def create(db: Db, news: News) -> Audience:
            session = sessions.create(db, user_id, title=body.title or "", folder=body.folder or "")
            sessions.name_by(db, session, body.opening)
            if columns is not None:
                configs.put(db, session.session_id, columns)
            audience = sessions.audience(db, session)
            news.session_changed(audience, kind="created")
            return audience

        audience = await self._writes.run(create)
        return reply(SessionView.of(audience[0][1]), status=201)

    async def show(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        return reply(SessionView.of(await self._database.read(lambda db: sessions.see(db, user_id, session_id))))

    async def change(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        changes = parse(SessionChanges, await read_json_body(request), self._limits).to_columns()

        def change(db: Db, news: News) -> Audience:
            session = sessions.get_owned(db, user_id, session_id)
            sessions.change(db, session, changes)
            return _changed(db, session, news)

        audience = await self._writes.run(change)
        return reply(SessionView.of(audience[0][1]))

    async def delete(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        is_final = read_query(DeleteQuery, request, self._limits).permanently

        def delete(db: Db, news: News) -> None:
            session = sessions.get_owned(db, user_id, session_id, is_deleted=None if is_final else False)
            sessions.delete(db, session)
            news.session_deleted(session_id, [user for user, _ in sessions.audience(db, session)])

        await self._writes.run(delete)
        if is_final:
            await retention.erase_chat(self._database, session_id)
            for engine in self._router.engines.values():
                engine.forget(session_id)
        return Response(status_code=204)

    async def restore(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")

        def restore(db: Db, news: News) -> Audience:
            session = sessions.get_owned(db, user_id, session_id, is_deleted=True)
            sessions.restore(db, session)
            return _changed(db, session, news)

        audience = await self._writes.run(restore)
        return reply(SessionView.of(audience[0][1]))

    # --- its settings -------------------------------------------------------------------------------------------------

    async def show_config(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")

        def read(db: Db) -> ConfigView:
            session, _ = sessions.get_readable(db, user_id, session_id)
            return ConfigView.of(configs.of(db, session.session_id))

        return reply(await self._database.read(read))

    async def put_config(self, request: Request) -> Response:
        return await self._write_config(request, configs.put)

    async def change_config(self, request: Request) -> Response:
        return await self._write_config(request, configs.change)

    async def _write_config(
        self, request: Request, write: Callable[[Db, str, dict[str, Any]], SessionConfig]
    ) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        body = parse(ConfigBody, await read_json_body(request), self._limits)
        columns = self._config_columns(body)

        def run(db: Db, news: News) -> ConfigView:
            session = sessions.get_owned(db, user_id, session_id)
            view = ConfigView.of(write(db, session_id, columns))
            _changed(db, session, news)
            return view

        return reply(await self._writes.run(run))

    def _config_columns(self, body: ConfigBody, *, at: str = "") -> dict[str, object]:
        """A model by its own name, whichever it was called by. Raises InvalidRequest for one that is not served."""
        columns = body.to_columns()
        if body.model is not None:
            try:
                model_id = self._router.model_id_for(body.model)
            except ModelNotFound as error:
                raise InvalidRequest(f"{at}model", str(error)) from error
            if body.model not in DEFAULT_NAMES:
                columns["model"] = model_id
        return columns


def _changed(db: Db, session: ChatSession, news: News) -> Audience:
    audience = sessions.audience(db, session)
    news.session_changed(audience)
    return audience


def _cursor(last: Seen) -> str:
    return f"{last.session.updated_at_ms}.{last.session.session_id}"


def _place(cursor: str) -> tuple[int, str]:
    time, _, session_id = cursor.partition(".")
    if not (time.isascii() and time.isdigit() and len(time) <= 15 and session_id):
        raise InvalidRequest("cursor", "is not one that this server gave.")
    return int(time), session_id
