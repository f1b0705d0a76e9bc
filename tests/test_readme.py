"""What README.md says is not served is not, and what people look for is either served or listed there."""

import re
from pathlib import Path

import pytest
from starlette.routing import Match, Route

from bdchat.api.perimeter.tidy_path import tidied
from tests.api.serving import make_app

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
LIMITS = README.partition("\n## Limits\n")[2]
NOT_SERVED = re.findall(r"`(/[a-z0-9_/-]+)`", LIMITS.partition("Not served, answered 404:")[2].partition("\n- ")[0])
# Endpoints that clients of OpenAI, Anthropic, llama-server, Ollama and LM Studio call.
LOOKED_FOR = (
    *("/v1/chat/completions", "/v1/completions", "/v1/models", "/v1/embeddings", "/v1/responses", "/v1/audio"),
    *("/v1/images", "/v1/files", "/v1/batches", "/v1/moderations", "/v1/fine_tuning", "/v1/assistants", "/v1/threads"),
    *("/v1/vector_stores", "/v1/realtime", "/v1/uploads", "/v1/messages", "/v1/rerank", "/v1/fim/completions"),
    *("/completion", "/infill", "/tokenize", "/detokenize", "/apply-template", "/props", "/slots", "/health"),
    *(
        "/api/chat",
        "/api/generate",
        "/api/tags",
        "/api/show",
        "/api/ps",
        "/api/embed",
        "/api/version",
        "/api/v0/models",
    ),
)


@pytest.fixture(scope="module")
def routes() -> list[Route]:
    return [route for route in make_app().routes if isinstance(route, Route)]


def is_served(routes: list[Route], path: str) -> bool:
    return any(
        route.matches({"type": "http", "method": "POST", "path": below})[0] is not Match.NONE
        for route in routes
        for below in (tidied(path, "POST"), f"{tidied(path, 'POST')}/x")
    )


def test_what_is_said_not_to_be_served_is_not(routes: list[Route]) -> None:
    assert len(NOT_SERVED) > 15
    assert [path for path in NOT_SERVED if is_served(routes, path)] == []


def test_what_clients_look_for_is_served_or_said_not_to_be(routes: list[Route]) -> None:
    assert [path for path in LOOKED_FOR if not is_served(routes, path) and path not in NOT_SERVED] == []


@pytest.mark.parametrize("named", ["server.cors_origins", "server.base_path", "docs/proxy.md"])
def test_what_stands_in_front_is_told(named: str) -> None:
    assert named in README
