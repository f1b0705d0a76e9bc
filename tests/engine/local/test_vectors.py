"""Texts that become vectors, over an engine process: order, refusals, and what a death of the process leaves."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from bdchat.engine.errors import ContextLengthExceeded, GenerationFailed, InvalidRequest, RequestQuarantined
from bdchat.engine.request import EmbeddingRequest
from tests.engine.fake_process import (
    RAISE,
    SEGFAULT,
    ask,
    events_of,
    expected_text,
    process_engine,
    text_of,
    thread_engine,
)
from tests.fakes import fake_vector
from tests.patience import until

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def embed_wish(*texts: str | tuple[int, ...], **fields: Any) -> EmbeddingRequest:
    return EmbeddingRequest(request_id=f"e-{texts[0][:9]!r}", texts=texts, **fields)


def vectors_of(*texts: str) -> tuple[bytes, ...]:
    return tuple(fake_vector(text.encode()) for text in texts)


async def test_texts_become_vectors_in_order_beside_answers(tmp_path: Path) -> None:
    texts = [f"text {number} " * (1 + number % 7) for number in range(100)]
    async with thread_engine(tmp_path) as engine:
        made, events = await asyncio.gather(engine.embed(embed_wish(*texts)), events_of(engine, ask("hello")))
        assert made.vectors == vectors_of(*texts)
        assert made.num_tokens == tuple(len(text) for text in texts)
        assert text_of(events) == expected_text("hello")
        assert (await engine.embed(embed_wish((104, 105)))).vectors == vectors_of("hi")
        assert (await engine.embed(embed_wish("doc", query="query "))).vectors == vectors_of("query doc")
        await until(lambda: engine.metrics().num_texts_embedded == 102)
        assert engine.num_in_flight == 0


async def test_a_text_that_is_wrong_is_named(tmp_path: Path) -> None:
    async with thread_engine(tmp_path) as engine:
        for is_list, name in [(True, "input[1]"), (False, "input")]:
            texts = ("a", "b" * 600) if is_list else ("b" * 600,)
            with pytest.raises(ContextLengthExceeded) as refused:
                await engine.embed(embed_wish(*texts, is_list=is_list))
            assert (refused.value.param, refused.value.n_ctx) == (name, 512)
        with pytest.raises(InvalidRequest) as invalid:
            await engine.embed(embed_wish("\ud800"))
        assert invalid.value.param == "input"


async def test_texts_that_nobody_waits_for_any_more_are_dropped(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, "step_ms=2") as engine:
        await engine.wait_ready()
        many = asyncio.create_task(engine.embed(embed_wish(*["many " * 20] * 2000)))
        await until(lambda: engine.metrics().num_texts_embedded)
        many.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await many
        assert engine.num_in_flight == 0
        assert (await engine.embed(embed_wish("next"))).vectors == vectors_of("next")
        assert engine.metrics().num_texts_embedded < 2000


async def test_a_step_that_fails_fails_its_texts_and_no_others(tmp_path: Path) -> None:
    async with thread_engine(tmp_path) as engine:
        with pytest.raises(GenerationFailed):
            await engine.embed(embed_wish("a", RAISE))
        assert (await engine.embed(embed_wish("b"))).vectors == vectors_of("b")


async def test_vectors_survive_the_process_that_made_half_of_them(tmp_path: Path) -> None:
    """What came before its death is kept; the rest is made by the next process."""
    texts = [f"text {number}" for number in range(400)]
    async with process_engine(tmp_path, "step_ms=20") as engine:
        await engine.wait_ready()
        making = asyncio.create_task(engine.embed(embed_wish(*texts)))
        await until(lambda: engine.metrics().num_texts_embedded > 0)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGKILL)
        assert (await making).vectors == vectors_of(*texts)
        assert engine.num_restarts == 1


async def test_texts_that_kill_the_process_are_refused_at_the_second_death(tmp_path: Path) -> None:
    async with process_engine(tmp_path) as engine:
        with pytest.raises(RequestQuarantined):
            await engine.embed(embed_wish("a", SEGFAULT))
        assert (await engine.embed(embed_wish("b"))).vectors == vectors_of("b")
