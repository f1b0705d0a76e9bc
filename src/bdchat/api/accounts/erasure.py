"""Erases accounts with all that they own: for an admin, or for the account's own user. Event loop only."""

from collections.abc import Callable

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.generation.service import GenerationService
from bdchat.engine.errors import EngineError
from bdchat.engine.router import Router
from bdchat.store import retention
from bdchat.store.accounts import users
from bdchat.store.chats import sessions
from bdchat.store.db import Db
from bdchat.store.sql.database import Database
from bdchat.store.tables import User


class Erasure:
    def __init__(self, database: Database, writes: Writes, generations: GenerationService, router: Router) -> None:
        self._database = database
        self._writes = writes
        self._generations = generations
        self._router = router

    async def erase(self, user_id: str, record: Callable[[Db, User], None], *, error: EngineError | None) -> None:
        """Disabled first, so that nothing new comes while it is erased piece by piece. `record` runs in that
        transaction; running answers end with `error`. Raises NotFound, and Conflict for the last admin."""

        def disable(db: Db, news: News) -> list[str]:
            user = users.set_disabled(db, user_id, is_disabled=True)
            record(db, user)
            news.rights_ended(user_id)
            return sessions.ids_of(db, user_id)

        session_ids = await self._writes.run(disable)
        self.end_generations(user_id, error)

        def tell(_: None, news: News) -> None:
            for session_id in session_ids:
                news.session_deleted(session_id)  # whoever else had it open

        await self._writes.run_job(retention.erase_user(self._database, user_id), tell)
        for engine in (*self._router.engines.values(), *self._router.leaving.values()):
            for session_id in session_ids:
                engine.forget(session_id)

    def end_generations(self, user_id: str, error: EngineError | None) -> None:
        for generation in self._generations.running:
            if generation.user_id == user_id:
                generation.cancel(error)
