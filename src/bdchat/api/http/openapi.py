"""GET /api/openapi.json: the OpenAPI document, made from the declarations of endpoints.py.

To be in it, a module returns `declared(Endpoint(...), ...)` from its `routes()`; a test fails for a route that is not.
Pure but for the one route; made at the first request.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bdchat import __version__
from bdchat.api.http.endpoints import JSON, DeclaredRoute, Endpoint, Model, declared

REF = "#/components/schemas/{model}"
CONVERTOR = re.compile(r":[a-z]+\}")
PARAMETER = re.compile(r"\{(\w+)\}")
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A login token (bdl-…) or an API key (bd-…)."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "bdchat"},
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"], "description": "The field that is at fault."},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
# By the name that Endpoint.error says.
ERRORS = {
    "Error": ERROR,
    "AnthropicError": {
        "type": "object",
        "required": ["type", "error", "request_id"],
        "properties": {
            "type": {"const": "error"},
            "error": {
                "type": "object",
                "required": ["type", "message"],
                "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
            },
            "request_id": {"type": "string"},
        },
    },
    "OllamaError": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
}


class OpenAPI:
    """`routes`: all of the application's, known when the first request comes."""

    def __init__(self, routes: Iterable[BaseRoute] = (), *, base_path: str = "") -> None:
        self._routes = routes
        self._base_path = base_path

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                "/api/openapi.json",
                self.show,
                "This document",
                response={"type": "object"},
                auth="open",
            )
        )

    def describe(self, routes: Iterable[BaseRoute]) -> None:
        self._routes = routes

    async def show(self, request: Request) -> Response:
        return Response(self._encoded, media_type=JSON)

    @cached_property
    def _encoded(self) -> bytes:
        return msgspec.json.encode(document(self._routes, base_path=self._base_path))


def document(routes: Iterable[BaseRoute], *, base_path: str = "") -> dict[str, Any]:
    """OpenAPI 3.1 of the declared ones among `routes`."""
    endpoints = [endpoint for route in routes if isinstance(route, DeclaredRoute) for endpoint in route.endpoints]
    schemas, refs = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operations = paths.setdefault(wire_path(endpoint.path), {})
        operations[endpoint.method.lower()] = _operation(endpoint, schemas, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "bdchat",
            "version": __version__,
            "description": "/v1 is OpenAI's wire and Anthropic's; /api is bdchat's own, and Ollama's.",
        },
        "servers": [{"url": base_path or "/"}],
        "paths": paths,
        "components": {"schemas": {**schemas, **ERRORS}, "securitySchemes": SECURITY},
    }


def wire_path(path: str) -> str:
    """ "/v1/models/{model_id:path}" as OpenAPI writes it."""
    return CONVERTOR.sub("}", path)


def undeclared(routes: Iterable[BaseRoute]) -> list[str]:
    """Paths of HTTP routes that the document does not know."""
    return [route.path for route in routes if isinstance(route, Route) and not isinstance(route, DeclaredRoute)]


# --- the parts of an operation ----------------------------------------------------------------------------------------

Refs = Mapping[tuple[Model, str], dict[str, Any]]  # (model, "validation" | "serialization") → its $ref


def _schemas(endpoints: list[Endpoint]) -> tuple[dict[str, Any], Refs]:
    models: dict[tuple[Any, Any], None] = {}
    for endpoint in endpoints:
        for model, mode in ((endpoint.body, "validation"), (endpoint.query, "validation")):
            if model is not None:
                models[model, mode] = None
        if isinstance(endpoint.response, type):
            models[endpoint.response, "serialization"] = None
        if endpoint.line is not None:
            models[endpoint.line, "serialization"] = None
    refs, definitions = models_json_schema(list(models), ref_template=REF)
    return definitions.get("$defs", {}), refs  # type: ignore[return-value]


