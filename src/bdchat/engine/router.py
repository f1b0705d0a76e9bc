"""Model name → engine; models come and go while the server runs.

Owned by the event loop. Names are looked up exactly: a request can name a served model or nothing. Which models there
are on the disk, and how one becomes an engine, is its source's affair; it knows no processes.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bdchat.engine.engine import Engine
from bdchat.engine.errors import (
    EngineUnavailable,
    InvalidRequest,
    ModelLoadFailed,
    ModelNotFound,
)
from bdchat.engine.inspection import PinState
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.models.catalog import InstalledModel
from bdchat.engine.pins import check_pin
from bdchat.engine.request import SamplingDefaults

log = logging.getLogger(__name__)

DEFAULT_NAMES = frozenset({None, "", "default"})
POLL_S = 0.02  # whether an engine that goes has answered its last request


class ModelSource(Protocol):
    """local_models.LocalModels is one."""

    def find(self, name: str) -> InstalledModel:
        """Reads the disk. Raises ModelNotFound, ModelLoadFailed."""

    def open(self, model: InstalledModel, *, starts: bool = True) -> Engine: ...


@dataclass(frozen=True, slots=True)
class ServedModel:
    model_id: str
    created: int  # seconds since 1970, as OpenAI lists it: when this server began to serve it
    owner: str
    state: str  # Engine.state
    info: ModelInfo | None  # None until it is loaded
    sampling_defaults: SamplingDefaults
    languages: tuple[str, ...]
    context_length: int | None  # what a sequence may have; None until it is loaded
    load_fraction: float | None  # Engine.load_fraction
    has_fim: bool  # it can fill gaps
    purpose: str = "chat"  # Engine.purpose
    stands_in_for: str | None = None  # the default, while memory does not hold it


class Router:
    """Every id and alias leads to one engine; `aliases` are other names of the same models (a file's name).

    Only the default that it was made with may be a model that does not load; none becomes it afterwards.
    Without a source nothing can be loaded beyond the engines that it was made with. `unknown_is_default`: the default
    answers requests that name a model which is not served. `fallback`: answers, where no model is named, in the place
    of a default that memory does not hold. `remedies`: name → what would bring
    a model of that name, in one sentence."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        *,
        default: str | None,
        created: int,
        aliases: Mapping[str, str] | None = None,
        unknown_is_default: bool = False,
        remedies: Mapping[str, str] | None = None,
        fallback: str | None = None,
        source: ModelSource | None = None,
    ) -> None:
        assert default is None or default in engines
        self._default = default
        self._engines: dict[str, Engine] = dict(engines)
        self._sort()
        self._created = dict.fromkeys(engines, created)
        self._aliases = {alias: target for alias, target in (aliases or {}).items() if target in engines}
        self._unknown_is_default = unknown_is_default
        self._remedies = dict(remedies or {})
        assert fallback is None or fallback in engines
        self._fallback = fallback
        self._source = source
        self._leaving: dict[str, Engine] = {}
        self._pins: dict[str, tuple[str, str | None]] = {}  # pin id → prompt and model; None: every one that chats

    @property
    def engines(self) -> Mapping[str, Engine]:
        """All that can be named, by model id; the default first."""
        return self._engines

    @property
    def leaving(self) -> Mapping[str, Engine]:
        """Unloaded ones that still answer their last requests."""
        return self._leaving

    @property
    def default(self) -> str | None:
        """Where there is none, the eldest model that has been loaded and can chat becomes it."""
        if self._default is None:
            loaded = (model for model in self._that("chat") if self._engines[model].info is not None)
            self._default = next(loaded, None)
            self._sort()
        return self._default

    def models(self) -> tuple[ServedModel, ...]:
        return tuple(self._served(model_id, engine) for model_id, engine in self._engines.items())

    def model_id_for(self, model: str | None) -> str:
        """The id under which a name is served. Raises ModelNotFound. A model's own id wins over "default"; where no
        model is loaded yet, the eldest takes who names none: it makes them wait, or says why it does not load."""
        if model in self._engines:
            return str(model)
        if model in DEFAULT_NAMES and self._engines:
            candidates = self._that("chat") or tuple(self._engines)
            chosen = self.default or min(candidates, key=lambda each: self._engines[each].state == "failed")
            return self.stand_in_of(chosen) or chosen
        if model is not None and model in self._aliases:
            return self._aliases[model]
        raise ModelNotFound(model or "default", tuple(self._engines), self._remedies.get(model or "", ""))

    def stand_in_of(self, model_id: str) -> str | None:
        """Who answers in its place, while it is the default and memory does not hold it."""
        fallback = self._fallback if self._fallback in self._engines else None
        is_down = model_id == self._default and model_id != fallback and self._engines[model_id].lacks_memory
        return fallback if is_down else None

    def problem_of(self, model_id: str) -> str | None:
        """Engine.problem, and who answers meanwhile. A model that is leaving has neither."""
        problem = self._engines[model_id].problem if model_id in self._engines else None
        if problem is not None and (stand_in := self.stand_in_of(model_id)) is not None:
            return f"{problem}; {stand_in} answers in its place (models.fallback)"
        return problem

    def asked_for(self, model: str | None) -> str | None:
        """Whom a request is to name that names `model`: None, the default, for one that is not served where an operator
        lets the default answer for it, or that memory does not hold. Only for requests that want an answer and nothing
        else."""
        is_served = model in self._engines or model in DEFAULT_NAMES or model in self._aliases
        named = self._aliases.get(model or "", model or "")
        if named in self._engines and self.stand_in_of(named) is not None:
            is_served = False
        return None if self._unknown_is_default and not is_served else model

    def engine_for(self, model: str | None) -> Engine:
        """One that writes texts. Raises ModelNotFound, InvalidRequest."""
        model_id = self.model_id_for(model)
        if (purpose := self._engines[model_id].purpose) != "chat":
            way = "POST /v1/rerank" if purpose == "reranker" else "POST /v1/embeddings"
            reason = f"{model_id} writes no text: it is for {way}. Name a model that chats"
            raise InvalidRequest("model", reason, code="model_unsuitable")
        return self._engines[model_id]

    def embedder_for(self, model: str | None) -> Engine:
        """One that makes vectors; where none is named, one made for it. Raises ModelNotFound, InvalidRequest."""
        embedders = self._that("embedding")
        model_id = embedders[0] if model in DEFAULT_NAMES and embedders else self.model_id_for(model)
        if self._engines[model_id].purpose not in {"embedding", "chat"}:
            reason = f"{model_id} ranks texts and makes no vectors: it is for POST /v1/rerank"
            raise InvalidRequest("model", reason, code="model_unsuitable")
        return self._engines[model_id]

    def ranker_for(self, model: str | None) -> Engine:
        """Raises ModelNotFound, InvalidRequest."""
        rankers = self._that("reranker")
        model_id = rankers[0] if model in DEFAULT_NAMES and rankers else self.model_id_for(model)
        if self._engines[model_id].purpose != "reranker":
            reason = f"{model_id} is no reranker: name a model that is made to rank (its GGUF says pooling rank)"
            raise InvalidRequest("model", reason, code="model_unsuitable")
        return self._engines[model_id]

    # --- while the server runs ----------------------------------------------------------------------------------------

    async def load(
        self, name: str, *, admit: Callable[[InstalledModel], None] | None = None, starts: bool = True
    ) -> str:
        """Serves an installed model; the first one that loads becomes the default. Its id; at once, when it is served
        already.

        `admit` may raise to refuse it. Raises ModelNotFound, ModelLoadFailed; EngineUnavailable while it is leaving."""
        if (served := self._served_as(name)) is not None:
            return served
        if self._source is None:
            raise ModelNotFound(name, tuple(self._engines))
        try:
            found = await asyncio.to_thread(self._source.find, name)
        except ModelLoadFailed as error:
            log.warning("not served: %s", error)
            raise
        if (served := self._served_as(found.name)) is not None:  # somebody was quicker
            return served
        if found.name in self._leaving:
            raise EngineUnavailable(f"{found.name} is being unloaded", retry_after_s=2.0)
        if admit is not None:
            admit(found)
        engine = self._engines[found.name] = self._source.open(found, starts=starts)
        for pin_id, (system_prompt, model) in self._pins.items() if engine.purpose == "chat" else ():
            if model in {None, found.name}:
                engine.pin(pin_id, system_prompt)
        self._created[found.name] = int(time.time())
        self._aliases |= dict.fromkeys(found.names[1:], found.name)
        self._sort()
        return found.name

    async def unload(self, model_id: str, *, drain_s: float) -> None:
        """Takes no more requests for it, gives those that it has `drain_s`, then ends it. If it was the default, the
        eldest of the others that has been loaded becomes it. Raises ModelNotFound."""
        engine = self._engines.get(model_id)
        if engine is None:
            raise ModelNotFound(model_id, tuple(self._engines))
        self._forget(model_id)
        self._leaving[model_id] = engine
        try:
            deadline = time.monotonic() + drain_s
            while engine.num_in_flight and time.monotonic() < deadline:  # noqa: ASYNC110  # engines tell of no last answer
                await asyncio.sleep(POLL_S)
        finally:  # also when who asked is gone
            try:
                await engine.aclose()
            finally:
                self._leaving.pop(model_id, None)

    def set_default(self, model_id: str) -> None:
        """It must be served and have been loaded. Raises ModelNotFound, ModelLoadFailed; EngineUnavailable while it
        loads; InvalidRequest where it cannot chat."""
        engine = self._engines.get(model_id)
        if engine is None:
            raise ModelNotFound(model_id, tuple(self._engines))
        self.engine_for(model_id)
        if engine.info is None and engine.problem is not None:
            raise ModelLoadFailed(model_id, engine.problem)
        if engine.info is None:
            raise EngineUnavailable(f"{model_id} is not loaded yet", retry_after_s=2.0)
        self._default = model_id
        self._sort()

    def pin(self, pin_id: str, system_prompt: str, *, model: str | None = None) -> None:
        """Engine.pin in the model of that id, or in every one that chats; when it is loaded later, then. Raises
        InvalidRequest."""
        check_pin(pin_id, system_prompt, self._pins)
        self._pins[pin_id] = (system_prompt, model)
        for model_id in self._that("chat"):
            if model in {None, model_id}:
                self._engines[model_id].pin(pin_id, system_prompt)

    def unpin(self, pin_id: str) -> None:
        """An unknown one is ignored."""
        self._pins.pop(pin_id, None)
        for model_id in self._that("chat"):
            self._engines[model_id].unpin(pin_id)

    def pins(self) -> dict[str, tuple[PinState, ...]]:
        """Model id → Engine.pins()."""
        return {model_id: self._engines[model_id].pins() for model_id in self._that("chat")}

    async def aclose(self) -> None:
        """Closes all, also when one fails to close; raises then what went wrong."""
        engines = (*self._engines.values(), *self._leaving.values())
        results = await asyncio.gather(*(engine.aclose() for engine in engines), return_exceptions=True)
        failures = [result for result in results if isinstance(result, Exception)]
        if failures:
            raise ExceptionGroup("engines did not close", failures)

    def _that(self, purpose: str) -> tuple[str, ...]:
        return tuple(model for model, engine in self._engines.items() if engine.purpose == purpose)

    def _served_as(self, name: str) -> str | None:
        return name if name in self._engines else self._aliases.get(name)

    def _forget(self, model_id: str) -> None:
        del self._engines[model_id], self._created[model_id]
        self._aliases = {alias: target for alias, target in self._aliases.items() if target != model_id}
        if self._default == model_id:
            self._default = None
        if self._fallback == model_id:
            self._fallback = None

    def _sort(self) -> None:
        """The default first; the others as they came."""
        self._engines = dict(sorted(self._engines.items(), key=lambda item: item[0] != self._default))

    def _served(self, model_id: str, engine: Engine) -> ServedModel:
        info, created = engine.info, self._created[model_id]
        n_ctx = info.n_ctx if info else None
        known = (engine.state, info, engine.sampling_defaults, engine.languages, n_ctx, engine.load_fraction)
        has_fim = info.has_fim if info else engine.has_fim
        stands_in_for = self._default if self._default and self.stand_in_of(self._default) == model_id else None
        return ServedModel(model_id, created, engine.owner, *known, has_fim, engine.purpose, stands_in_for)
