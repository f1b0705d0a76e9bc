"""GET /v1/models and /v1/models/{id}."""

import pytest

from tests.acceptance.caller import MODEL, Caller

pytestmark = [pytest.mark.anyio, pytest.mark.gguf]


async def test_a_model_is_listed_and_found_with_what_typed_clients_require(caller: Caller) -> None:
    listed = (await caller.http.get("/v1/models")).json()
    assert listed["object"] == "list"
    assert MODEL in [model["id"] for model in listed["data"]]
    for model in listed["data"]:
        assert model["object"] == "model"
        assert isinstance(model["created"], int)
        assert isinstance(model["owned_by"], str)
        found = (await caller.http.get(f"/v1/models/{model['id'].replace('/', '%2F')}")).json()
        assert found == model


async def test_health_is_a_200(caller: Caller) -> None:
    assert (await caller.http.get("/health")).status_code == 200