def _operation(endpoint: Endpoint, schemas: Mapping[str, Any], refs: Refs) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": operation_id(endpoint),
        "tags": [_tag(endpoint.path)],
        "responses": _responses(endpoint, refs),
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    if parameters := [*_path_parameters(endpoint), *_query_parameters(endpoint, schemas, refs)]:
        operation["parameters"] = parameters
    if endpoint.body is not None or endpoint.body_media != JSON:
        schema = refs[endpoint.body, "validation"] if endpoint.body else {"type": "string", "format": "binary"}
        operation["requestBody"] = {"required": True, "content": {endpoint.body_media: {"schema": schema}}}
    if endpoint.auth != "open":
        operation["security"] = [{name: []} for name in SECURITY]
        if endpoint.auth == "chat":
            operation["security"].append({})  # the local guest
    return operation


def operation_id(endpoint: Endpoint) -> str:
    """ "GET /api/sessions/{session_id}" → "get_sessions_session_id": unique, and stable for generated clients."""
    words = re.findall(r"\w+", wire_path(endpoint.path).removeprefix("/api"))
    return "_".join([endpoint.method.lower(), *words])


def _tag(path: str) -> str:
    parts = path.strip("/").split("/")
    return parts[1] if parts[0] == "api" and len(parts) > 1 else parts[0]


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    names = PARAMETER.findall(wire_path(endpoint.path))
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(endpoint: Endpoint, schemas: Mapping[str, Any], refs: Refs) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    schema = schemas[refs[endpoint.query, "validation"]["$ref"].rpartition("/")[2]]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(field)}
        for name, field in schema.get("properties", {}).items()
    ]


def _without_null(field: Mapping[str, Any]) -> dict[str, Any]:
    """A query cannot say null: it leaves the parameter out."""
    kinds = [kind for kind in field.get("anyOf", ()) if kind.get("type") != "null"]
    kept = {name: value for name, value in field.items() if name not in {"anyOf", "default"} or not kinds}
    return {**kept, **kinds[0]} if len(kinds) == 1 else {**kept, **({"anyOf": kinds} if kinds else {})}


def _responses(endpoint: Endpoint, refs: Refs) -> dict[str, Any]:
    response: dict[str, Any] = {}
    if endpoint.response is not None:
        is_model = isinstance(endpoint.response, type) and issubclass(endpoint.response, BaseModel)
        schema = refs[endpoint.response, "serialization"] if is_model else endpoint.response  # type: ignore[index]
        response["content"] = {
            media: {"schema": schema if media == JSON else _schema_of(media)} for media in endpoint.response_media
        }
    elif endpoint.response_media != (JSON,):
        line = {"contentSchema": refs[endpoint.line, "serialization"]} if endpoint.line else {}
        response["content"] = {media: {"schema": _schema_of(media) | line} for media in endpoint.response_media}
    errors = {str(status): _error(status, endpoint.error) for status in sorted(_error_statuses(endpoint))}
    statuses = (endpoint.status, *endpoint.also)
    good = {str(status): {"description": HTTPStatus(status).phrase, **response} for status in statuses}
    return {**good, **errors}


def _schema_of(media: str) -> dict[str, Any]:
    if media == "text/event-stream":
        return {"description": "Server-sent events."}  # readers of the document take it for a text or for each event
    return {"type": "object"} if media.endswith("+json") else {"type": "string"}


def _error_statuses(endpoint: Endpoint) -> set[int]:
    statuses = {*endpoint.errors, 503}
    if endpoint.auth != "open":
        statuses |= {401, 403, 429}
    if "{" in endpoint.path:
        statuses.add(404)
    if endpoint.query is not None:
        statuses.add(400)
    if endpoint.body is not None or endpoint.body_media != JSON:
        statuses |= {400, 408, 413, 415}
    if endpoint.method != "GET":
        statuses.add(507)
    return statuses


def _error(status: int, shape: str) -> dict[str, Any]:
    schema = {"$ref": REF.format(model=shape)}
    return {"description": HTTPStatus(status).phrase, "content": {JSON: {"schema": schema}}}
