"""Laws of the router: a name is one engine or ModelNotFound; closing closes all."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest

from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineUnavailable, InvalidRequest, ModelLoadFailed, ModelNotFound
from bdchat.engine.inspection import PinState, PromptSurvey, SequenceState
from bdchat.engine.metrics import EngineMetrics
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.models.catalog import InstalledModel
from bdchat.engine.request import (
    EmbeddingRequest,
    Embeddings,
    Event,
    GenerationRequest,
    Prompt,
    Resumption,
    SamplingDefaults,
    TokenText,
)
from bdchat.engine.router import Router

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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

    def __init__(
        self, info: ModelInfo | None = None, failure: Exception | None = None, *, purpose: str = "chat"
    ) -> None:
        self.info = info
        self.state = "ready" if info else "loading"
        self.problem: str | None = None
        self.lacks_memory = False
        self.load_fraction: float | None = None
        self.sampling_defaults = SamplingDefaults()
        self.languages: tuple[str, ...] = ()
        self.owner = "bdchat"
        self.has_fim = False
        self.purpose = purpose
        self.num_restarts = 0
        self.num_in_flight = 0
        self.pid = None
        self.is_closed = False
        self.pinned: dict[str, str] = {}
        self._failure = failure

    def generate(self, request: GenerationRequest, resumption: Resumption | None = None) -> AsyncGenerator[Event]:
        raise NotImplementedError

    def cancel(self, request_id: str) -> None: ...

    async def survey(self, prompt: Prompt) -> PromptSurvey:
        raise NotImplementedError

    def forget(self, cache_tag: str) -> None: ...

    def pin(self, pin_id: str, system_prompt: str) -> None:
        self.pinned[pin_id] = system_prompt

    def unpin(self, pin_id: str) -> None:
        self.pinned.pop(pin_id, None)

    def pins(self) -> tuple[PinState, ...]:
        return tuple(PinState(pin_id=pin_id) for pin_id in self.pinned)

    async def inspect(self) -> tuple[SequenceState, ...]:
        return ()

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        raise NotImplementedError

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        raise NotImplementedError

    async def detokenize(self, tokens: Sequence[int]) -> TokenText:
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


def test_a_name_that_something_would_bring_says_what(engines: MappingProxyType[str, Engine]) -> None:
    router = Router(engines, default="large", created=7, remedies={"vectors": "Install it", "small": "It is here"})
    for name, remedy in [("vectors", "Install it"), ("other", "")]:
        with pytest.raises(ModelNotFound) as caught:
            router.embedder_for(name)
        assert caught.value.remedy == remedy
    assert router.embedder_for("small") is engines["small"]


def test_an_unknown_name_is_the_default_for_who_wants_an_answer_alone(engines: MappingProxyType[str, Engine]) -> None:
    router = Router(engines, default="large", created=7, aliases={"L": "large"}, unknown_is_default=True)
    assert [router.asked_for(name) for name in ("gpt-4o", "small", "L", None)] == [None, "small", "L", None]
    with pytest.raises(ModelNotFound):
        router.engine_for("gpt-4o")
    assert Router(engines, default="large", created=7).asked_for("gpt-4o") == "gpt-4o"


def test_a_fallback_answers_while_memory_does_not_hold_the_default() -> None:
    large, small = StillEngine(info_of("large", 128)), StillEngine(info_of("small", 128))
    engines = {"large": large, "small": small}
    router = Router(engines, default="large", created=7, fallback="small")
    assert router.engine_for(None) is large
    large.state, large.problem, large.lacks_memory = "failed", "too little memory", True
    assert router.engine_for(None) is small
    assert router.engine_for("large") is large  # who names it hears why
    assert router.problem_of("large") == "too little memory; small answers in its place (models.fallback)"
    assert [model.stands_in_for for model in router.models()] == [None, "large"]
    assert router.asked_for("large") == "large"
    kind = Router(engines, default="large", created=7, fallback="small", unknown_is_default=True)
    assert kind.asked_for("large") is None
    large.lacks_memory = False
    assert router.engine_for(None) is large
    assert Router(engines, default="large", created=7).stand_in_of("large") is None


def test_a_pin_of_one_model_is_in_that_alone() -> None:
    small, large = StillEngine(info_of("small", 256)), StillEngine()
    router = Router({"small": small, "large": large}, default="small", created=7)
    router.pin("house", "Be brief.", model="large")
    assert (small.pinned, large.pinned) == ({}, {"house": "Be brief."})


def test_a_pin_is_in_every_model_that_chats() -> None:
    chats, vectors = StillEngine(info_of("chats", 128)), StillEngine(info_of("vectors", 128), purpose="embedding")
    router = Router({"chats": chats, "vectors": vectors}, default="chats", created=7)
    router.pin("house", "Be brief.")
    assert (chats.pinned, vectors.pinned) == ({"house": "Be brief."}, {})
    assert router.pins() == {"chats": (PinState(pin_id="house"),)}
    with pytest.raises(InvalidRequest):
        router.pin("empty", " ")
    router.unpin("house")
    assert router.pins() == {"chats": ()}


def test_a_model_becomes_the_default_when_it_has_been_loaded_and_not_before() -> None:
    """A model that could not be loaded was everybody's default, because it had been the first to be tried."""
    broken, slow = StillEngine(), StillEngine()
    router = Router({"broken": broken, "slow": slow}, default=None, created=7)
    assert (router.default, router.model_id_for(None)) == (None, "broken")  # who asks now waits for it
    broken.state, broken.problem = "failed", "unknown model architecture: 'brandnew'"
    assert (router.default, router.model_id_for("default")) == (None, "slow")
    slow.state = "failed"
    assert (router.default, router.model_id_for("default")) == (None, "broken")  # which says why
    slow.info = info_of("slow", 64)
    assert (router.default, router.model_id_for(""), list(router.engines)) == ("slow", "slow", ["slow", "broken"])
    broken.info = info_of("broken", 64)
    assert router.default == "slow"
    with pytest.raises(ModelNotFound):
        Router({}, default=None, created=7).engine_for("default")


