"""Texts → vectors for every wire that embeds: which model, how many dimensions, what does not fit."""

import math
import struct
from collections.abc import Sequence

from starlette.requests import Request

from bdchat.api.auth.right_watch import interruptible
from bdchat.api.generation.service import GenerationService
from bdchat.api.generation.streaming import unless_gone
from bdchat.api.http.errors import UnsupportedParameter
from bdchat.engine.engine import Engine
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.request import EmbeddingRequest, Embeddings, TextPrompt
from bdchat.engine.router import Router

SPECIAL_TOKENS = 2  # that a model may put around a text


class Vectors:
    def __init__(self, router: Router, generations: GenerationService) -> None:
        self._router = router
        self._generations = generations

    def engine_for(self, model: str | None, dimensions: int | None) -> Engine:
        """Raises ModelNotFound, UnsupportedParameter."""
        engine = self._router.embedder_for(self._router.asked_for(model))
        if engine.info is not None:
            check_dimensions(dimensions, engine.info)
        return engine

    async def made(
        self, request: Request, engine: Engine, wanted: EmbeddingRequest, user_id: str, dimensions: int | None = None
    ) -> Embeddings:
        """Of `dimensions` numbers each, if any are named."""
        with interruptible(request):
            made = await unless_gone(request.receive, self._generations.embed(engine, wanted, user_id=user_id))
        if engine.info is not None:
            check_dimensions(dimensions, engine.info)
        if dimensions is None:
            return made
        vectors = tuple(shortened(vector, dimensions) for vector in made.vectors)
        return Embeddings(vectors=vectors, num_tokens=made.num_tokens)

    async def cut_to_context(
        self, request: Request, engine: Engine, texts: Sequence[str]
    ) -> list[str | tuple[int, ...]]:
        """Texts that are too long as the tokens of their beginning. A token has at least a byte."""
        if engine.info is None:
            await unless_gone(request.receive, engine.tokenize(TextPrompt(text=texts[0][:1])))  # it is being loaded
        most = engine.info.n_ctx - SPECIAL_TOKENS if engine.info is not None else 0
        kept: list[str | tuple[int, ...]] = []
        for text in texts:
            if len(text.encode(errors="replace")) <= most:
                kept.append(text)
                continue
            beginning = text[: most * MAX_CHARS_PER_TOKEN]
            prompt = TextPrompt(text=beginning, adds_special=False, parses_special=False)
            tokens = await unless_gone(request.receive, engine.tokenize(prompt))
            kept.append(text if len(tokens) <= most and beginning == text else tokens[:most])
        return kept


MAX_CHARS_PER_TOKEN = 64  # what is longer is no token of any vocabulary


def check_dimensions(wanted: int | None, info: ModelInfo) -> None:
    """Raises UnsupportedParameter."""
    if wanted is None or wanted == info.num_dimensions:
        return
    if wanted > info.num_dimensions:
        raise UnsupportedParameter("dimensions", f"This model's vectors have {info.num_dimensions} dimensions.")
    if not info.may_shorten_vectors:
        reason = f"This model's vectors have {info.num_dimensions} dimensions and may not be shortened."
        raise UnsupportedParameter("dimensions", reason)


def shortened(vector: bytes, dimensions: int | None) -> bytes:
    """Its first numbers, of unit length again."""
    if dimensions is None or 4 * dimensions == len(vector):
        return vector
    kept = numbers_of(vector)[:dimensions]
    length = math.hypot(*kept) or 1.0
    return struct.pack(f"<{len(kept)}f", *(number / length for number in kept))


def numbers_of(vector: bytes) -> tuple[float, ...]:
    """Without numpy: a server that has no engine of its own imports none, which is 15 MB."""
    return struct.unpack(f"<{len(vector) // 4}f", vector)
