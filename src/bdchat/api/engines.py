"""What the API room needs of the engines: a model's name → its engine. engine/router.py fulfils it; tests have a fake."""

from collections.abc import Mapping
from typing import Protocol

from bdchat.engine.engine import Engine


class Engines(Protocol):
    def engine_for(self, model: str | None) -> Engine:
        """None or "" = the default model. Raises ModelNotFound."""

    @property
    def engines(self) -> Mapping[str, Engine]:
        """All that can be named, loaded or not, by model id; the default first."""

    async def aclose(self) -> None: ...
