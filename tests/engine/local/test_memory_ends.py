"""When memory ends: the next life gets half of the plan, a few times; what was asked is answered, or told why not."""

import signal
from pathlib import Path

import pytest

from bdchat.engine.errors import ModelLoadFailed, speaks_of_memory
from bdchat.engine.local.restarts import MAX_SHRINKS, Death, Shrinking
from tests.engine.fake_process import (
    OUT_OF_MEMORY,
    ask,
    events_of,
    expected_text,
    process_engine,
    text_of,
    thread_engine,
)

OOM = Death(-signal.SIGKILL, was_oom=True)
KILL = Death(-signal.SIGKILL)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_a_plan_that_does_not_fit_is_halved_until_it_does(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, "needs=2") as engine:
        assert text_of(await events_of(engine, ask("hello"))) == expected_text("hello")
        assert (engine.num_restarts, engine.lacks_memory) == (2, False)


@pytest.mark.anyio
async def test_what_fits_in_no_plan_is_given_up_with_its_reason(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, "needs=99") as engine:
        with pytest.raises(ModelLoadFailed, match="told to want more"):
            await engine.wait_ready()
        assert (engine.state, engine.lacks_memory) == ("failed", True)
        assert engine.num_restarts == MAX_SHRINKS


@pytest.mark.anyio
async def test_another_failure_is_no_want_of_memory(tmp_path: Path) -> None:
    async with thread_engine(tmp_path, "fail=bad magic") as engine:
        with pytest.raises(ModelLoadFailed):
            await engine.wait_ready()
        assert (engine.lacks_memory, engine.num_restarts) == (False, 0)


@pytest.mark.anyio
async def test_an_answer_goes_on_in_the_smaller_plan(tmp_path: Path) -> None:
    async with thread_engine(tmp_path) as engine:
        text = f"say {OUT_OF_MEMORY}"
        assert text_of(await events_of(engine, ask(text))) == expected_text(text)
        assert engine.num_restarts == 1


@pytest.mark.anyio
async def test_who_is_killed_while_it_loads_was_too_large(tmp_path: Path) -> None:
    async with process_engine(tmp_path, "killed=1") as engine:
        assert text_of(await events_of(engine, ask("hello"))) == expected_text("hello")
        assert engine.num_restarts == 1


def test_no_request_is_blamed_while_a_smaller_plan_follows() -> None:
    """A large model under an address limit: the request of the second death got request_quarantined, no answer."""
    died = Death(-signal.SIGABRT, last_words="terminate called after throwing an instance of 'std::bad_alloc'")
    assert died.may_be_a_requests_fault
    assert not died._replace(is_the_plans_fault=True).may_be_a_requests_fault
    shrinking = Shrinking()
    assert shrinking.may_shrink
    assert [shrinking.shrink() for _ in range(MAX_SHRINKS + 1)] == [True] * MAX_SHRINKS + [False]
    assert not shrinking.may_shrink


def test_a_kill_in_service_shrinks_nothing_until_it_comes_twice_in_a_row() -> None:
    shrinking = Shrinking()
    for _ in range(3):
        shrinking.note_kill(was_ready=True)
        shrinking.note_progress()
    assert shrinking.num_shrinks == 0
    for _ in range(3):
        shrinking.note_kill(was_ready=True)
    assert shrinking.num_shrinks == 2


@pytest.mark.parametrize(
    "death",
    [OOM, Death(-signal.SIGABRT, last_words="terminate called after throwing an instance of 'std::bad_alloc'")],
)
def test_a_death_for_want_of_memory_is_told_from_others(death: Death) -> None:
    assert death.ran_out_of_memory
    assert not KILL.ran_out_of_memory
    assert KILL.is_unexplained_kill
    assert not Death(-signal.SIGKILL, killed_because="it hung").is_unexplained_kill
    assert not Death(-signal.SIGSEGV, last_words="GGML_ASSERT(n_tokens > 0) failed").ran_out_of_memory


@pytest.mark.parametrize(
    "words",
    [
        "mmap failed: Cannot allocate memory",
        "insufficient memory (attempted to allocate 180.00 MB); failed to allocate buffer of size 188743680",
        "unable to allocate CPU_REPACK buffer",
        "ggml.c:1644: GGML_ASSERT(ctx->mem_buffer != NULL) failed",
        "there is too little memory for it",
    ],
)
def test_llama_cpps_words_for_want_of_memory_are_known(words: str) -> None:
    """As it says them under a limit of its address space: at the file, the copy, the cells, the graph."""
    assert speaks_of_memory(words)
    assert not speaks_of_memory("unknown model architecture: 'x'")
