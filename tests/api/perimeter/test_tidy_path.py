"""One path for what clients write in several ways."""

import pytest

from bdchat.api.perimeter.tidy_path import tidied
from tests.api.serving import USER, in_process


@pytest.mark.parametrize(
    ("method", "written", "path"),
    [
        ("POST", "//v1/chat/completions", "/v1/chat/completions"),
        ("POST", "/v1//chat//completions/", "/v1/chat/completions"),
        ("POST", "/v1/v1/chat/completions", "/v1/chat/completions"),
        ("POST", "/v1/v1/v1//completions", "/v1/completions"),
        ("POST", "/chat/completions", "/v1/chat/completions"),
        ("POST", "//chat/completions/", "/v1/chat/completions"),
        ("OPTIONS", "/chat/completions", "/v1/chat/completions"),
        ("POST", "/chat/completions/gen_1/cancel", "/v1/chat/completions/gen_1/cancel"),
        ("POST", "/completions", "/v1/completions"),
        ("GET", "/models", "/v1/models"),
        ("GET", "/models/", "/v1/models"),
        ("GET", "/models/org/name", "/v1/models/org/name"),
        ("GET", "/v1/models/v1/v1", "/v1/models/v1/v1"),
        ("GET", "/chat/completions", "/chat/completions"),  # the page's
        ("HEAD", "/chat/completions/x", "/chat/completions/x"),
        ("GET", "/chat", "/chat"),
        ("GET", "/completionsx", "/completionsx"),
        ("GET", "/v1x", "/v1x"),
        ("GET", "/v1/v1", "/v1"),
        ("GET", "/v1/v10", "/v1/v10"),
        ("GET", "/", "/"),
        ("GET", "//", "/"),
        ("GET", "/ws/events/", "/ws/events"),
    ],
)
def test_what_is_meant_is_found(method: str, written: str, path: str) -> None:
    assert tidied(written, method) == path


@pytest.mark.anyio
async def test_a_base_url_may_be_written_in_many_ways() -> None:
    async with in_process() as client:
        for path in ("//v1//chat/completions", "/chat/completions", "/v1/v1/chat/completions/"):
            assert (await client.post(f"http://127.0.0.1{path}", json={"messages": USER})).status_code == 200, path
        assert (await client.get("/models")).json()["object"] == "list"
        assert (await client.get("/models/fake")).json()["id"] == "fake"
        assert (await client.get("/completions")).status_code == 405
