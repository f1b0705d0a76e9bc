"""Cells are memory only where they were written, on real llama.cpp with tiny random models."""

from pathlib import Path

import numpy as np
import pytest

from bdchat.engine.kv.plan import KVPlan
from bdchat.engine.llama.context import context_memory
from bdchat.engine.llama.context.context_memory import PAGE, ContextMemory
from bdchat.engine.llama.runner import LlamaRunner
from bdchat.engine.model_runner import KVLayout, Slice
from bdchat.settings import EngineSettings
from tests.tiny_models import write_tiny_llama, write_tiny_mamba, write_tiny_swa

SETTINGS = EngineSettings(n_ctx=4096, max_sequences=4, n_batch=128, n_threads=1)  # 1 MiB of cells a sequence
PROMPT = [(7 * i + 1) % 200 for i in range(100)]


@pytest.fixture(scope="module")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llama(tmp_path_factory.mktemp("models") / "llama.gguf")


@pytest.mark.parametrize("flash_attention", [False, True])
def test_an_empty_sequence_gives_its_memory_back_beside_one_that_stays(tiny_llama: Path, flash_attention: bool) -> None:
    plan = KVPlan(KVLayout.STREAMS, "f16", flash_attention)
    with LlamaRunner.open(tiny_llama, "m", SETTINGS, plan=plan) as runner:
        runner.learn_cells()
        assert runner.info.elasticity == "sequences"
        runner.give_back()
        assert runner.resident_bytes() == 0
        runner.decode([Slice(1, 0, PROMPT, 0)])
        state, alone = runner.save(1), runner.resident_bytes()
        assert alone is not None
        assert alone >= len(state) // 2
        assert runner.state_bytes(1) == len(state)
        neighbours = [runner.decode([Slice(seq_id, 0, PROMPT, 1)]).copy() for seq_id in (0, 2)]
        for seq_id in (0, 2):
            runner.truncate(seq_id, 0)
        runner.give_back()
        left = runner.resident_bytes()
        assert left is not None
        # a page may have cells of two neighbours at the edge of every tensor
        assert alone <= left <= alone + 2 * 4 * PAGE
        assert runner.save(1) == state
        again = [runner.decode([Slice(seq_id, 0, PROMPT, 1)]).copy() for seq_id in (0, 2)]
        np.testing.assert_array_equal(again, neighbours)


@pytest.mark.parametrize("write", [write_tiny_llama, write_tiny_swa, write_tiny_mamba])
def test_when_nobody_holds_a_cell_all_memory_goes_back_and_nothing_changes(tmp_path: Path, write: object) -> None:
    path = write(tmp_path / "model.gguf")  # type: ignore[operator]
    settings = SETTINGS.model_copy(update={"n_ctx": 8192})
    with LlamaRunner.open(path, "m", settings, plan=KVPlan(KVLayout.UNIFIED, "f16", False)) as runner:
        runner.learn_cells()
        before = runner.decode([Slice(0, 0, PROMPT, 3)]).copy()
        runner.decode([Slice(1, 0, PROMPT[:7], 0)])
        runner.truncate(0, 0)
        runner.give_back()
        assert runner.num_resident(1) == 7
        runner.truncate(1, 0)
        runner.give_back()
        if runner.info.elasticity != "none":  # a recurrent model's states may be too small to be worth it
            assert runner.resident_bytes() == 0
        np.testing.assert_array_equal(runner.decode([Slice(0, 0, PROMPT, 3)]), before)


def test_a_library_that_is_not_as_known_allocates_as_it_always_does(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context_memory, "_find_seam", lambda: None)
    with LlamaRunner.open(tiny_llama, "m", SETTINGS, plan=KVPlan(KVLayout.STREAMS, "f16", False)) as runner:
        runner.learn_cells()
        assert runner.info.elasticity == "none"
        assert runner.resident_bytes() is None
        runner.decode([Slice(0, 0, PROMPT, 0)])
        runner.give_back()
        assert runner.num_resident(0) == len(PROMPT)


def test_what_was_only_read_counts_as_nothing() -> None:
    block = context_memory._Block(64 * PAGE)
    block.hold_cells()
    held = block.view()
    assert held.sum() == 0
    assert context_memory._resident_bytes(block) == 0
    held[5 * PAGE] = held[40 * PAGE] = 1
    assert context_memory._resident_bytes(block) == 2 * PAGE
    block.give_back((4 * PAGE + 1, 6 * PAGE))
    assert context_memory._resident_bytes(block) == PAGE
    block.give_back((40 * PAGE + 1, 41 * PAGE))  # not a whole page
    assert held[40 * PAGE] == 1
    del held
    block.close()


def test_the_memory_of_a_closed_context_is_given_back(tiny_llama: Path) -> None:
    runner = LlamaRunner.open(tiny_llama, "m", SETTINGS, plan=KVPlan(KVLayout.STREAMS, "f16", False))
    memory = runner._context_memory
    assert memory.is_elastic
    runner.close()
    assert memory._blocks == {}
    assert not ContextMemory().is_elastic
