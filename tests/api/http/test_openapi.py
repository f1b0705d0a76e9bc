"""GET /api/openapi.json: it names every route, is a sound document, and says what the endpoints do."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from starlette.routing import Route

from bdchat.api.anthropic.error_shape import ANTHROPIC_ERRORS
from bdchat.api.http.openapi import document, undeclared
from bdchat.api.ollama.error_shape import OLLAMA_ERRORS
from tests.api.serving import in_process, make_app

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(make_app().routes)


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


async def test_it_is_served_to_everybody(described: dict[str, Any]) -> None:
    async with in_process(address="192.0.2.7") as client:
        answer = await client.get("/api/openapi.json/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == described


def test_every_route_is_in_it(described: dict[str, Any]) -> None:
    """A module of endpoints returns declared(Endpoint(...)) from its routes()."""
    app = make_app()
    assert undeclared(app.routes) == []
    wanted = {
        (method.lower(), re.sub(r":[a-z]+\}", "}", route.path))
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert {(method, path) for method, path, _ in operations(described)} == wanted


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    def references(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for part in value.values():
                yield from references(part)
        if isinstance(value, list):
            for part in value:
                yield from references(part)

    found = set(references(described))
    assert found
    for reference in found:
        place: Any = described
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


def test_its_schemas_are_sound(described: dict[str, Any]) -> None:
    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_names_of_operations_are_unique(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(described)]
    assert len(set(names)) == len(names)


def test_parameters_of_a_path_are_declared(described: dict[str, Any]) -> None:
    for _, path, operation in operations(described):
        declared = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path))


OWN_SHAPES = {"AnthropicError": ANTHROPIC_ERRORS, "OllamaError": OLLAMA_ERRORS}


def test_every_operation_says_what_it_refuses_with(described: dict[str, Any]) -> None:
    for method, path, operation in operations(described):
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                schema = answer["content"]["application/json"]["schema"]
                shape = next((name for name, shape in OWN_SHAPES.items() if shape.paths.fullmatch(path)), "Error")
                assert schema == {"$ref": f"#/components/schemas/{shape}"}, (method, path, status)


def test_a_query_parameter_has_its_bounds(described: dict[str, Any]) -> None:
    parameters = {each["name"]: each for each in described["paths"]["/api/sessions"]["get"]["parameters"]}
    limit = parameters["limit"]
    assert (limit["in"], limit["required"]) == ("query", False)
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"]) == (1, 100)
    assert parameters["pinned"]["schema"]["type"] == "boolean"


def test_who_may_call_is_said(described: dict[str, Any]) -> None:
    assert "security" not in described["paths"]["/api/shared/{token}"]["get"]
    assert {} not in described["paths"]["/api/sessions"]["get"]["security"]
    assert {} in described["paths"]["/v1/chat/completions"]["post"]["security"]  # the local guest
