"""/api/admin/limits: what holds for each account that asks something, and what it has running and waiting. Event loop
only.

Limits of one account are changed at /api/admin/users (users.py).
"""

import asyncio
from collections import Counter
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.generation.account_limits import AccountBounds, AccountLimits
from bdchat.api.generation.service import GenerationService
from bdchat.api.http.endpoints import Endpoint, declared, reply
from bdchat.api.http.identity import require_admin
from bdchat.api.schemas.admin_capacity import AccountLoad, AccountLoads, BoundsView
from bdchat.engine.inspection import SequenceState
from bdchat.engine.router import Router
from bdchat.store.accounts import users
from bdchat.store.sql.database import Database

MAX_SHOWN = 200


class AdminLimits:
    def __init__(
        self, limits: AccountLimits, generations: GenerationService, router: Router, database: Database
    ) -> None:
        self._limits = limits
        self._generations = generations
        self._router = router
        self._database = database

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                "/api/admin/limits",
                self.loads,
                "What accounts may ask of the models, and what they have running and waiting",
                response=AccountLoads,
                auth="admin",
            )
        )

    async def loads(self, request: Request) -> Response:
        require_admin(request)
        engines = (*self._router.engines.values(), *self._router.leaving.values())
        inspected = await asyncio.gather(*(engine.inspect() for engine in engines))
        running, waiting = self._at_work(state for states in inspected for state in states)
        used, own = self._limits.used(), self._limits.own()
        found = {*running, *waiting, *used, *own}
        ranked = sorted(found, key=lambda each: (-running[each] - waiting[each], -used.get(each, 0), each))
        shown = ranked[:MAX_SHOWN]
        names = await self._database.read(lambda db: users.names_of(db, shown))
        data = [
            AccountLoad(
                user_id=user_id,
                username=names.get(user_id),
                bounds=_shown(self._limits.of(user_id)),
                has_own=user_id in own,
                num_running=running[user_id],
                num_waiting=waiting[user_id],
                num_tokens=used.get(user_id, 0),
            )
            for user_id in shown
        ]
        return reply(AccountLoads(usual=_shown(self._limits.usual), data=data, num_more=len(found) - len(shown)))

    def _at_work(self, states: Iterable[SequenceState]) -> tuple[Counter[str], Counter[str]]:
        """Answers that run and that wait, by account. A request that its engine does not know yet waits."""
        owners = {run.generation_id: run.user_id for run in self._generations.running}
        running: Counter[str] = Counter()
        waiting: Counter[str] = Counter()
        unseen = dict(owners)
        for state in states:
            if state.request_id in owners:
                unseen.pop(state.request_id, None)
                (waiting if state.state == "waiting" else running)[owners[state.request_id]] += 1
        waiting.update(unseen.values())
        return running, waiting


def _shown(bounds: AccountBounds) -> BoundsView:
    return BoundsView(max_running=bounds.running, max_queued=bounds.queued, tokens_per_minute=bounds.tokens_per_minute)