def test_who_writes_no_text_is_never_asked_for_one() -> None:
    """An embedding model that had been loaded first became everybody's default."""
    vectors, ranks = StillEngine(info_of("e", 64), purpose="embedding"), StillEngine(purpose="reranker")
    chat = StillEngine(info_of("c", 64))
    router = Router({"e": vectors, "r": ranks, "c": chat}, default=None, created=7)
    assert router.engine_for(None) is chat
    assert router.embedder_for(None) is vectors
    assert router.embedder_for("c") is chat  # a chat model makes vectors too
    assert router.ranker_for("default") is ranks
    assert [model.purpose for model in router.models()] == ["chat", "embedding", "reranker"]
    for ask, name in [(router.engine_for, "e"), (router.engine_for, "r"), (router.set_default, "e")]:
        with pytest.raises(InvalidRequest) as refused:
            ask(name)
        assert (refused.value.param, refused.value.code) == ("model", "model_unsuitable")
    with pytest.raises(InvalidRequest) as refused:
        router.embedder_for("r")
    assert refused.value.code == "model_unsuitable"
    for name in ("c", "e"):
        with pytest.raises(InvalidRequest) as refused:
            router.ranker_for(name)
        assert refused.value.code == "model_unsuitable"
    assert Router({"e": vectors}, default=None, created=7).embedder_for("e") is vectors
    assert Router({"c": chat}, default="c", created=7).embedder_for("") is chat


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


# --- while the server runs --------------------------------------------------------------------------------------------


class Shelf:
    """A ModelSource: models by name, and what was opened."""

    def __init__(self, *names: str) -> None:
        self.models = {name: installed(name) for name in names}
        self.opened: list[tuple[str, bool]] = []

    def find(self, name: str) -> InstalledModel:
        for model in self.models.values():
            if name in model.names:
                return model
        raise ModelNotFound(name, tuple(self.models))

    def open(self, model: InstalledModel, *, starts: bool = True) -> Engine:
        self.opened.append((model.name, starts))
        return StillEngine(info_of(model.name, 128))


