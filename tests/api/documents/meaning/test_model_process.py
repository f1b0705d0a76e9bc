"""A process for vectors: there while it is used; a text that is too long is cut."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from bdchat.api.documents.meaning.model_process import ModelProcess
from bdchat.engine.errors import ContextLengthExceeded, QueueFull
from bdchat.engine.request import EmbeddingRequest, Embeddings
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio


class ShortEngine(FakeEngine):
    """Reads texts of up to `n_ctx` characters, each a token."""

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        for text in request.texts:
            if len(text) > self.n_ctx:
                raise ContextLengthExceeded(len(text), self.n_ctx)
        return await super().embed(request)


def lengths(vectors: Sequence[bytes]) -> list[int]:
    return [int(np.frombuffer(vector, "<f4")[0]) for vector in vectors]


async def test_it_ends_after_a_time_without_use_and_starts_again() -> None:
    opened: list[FakeEngine] = []

    def open_engine() -> FakeEngine:
        opened.append(FakeEngine())
        return opened[-1]

    process = ModelProcess(open_engine, idle_s=0.01)
    assert opened == []
    await asyncio.gather(process.vectors(["a"]), process.vectors(["b"]))
    assert len(opened) == 1
    await until(lambda: opened[0].is_closed)
    await process.vectors(["c"])
    assert len(opened) == 2
    await process.aclose()
    assert opened[1].is_closed


async def test_it_does_not_end_while_it_is_used() -> None:
    gate = asyncio.Event()
    engine = FakeEngine(accept_gate=gate)
    process = ModelProcess(lambda: engine, idle_s=0.0)
    waiting = asyncio.create_task(process.vectors(["slow"]))
    await until(lambda: engine.embedding_requests)
    await asyncio.sleep(0)
    assert not engine.is_closed
    gate.set()
    await waiting
    await until(lambda: engine.is_closed)


async def test_of_a_text_that_is_too_long_its_beginning_counts() -> None:
    engine = ShortEngine(n_ctx=100)
    process = ModelProcess(lambda: engine, idle_s=60)
    made = await process.vectors(["x" * 90, "y" * 1000, "z" * 101])
    first, second, third = lengths(made)
    assert first == 90
    assert 50 < second <= 100
    assert 50 < third <= 100
    await process.aclose()


async def test_letters_that_came_apart_are_put_together() -> None:
    engine = FakeEngine()
    process = ModelProcess(lambda: engine, idle_s=60)
    await process.vectors(["\u1112\u1161\u11ab", "a\0b"])
    assert engine.embedding_requests[0].texts == ("한", "a b")
    await process.aclose()


async def test_what_is_not_the_texts_length_is_told() -> None:
    process = ModelProcess(lambda: FakeEngine(refusal=QueueFull(1.0)), idle_s=60)
    with pytest.raises(QueueFull):
        await process.vectors(["a"])
    await process.aclose()
