"""POST /api/pull with its progress, and what of Ollama's keeping of models is done elsewhere here.

A pull is the same as one of the admin page: an admin's to begin, and it goes on when its client leaves.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, NoReturn, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.generation.streaming import FrameStream, unless_gone
from bdchat.api.http.endpoints import JSON, Endpoint, declared
from bdchat.api.http.errors import UnsupportedParameter
from bdchat.api.http.identity import require_admin
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.ollama.answer_lines import written
from bdchat.api.ollama.answers import NDJSON
from bdchat.api.schemas.ollama.models import OllamaProgress, OllamaPullRequest
from bdchat.engine.errors import EngineUnavailable
from bdchat.settings import LimitSettings

REPORT_S = 0.25
ELSEWHERE = "models are kept by an admin of bdchat: on the admin page, or with `bdchat models`."
PHASES = {"verify": "verifying sha256 digest", "wait": "waiting for another download"}


class PullReport(Protocol):
    """What is told of one."""

    @property
    def pull_id(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def phase(self) -> str | None: ...
    @property
    def num_bytes_done(self) -> int: ...
    @property
    def num_bytes_total(self) -> int | None: ...
    @property
    def error(self) -> str | None: ...


class ModelPulls(Protocol):
    async def begin_pull(self, request: Request, model: str) -> PullReport: ...

    def pull_of(self, pull_id: str) -> PullReport | None: ...


class OllamaPulls:
    def __init__(self, pulls: ModelPulls, limits: LimitSettings) -> None:
        self._pulls = pulls
        self._limits = limits

    def routes(self) -> list[Route]:
        elsewhere: dict[str, Any] = {
            "auth": "admin",
            "error": "OllamaError",
            "errors": (400,),
            "description": f"Refused: {ELSEWHERE}",
        }
        return declared(
            Endpoint(
                "POST",
                "/api/pull",
                self.pull,
                "Download a model, and tell how far it is",
                body=OllamaPullRequest,
                response=OllamaProgress,
                response_media=(NDJSON, JSON),
                line=OllamaProgress,
                auth="admin",
                error="OllamaError",
                errors=(409,),
            ),
            Endpoint("POST", "/api/push", self.refuse, "Not here", **elsewhere),
            Endpoint("POST", "/api/create", self.refuse, "Not here", **elsewhere),
            Endpoint("POST", "/api/copy", self.refuse, "Not here", **elsewhere),
            Endpoint("DELETE", "/api/delete", self.refuse, "Not here", **elsewhere),
        )

    async def pull(self, request: Request) -> Response:
        require_admin(request)
        body = parse(OllamaPullRequest, await read_json_body(request, takes_curls=True), self._limits)
        begun = await self._pulls.begin_pull(request, body.named)
        if body.stream is not False:
            return FrameStream(self._lines(begun), media_type=NDJSON)
        last = await unless_gone(request.receive, self._last(begun))
        if "error" in last:
            raise EngineUnavailable(last["error"], 5.0)
        return Response(msgspec.json.encode(last), media_type=JSON)

    async def refuse(self, request: Request) -> NoReturn:
        require_admin(request)
        raise UnsupportedParameter("model", ELSEWHERE)

    async def _lines(self, begun: PullReport) -> AsyncGenerator[bytes]:
        async for line in self._progress(begun):
            yield written(line)

    async def _last(self, begun: PullReport) -> dict[str, Any]:
        last: dict[str, Any] = {}
        async for line in self._progress(begun):
            last = line
        return last

    async def _progress(self, begun: PullReport) -> AsyncGenerator[dict[str, Any]]:
        yield {"status": "pulling manifest"}
        told: dict[str, Any] = {}
        while (now := self._pulls.pull_of(begun.pull_id)) is not None:
            if now.state == "done":
                yield {"status": "success"}
                return
            if now.state != "running":
                yield {"error": now.error or f"the download is {now.state}; an admin may resume it."}
                return
            if (line := _line(now)) != told:
                yield line
                told = line
            await asyncio.sleep(REPORT_S)
        yield {"error": "the download was taken out of the list."}


def _line(pull: PullReport) -> dict[str, Any]:
    if pull.phase in PHASES:
        return {"status": PHASES[pull.phase]}
    line: dict[str, Any] = {"status": f"pulling {pull.model}", "digest": pull.model, "completed": pull.num_bytes_done}
    return line if pull.num_bytes_total is None else line | {"total": pull.num_bytes_total}
