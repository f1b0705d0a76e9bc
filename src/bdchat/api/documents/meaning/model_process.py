"""A model's process that is there while it is used, and gone after a time without use. Event loop only."""

import asyncio
import unicodedata
import uuid
from collections.abc import Callable, Sequence

from bdchat.engine.engine import Engine
from bdchat.engine.errors import ContextLengthExceeded
from bdchat.engine.request import EmbeddingRequest

_MARGIN = 0.9  # of what a cut by characters leaves: tokens are not spread evenly
_MIN_CHARS = 16


class ModelProcess:
    """`open_engine`: one that its first request starts."""

    def __init__(self, open_engine: Callable[[], Engine], *, idle_s: float) -> None:
        self._open_engine = open_engine
        self._idle_s = idle_s
        self._engine: Engine | None = None
        self._num_using = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        return self._engine.pid if self._engine else None

    async def vectors(self, texts: Sequence[str]) -> list[bytes]:
        """float32, little endian, of unit length. Of a text that is too long, of its beginning. Raises EngineError."""
        whole = [unicodedata.normalize("NFC", text).replace("\0", " ") for text in texts]  # jamo apart are other tokens
        try:
            return list(await self._embed(whole))
        except ContextLengthExceeded:
            return [await self._shortened(text) for text in whole]

    async def aclose(self) -> None:
        self._stop_timer()
        self._close_engine()
        await asyncio.gather(*self._closing)

    async def _shortened(self, text: str) -> bytes:
        while True:
            try:
                return (await self._embed([text]))[0]
            except ContextLengthExceeded as error:
                if len(text) <= _MIN_CHARS:
                    raise
                text = text[: max(_MIN_CHARS, int(len(text) * _MARGIN * error.n_ctx / error.num_prompt_tokens))]

    async def _embed(self, texts: Sequence[str]) -> tuple[bytes, ...]:
        self._stop_timer()
        engine = self._engine = self._engine or self._open_engine()
        self._num_using += 1
        try:
            request = EmbeddingRequest(request_id=f"passages-{uuid.uuid4().hex}", texts=tuple(texts), field="text")
            return (await engine.embed(request)).vectors
        finally:
            self._num_using -= 1
            if not self._num_using:
                self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._close_engine)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            task = asyncio.create_task(engine.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
