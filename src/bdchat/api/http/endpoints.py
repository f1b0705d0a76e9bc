"""Declarations of endpoints, from which routes and the OpenAPI document are made. Pure.

A module of /api lists its endpoints and app.py takes their routes:

    class Sessions:
        def routes(self) -> list[Route]:
            return declared(
                Endpoint("GET", "/api/sessions", self.list, "Your sessions, newest first",
                         query=SessionQuery, response=SessionPage),
                Endpoint("POST", "/api/sessions", self.create, "Begin a session",
                         body=NewSession, response=SessionView, status=201),
            )

`body` and `query` are parsed by the handler, with `parse(schema, await read_json_body(request), limits)` and
`read_query(schema, request, limits)`; ids in a path are read with `path_id`. Answers are models too: `reply(view)`.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.http.parsing import Schema, validate
from bdchat.settings import LimitSettings
from bdchat.store.errors import NotFound

Handler = Callable[[Request], Awaitable[Response]]
Model = type[BaseModel]
JSON = "application/json"
ID = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


class View(BaseModel):
    """Base of what /api answers with. Snake case; times are integers that end in `_at_ms`; ids are strings."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, json_schema_serialization_defaults_required=True
    )


class Nothing(View):
    """{}: it is done, and there is nothing to tell."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path. `errors`: statuses beyond those that follow from the rest (400, 401, 404, 413 …)."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str  # as Starlette has it: "/api/sessions/{session_id}"
    handler: Handler
    summary: str
    body: Model | None = None
    query: Model | None = None
    response: Model | Mapping[str, Any] | None = None  # a JSON schema where there is no model; None: no JSON body
    status: int = 200
    also: tuple[int, ...] = ()  # other good statuses, with the same answer
    auth: Literal["open", "chat", "user", "admin"] = "user"
    errors: tuple[int, ...] = ()
    error: Literal["Error", "AnthropicError", "OllamaError"] = "Error"  # the shape of its wire
    body_media: str = JSON
    response_media: tuple[str, ...] = (JSON,)
    line: Model | None = None  # what each line of an answer is that is JSON lines
    description: str = ""


class DeclaredRoute(Route):
    """Every endpoint of one path: a wrong method is then told all the right ones."""

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self.endpoints = endpoints
        handlers = {endpoint.method: endpoint.handler for endpoint in endpoints}
        assert len(handlers) == len(endpoints), f"{endpoints[0].path}: a method is declared twice"

        async def dispatch(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            return await handlers[method](request)  # type: ignore[index]  # the route lets only these in

        super().__init__(endpoints[0].path, dispatch, methods=list(handlers), name=endpoints[0].path)


def declared(*endpoints: Endpoint) -> list[Route]:
    """Their routes, one per path, in the order of the paths' first mention."""
    paths = dict.fromkeys(endpoint.path for endpoint in endpoints)
    return [DeclaredRoute(tuple(each for each in endpoints if each.path == path)) for path in paths]


def path_id(request: HTTPConnection, name: str) -> str:
    """An id of the path. What cannot be one (a NUL, a kilobyte) names nothing: NotFound, and no query."""
    value = str(request.path_params[name])
    if not ID.fullmatch(value):
        raise NotFound(name.removesuffix("_id"))
    return value


def read_query(schema: type[Schema], request: Request, limits: LimitSettings) -> Schema:
    """The part after "?", text turned into what the schema says. Raises InvalidRequest naming the parameter."""
    return validate(schema, dict(request.query_params), limits, strict=False)


def reply(view: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(view.model_dump_json().encode(), status, dict(headers or {}), media_type=JSON)
