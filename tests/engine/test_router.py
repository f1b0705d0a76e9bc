"""Laws of the router: a name is one engine or ModelNotFound; closing closes all."""

import asyncio
from collections.abc import AsyncGenerator
from types import MappingProxyType

import pytest

from bdchat.engine.engine import Engine
from bdchat.engine.errors import ModelNotFound
from bdchat.engine.metrics import EngineMetrics
from bdchat.engine.request import Event, GenerationRequest, ModelInfo, Prompt, Resumption
from bdchat.engine.router import Router


def info_of(model_id: str, n_ctx: int) -> ModelInfo:
    return ModelInfo(
        model_id=model_id,
        architecture="llama",
        num_parameters=1,
        model_bytes=1,
        n_vocab=1,
        n_ctx_train=n_ctx,
        n_ctx=n_ctx,
        num_sequences=1,
        num_cells=n_ctx,
        kv_layout="unified",
        kv_type="f16",
        flash_attention=False,
        n_threads=1,
        memory_class="dense",
        has_chat_template=True,
        fingerprint="fp",
    )


class StillEngine:
    """Serves nothing; remembers that it was closed."""

    def __init__(self, info: ModelInfo | None = None, failure: Exception | None = None) -> None:
        self.info = info
        self.state = "ready" if info else "loading"
        self.num_restarts = 0
        self.is_closed = False
        self._failure = failure

    def generate(self, request: GenerationRequest, resumption: Resumption | None = None) -> AsyncGenerator[Event]:
        raise NotImplementedError

    def cancel(self, request_id: str) -> None: ...

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        raise NotImplementedError

    def metrics(self) -> EngineMetrics:
        raise NotImplementedError

    async def aclose(self) -> None:
        self.is_closed = True
        if self._failure is not None:
            raise self._failure


@pytest.fixture
def engines() -> MappingProxyType[str, Engine]:
    return MappingProxyType({"small": StillEngine(info_of("small", 256)), "large": StillEngine()})


@pytest.mark.parametrize("name", [None, "", "default", "large", "Large.Q4"])
def test_the_default_has_four_names_and_its_aliases(engines: MappingProxyType[str, Engine], name: str | None) -> None:
    router = Router(engines, default="large", created=7, aliases={"Large.Q4": "large"})
    assert router.engine_for(name) is engines["large"]
    assert router.model_id_for(name) == "large"


@pytest.mark.parametrize("name", ["Small", "small ", "../small", "small.gguf"])
def test_ids_match_exactly(engines: MappingProxyType[str, Engine], name: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        Router(engines, default="large", created=7).engine_for(name)
    assert (caught.value.model, caught.value.available) == (name, ("large", "small"))


def test_without_a_default_a_request_must_name_a_model(engines: MappingProxyType[str, Engine]) -> None:
    router = Router(engines, default=None, created=7)
    assert router.engine_for("small") is engines["small"]
    with pytest.raises(ModelNotFound):
        router.engine_for(None)
    with pytest.raises(ModelNotFound):
        Router({}, default=None, created=7).engine_for("default")


def test_a_models_own_id_wins_over_the_word_default() -> None:
    mine, other = StillEngine(), StillEngine()
    assert Router({"default": mine, "other": other}, default="other", created=7).engine_for("default") is mine


def test_models_are_listed_default_first(engines: MappingProxyType[str, Engine]) -> None:
    router = Router(engines, default="large", created=7)
    large, small = router.models()
    assert (large.model_id, large.created, large.owner, large.state) == ("large", 7, "bdchat", "loading")
    assert (large.info, large.context_length) == (None, None)
    assert (small.model_id, small.state, small.context_length) == ("small", "ready", 256)
    assert list(router.engines) == ["large", "small"]


@pytest.mark.parametrize("failure", [None, OSError("stuck")])
def test_closing_closes_all_even_when_one_fails(failure: Exception | None) -> None:
    first, second = StillEngine(failure=failure), StillEngine()
    router = Router({"first": first, "second": second}, default=None, created=7)
    if failure is None:
        asyncio.run(router.aclose())
    else:
        with pytest.raises(ExceptionGroup) as caught:
            asyncio.run(router.aclose())
        assert caught.value.exceptions == (failure,)
    assert first.is_closed
    assert second.is_closed