def installed(name: str) -> InstalledModel:
    aliases = (f"{name}.Q4", f"{name}.Q4.gguf")
    return InstalledModel(name, Path(f"/models/{name}.Q4.gguf"), None, None, None, "unknown", 1, aliases)


async def test_a_loaded_model_has_all_its_names_and_the_first_is_the_default() -> None:
    shelf = Shelf("small", "large")
    router = Router({}, default=None, created=7, source=shelf)
    assert await router.load("small.Q4.gguf") == "small"
    assert (router.default, router.model_id_for(None), router.model_id_for("small.Q4")) == ("small",) * 3
    assert await router.load("large", starts=False) == "large"
    assert (router.default, list(router.engines)) == ("small", ["small", "large"])
    assert await router.load("small") == "small"
    assert shelf.opened == [("small", True), ("large", False)]
    assert router.models()[1].created > 7


async def test_two_loads_at_once_make_one_engine() -> None:
    shelf = Shelf("small")
    router = Router({}, default=None, created=7, source=shelf)
    assert set(await asyncio.gather(router.load("small"), router.load("small.Q4"))) == {"small"}
    assert len(shelf.opened) == 1


async def test_who_is_not_admitted_is_not_served() -> None:
    def refuse(model: InstalledModel) -> None:
        raise MemoryError(model.name)

    router = Router({}, default=None, created=7, source=Shelf("small"))
    with pytest.raises(MemoryError):
        await router.load("small", admit=refuse)
    assert (dict(router.engines), router.default) == ({}, None)
    for source in (None, Shelf("small")):
        with pytest.raises(ModelNotFound):
            await Router({}, default=None, created=7, source=source).load("../small")


async def test_an_unloaded_model_answers_what_it_has_and_nothing_more() -> None:
    busy, other = StillEngine(info_of("busy", 64)), StillEngine(info_of("other", 64))
    busy.num_in_flight = 1
    router = Router({"busy": busy, "other": other}, default="busy", created=7, aliases={"b": "busy"}, source=Shelf())
    leaving = asyncio.create_task(router.unload("busy", drain_s=60))
    await asyncio.sleep(0)
    assert (router.default, list(router.engines), list(router.leaving)) == ("other", ["other"], ["busy"])
    for name in ("busy", "b"):
        with pytest.raises(ModelNotFound):
            router.engine_for(name)
    assert not busy.is_closed
    busy.num_in_flight = 0
    await leaving
    assert busy.is_closed
    assert dict(router.leaving) == {}
    with pytest.raises(ModelNotFound):
        await router.unload("busy", drain_s=0)


async def test_requests_that_do_not_end_in_time_are_ended() -> None:
    busy = StillEngine(info_of("busy", 64))
    busy.num_in_flight = 1
    router = Router({"busy": busy}, default="busy", created=7)
    await router.unload("busy", drain_s=0)
    assert busy.is_closed
    assert router.default is None


async def test_a_model_that_leaves_cannot_come_back_before_it_is_gone() -> None:
    busy = StillEngine(info_of("small", 64))
    busy.num_in_flight = 1
    router = Router({"small": busy}, default="small", created=7, source=Shelf("small"))
    leaving = asyncio.create_task(router.unload("small", drain_s=60))
    await asyncio.sleep(0)
    with pytest.raises(EngineUnavailable):
        await router.load("small")
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert busy.is_closed  # whoever asked for it is gone; the engine is not left running
    assert await router.load("small") == "small"


async def test_the_default_is_one_that_is_served() -> None:
    other, loading, failed = StillEngine(info_of("b", 64)), StillEngine(), StillEngine()
    failed.state, failed.problem = "failed", "no reason"
    engines = {"a": StillEngine(), "b": other, "loading": loading, "failed": failed}
    router = Router(engines, default="a", created=7)
    with pytest.raises(EngineUnavailable):
        router.set_default("loading")
    with pytest.raises(ModelLoadFailed, match="failed: no reason"):
        router.set_default("failed")
    router.set_default("b")
    assert (router.model_id_for("default"), list(router.engines)) == ("b", ["b", "a", "loading", "failed"])
    with pytest.raises(ModelNotFound):
        router.set_default("c")
    assert router.default == "b"
