"""GET /v1/models and /v1/models/{id}."""

import pytest

from bdchat.engine.model_info import AnswerFormat, WeightsInfo
from bdchat.settings import ModelSettings, Settings
from tests.api.serving import USER, error_of, in_process, opened
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
THINKS = AnswerFormat(thinks=True)


async def test_the_list_has_what_typed_clients_require() -> None:
    async with in_process(
        FakeEngine(
            "a/b",
            context_cut="1 of 2",
            languages=("en", "ko"),
            owner="HuggingFaceTB",
            has_fim=True,
            answer_format=THINKS,
        ),
        FakeEngine("c", state="loading", load_fraction=0.25, has_fim=True),
    ) as client:
        for url in ("/v1/models", "/v1/models/"):
            body = (await client.get(url)).json()
            assert body["object"] == "list"
            assert [model["id"] for model in body["data"]] == ["a/b", "c"]
            assert all(isinstance(model["created"], int) and model["owned_by"] for model in body["data"])
            assert [model["context_length"] for model in body["data"]] == [4096, None]
            assert [model["opens_thought"] for model in body["data"]] == [False, None]
            assert [model["sampling_defaults"]["temperature"] for model in body["data"]] == [0.7, 0.7]
            assert [model["languages"] for model in body["data"]] == [["en", "ko"], []]
            assert [model["owned_by"] for model in body["data"]] == ["HuggingFaceTB", "bdchat"]
            assert [model["capabilities"][4:] for model in body["data"]] == [["fim", "reasoning"], ["fim"]]
            assert body["data"][0]["capabilities"][:4] == ["completion", "chat", "tools", "json_schema"]
            assert [model["num_parameters"] for model in body["data"]] == [1, None]
            assert [model["context_cut"] for model in body["data"]] == ["1 of 2", None]
            assert [model["load_fraction"] for model in body["data"]] == [None, 0.25]


async def test_how_weights_are_held_is_told() -> None:
    held = WeightsInfo(is_encoded=True, encodings={"Q4_1 → Q8_0": 150}, mean_kl=0.0045, speed_after=(600, 200, 300))
    async with in_process(FakeEngine("a", weights=held), FakeEngine("b")) as client:
        told, nothing = (model["weights"] for model in (await client.get("/v1/models")).json()["data"])
    assert (told["is_encoded"], told["encodings"], told["mean_kl"]) == (True, {"Q4_1 → Q8_0": 150}, 0.0045)
    assert (told["speed_before"], told["speed_after"], nothing) == (None, [600, 200, 300], None)


async def test_a_model_without_text_says_what_it_is_for() -> None:
    engines = (FakeEngine("e", purpose="embedding"), FakeEngine("r", purpose="reranker", has_fim=True))
    async with in_process(FakeEngine(), *engines) as client:
        data = (await client.get("/v1/models")).json()["data"]
    assert [model["capabilities"] for model in data[1:]] == [["embedding"], ["rerank"]]


@pytest.mark.parametrize("url", ["/v1/models/a/b", "/v1/models/a%2Fb", "/v1/models/a%2Fb/"])
async def test_an_id_with_a_slash_is_found(url: str) -> None:
    async with in_process(FakeEngine("a/b")) as client:
        assert (await client.get(url)).json()["id"] == "a/b"
        assert (await client.head(url)).status_code == 200


async def test_an_unknown_model_is_a_404_in_the_path_and_in_a_body() -> None:
    async with in_process() as client:
        for response in (
            await client.get("/v1/models/nope"),
            await client.post("/v1/completions", json={"model": "nope", "prompt": "a"}),
        ):
            error = error_of(response, 404)
            assert (error["code"], error["param"]) == ("model_not_found", "model")


DOORS: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"messages": USER},
    "/v1/completions": {"prompt": "a"},
    "/v1/fim/completions": {"prompt": "a"},
    "/v1/completion": {"prompt": "a"},
    "/v1/infill": {"input_prefix": "a"},
    "/v1/embeddings": {"input": "a"},
    "/v1/tokenize": {"content": "a"},
    "/v1/detokenize": {"tokens": [97]},
    "/v1/apply-template": {"messages": USER},
}


@pytest.mark.parametrize("door", DOORS)
async def test_a_model_that_is_not_served_is_the_default_where_an_operator_says_so(door: str) -> None:
    body = DOORS[door] | {"model": "gpt-4o"}
    async with in_process() as client:
        assert error_of(await client.post(door, json=body), 404)["code"] == "model_not_found"
    async with in_process(settings=Settings(models=ModelSettings(unknown="default"))) as client:
        answer = await client.post(door, json=body)
        assert answer.status_code == 200
        assert answer.json().get("model", "fake") == "fake"
        error_of(await client.get("/v1/models/gpt-4o"), 404)


async def test_a_stored_answer_of_a_model_that_is_not_served_is_the_defaults() -> None:
    async with in_process(settings=Settings(models=ModelSettings(unknown="default"))) as client:
        await opened(client)
        body = {"messages": USER, "model": "gpt-4o", "store": True}
        assert (await client.post("/v1/chat/completions", json=body)).json()["model"] == "fake"


async def test_lm_studio_lists_the_same_models_in_its_own_words() -> None:
    engines = (FakeEngine("a/b"), FakeEngine("e", purpose="embedding"))
    async with in_process(*engines, FakeEngine("c", state="loading")) as client:
        listed = (await client.get("/api/v0/models")).json()
        one = (await client.get("/api/v0/models/a%2Fb")).json()
        error_of(await client.get("/api/v0/models/nope"), 404)
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["a/b", "e", "c"]
    assert [model["type"] for model in listed["data"]] == ["llm", "embeddings", "llm"]
    assert [model["state"] for model in listed["data"]] == ["loaded", "loaded", "not-loaded"]
    assert [model["loaded_context_length"] for model in listed["data"]] == [4096, 4096, None]
    assert listed["data"][0] == one
    assert (one["arch"], one["max_context_length"], one["compatibility_type"]) == ("fake", 4096, "gguf")
