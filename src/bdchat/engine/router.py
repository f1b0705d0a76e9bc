"""Model name → engine.

Built once by the composition root from engines that exist already; it starts none and knows no processes. Owned by the
event loop. Names are looked up exactly: a request can name a served model or nothing.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bdchat.engine.engine import Engine
from bdchat.engine.errors import ModelNotFound
from bdchat.engine.request import ModelInfo

DEFAULT_NAMES = frozenset({None, "", "default"})


@dataclass(frozen=True, slots=True)
class ServedModel:
    model_id: str
    created: int  # seconds since 1970, as OpenAI lists it: when this server began to serve it
    owner: str
    state: str  # Engine.state
    info: ModelInfo | None  # None until it is loaded
    context_length: int | None  # what a sequence may have; None until it is loaded


class Router:
    """Every id and alias leads to one engine; `aliases` are other names of the same models (a file's name)."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        *,
        default: str | None,
        created: int,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        assert default is None or default in engines
        ordered = sorted(engines, key=lambda model_id: model_id != default)
        self._engines = {model_id: engines[model_id] for model_id in ordered}
        self._default = default
        self._created = created
        self._aliases = {alias: target for alias, target in (aliases or {}).items() if target in engines}

    @property
    def engines(self) -> Mapping[str, Engine]:
        """All that can be named, by model id; the default first."""
        return self._engines

    def models(self) -> tuple[ServedModel, ...]:
        return tuple(self._served(model_id, engine) for model_id, engine in self._engines.items())

    def model_id_for(self, model: str | None) -> str:
        """The id under which a name is served. Raises ModelNotFound. A model's own id wins over "default"."""
        if model in self._engines:
            return str(model)
        if model in DEFAULT_NAMES and self._default is not None:
            return self._default
        if model is not None and model in self._aliases:
            return self._aliases[model]
        raise ModelNotFound(model or "default", tuple(self._engines))

    def engine_for(self, model: str | None) -> Engine:
        return self._engines[self.model_id_for(model)]

    async def aclose(self) -> None:
        """Closes all, also when one fails to close; raises then what went wrong."""
        results = await asyncio.gather(*(engine.aclose() for engine in self._engines.values()), return_exceptions=True)
        failures = [result for result in results if isinstance(result, Exception)]
        if failures:
            raise ExceptionGroup("engines did not close", failures)

    def _served(self, model_id: str, engine: Engine) -> ServedModel:
        info = engine.info
        return ServedModel(model_id, self._created, "bdchat", engine.state, info, info.n_ctx if info else None)
