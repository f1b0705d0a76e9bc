"""/api/admin/hub: search of the Hugging Face hub for models to pull. Off unless models.hub_search allows it.

Each search tells the hub its words: that is the admin's to decide, and no one else's to do.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.http.endpoints import Endpoint, declared, read_query, reply
from bdchat.api.http.identity import require_admin
from bdchat.api.schemas.admin_models import (
    HubFileList,
    HubFileView,
    HubQuery,
    HubRepositoryList,
    HubRepositoryView,
    RepositoryQuery,
)
from bdchat.engine.models.downloads import PullFailed
from bdchat.settings import Settings
from bdchat.store.errors import Conflict

PATIENCE_S = 20.0


class AdminHub:
    """`endpoint` None: HF_ENDPOINT, else the public hub."""

    def __init__(self, settings: Settings, *, endpoint: str | None = None) -> None:
        self._limits = settings.limits
        self._is_allowed = settings.models.hub_search
        self._endpoint = endpoint

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                "/api/admin/hub",
                self.search,
                "Repositories with GGUF files on the Hugging Face hub, where models.hub_search allows it",
                query=HubQuery,
                response=HubRepositoryList,
                auth="admin",
                errors=(409,),
            ),
            Endpoint(
                "GET",
                "/api/admin/hub/files",
                self.files,
                "What can be pulled of a repository",
                query=RepositoryQuery,
                response=HubFileList,
                auth="admin",
                errors=(409,),
            ),
        )

    async def search(self, request: Request) -> Response:
        require_admin(request)
        words = read_query(HubQuery, request, self._limits).search
        found = await self._ask(lambda hub: hub.repositories(words))
        return reply(HubRepositoryList(data=[HubRepositoryView(**asdict(each)) for each in found]))

    async def files(self, request: Request) -> Response:
        require_admin(request)
        repo = read_query(RepositoryQuery, request, self._limits).repo
        found = await self._ask(lambda hub: hub.files(repo))
        return reply(HubFileList(data=[HubFileView(**asdict(each)) for each in found]))

    async def _ask(self, ask: Callable[[Any], Any]) -> Any:
        """In a thread: the hub's client knows no other way. Raises Conflict."""
        if not self._is_allowed:
            raise Conflict("Searching the hub is switched off: set models.hub_search = true.", code="hub_search_off")

        def in_thread() -> Any:
            from bdchat.engine.models.hub_search import HubSearch  # a third of a second that nothing else needs

            return ask(HubSearch(self._endpoint))

        try:
            return await asyncio.wait_for(asyncio.to_thread(in_thread), PATIENCE_S)
        except (PullFailed, TimeoutError) as error:
            reason = error.reason if isinstance(error, PullFailed) else "the hub does not answer"
            raise Conflict(f"The hub cannot be searched: {reason}.", code="hub_unreachable") from error
