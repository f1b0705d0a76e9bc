"""How many cells there are is bounded before anything is allocated."""

from typing import Any

import pytest

from bdchat.engine.kv.plan import (
    CELL_PADDING,
    CellCount,
    KVMemoryError,
    KVPlan,
    fit_cells,
    must_share_cells,
    safe_plan,
    smaller,
)
from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.settings import EngineSettings

GIB = 1024**3


def fit(layout: KVLayout, free_bytes: int = 64 * GIB, n_ctx_train: int = 8192, **settings: object) -> CellCount:
    return fit_cells(
        EngineSettings.model_validate(settings),
        KVPlan(layout, "f16", flash_attention=False),
        bytes_per_cell=23_040,
        n_ctx_train=n_ctx_train,
        free_bytes=free_bytes,
    )


@pytest.mark.parametrize("layout", list(KVLayout))
@pytest.mark.parametrize("settings", [{}, {"n_ctx": 8192}, {"kv_memory_bytes": 16 * GIB}])
def test_with_memory_to_spare_every_sequence_gets_the_whole_context(layout: KVLayout, settings: dict[str, Any]) -> None:
    """8,192 tokens were asked for, 5,632 were served, and nobody was told: 2 GiB were split into 16."""
    cells = fit(layout, **settings)
    assert (cells.n_ctx_per_sequence, cells.num_cells, cells.num_sequences) == (8192, 16 * 8192, 16)
    assert cells.cut is None


def fit_large(free_bytes: int, n_ctx_train: int = 131_072, **settings: object) -> CellCount:
    """7B: 128 KiB a cell."""
    return fit_cells(
        EngineSettings.model_validate(settings),
        KVPlan(KVLayout.UNIFIED, "f16", flash_attention=False),
        bytes_per_cell=131_072,
        n_ctx_train=n_ctx_train,
        free_bytes=free_bytes,
    )


def test_unless_told_cells_stay_modest_however_much_is_free() -> None:
    assert fit_large(512 * GIB, n_ctx_train=8192).num_cells == 4 * 8192
    assert fit_large(512 * GIB, n_ctx_train=65_536).num_cells == 65_536  # one place has all of it


@pytest.mark.parametrize("layout", list(KVLayout))
@pytest.mark.parametrize("free_gib", [0.1, 0.5, 1, 3, 7])
@pytest.mark.parametrize("n_ctx_train", [64, 3000, 4_194_304])
def test_unless_told_the_cells_stay_within_a_quarter_of_free_memory(
    layout: KVLayout, free_gib: float, n_ctx_train: int
) -> None:
    free_bytes = int(free_gib * GIB)
    cells = fit(layout, free_bytes, n_ctx_train=n_ctx_train)
    assert cells.num_cells * 23_040 <= free_bytes // 4
    assert cells.n_ctx_per_sequence <= n_ctx_train
    per_sequence = cells.num_cells if layout is KVLayout.UNIFIED else cells.num_cells // cells.num_sequences
    assert per_sequence >= cells.n_ctx_per_sequence
    assert per_sequence % CELL_PADDING == 0
    assert (cells.cut is None) == (cells.n_ctx_per_sequence == n_ctx_train and cells.num_sequences == 16)


def test_the_context_comes_before_the_places() -> None:
    free_bytes = 4 * 3 * 8192 * 23_040
    streams = fit(KVLayout.STREAMS, free_bytes)
    assert (streams.n_ctx_per_sequence, streams.num_sequences) == (8192, 3)
    assert streams.cut == (
        "3 of 16 answers are written at once: the KV cells may take 0.57 GB of memory (engine.kv_memory_bytes, "
        "engine.n_ctx)"
    )
    pool = fit(KVLayout.UNIFIED, free_bytes)
    assert (pool.n_ctx_per_sequence, pool.num_cells, pool.num_sequences, pool.cut) == (8192, 3 * 8192, 16, None)


def test_a_trained_context_that_memory_does_not_allow_is_cut_and_told() -> None:
    cells = fit_large(24 * GIB)
    assert cells.n_ctx_per_sequence == 6 * GIB // 131_072
    assert cells.cut is not None
    assert cells.cut.startswith("49,152 of 131,072 trained tokens of context are served: the KV cells may take 6.44 GB")


@pytest.mark.parametrize("layout", list(KVLayout))
def test_a_named_context_is_served_whole_or_refused_with_the_numbers(layout: KVLayout) -> None:
    """One place takes more than a quarter of what is free where it must, but not more than three."""
    one = 8192 * 23_040
    cells = fit(layout, free_bytes=2 * one, n_ctx=8192)
    assert (cells.n_ctx_per_sequence, cells.num_cells) == (8192, 8192)
    with pytest.raises(KVMemoryError) as caught:
        fit(layout, free_bytes=one, n_ctx=8192)
    assert (caught.value.needed_bytes, caught.value.budget_bytes) == (one, one * 3 // 4)
    said = str(caught.value)
    assert said.startswith("a context of 8,192 tokens needs 0.19 GB of memory for its KV cells, 0.14 GB may be used")
    with pytest.raises(KVMemoryError):
        fit(layout, n_ctx=8192, kv_memory_bytes=one - 1)
    assert fit(layout, n_ctx=8192, kv_memory_bytes=one).n_ctx_per_sequence == 8192


def test_a_named_bound_replaces_the_quarter() -> None:
    assert fit(KVLayout.UNIFIED, free_bytes=0, kv_memory_bytes=GIB).num_cells == GIB // 23_040 // 256 * 256


def test_too_little_for_one_block_is_an_error_that_names_both_sides() -> None:
    with pytest.raises(KVMemoryError) as caught:
        fit(KVLayout.STREAMS, free_bytes=1000)
    assert caught.value.needed_bytes == CELL_PADDING * 23_040
    assert caught.value.budget_bytes == 250


def test_the_safe_plan_honours_what_is_named() -> None:
    settings = EngineSettings()
    assert not safe_plan(settings, on_gpu=False, shares_cells=False).flash_attention
    assert safe_plan(settings, on_gpu=False, shares_cells=False).layout is KVLayout.STREAMS
    assert safe_plan(settings, on_gpu=True, shares_cells=False).layout is KVLayout.UNIFIED
    assert safe_plan(settings, on_gpu=False, shares_cells=True).layout is KVLayout.UNIFIED
    streams = EngineSettings(kv_layout="streams")
    assert safe_plan(streams, on_gpu=False, shares_cells=True).layout is KVLayout.STREAMS
    quantised = EngineSettings(kv_type="q8_0")
    assert safe_plan(quantised, on_gpu=False, shares_cells=False).flash_attention  # V needs it when quantised


@pytest.mark.parametrize(
    ("memory_class", "free_gib", "bytes_per_cell", "expected"),
    [
        (MemoryClass.DENSE, 20, 23_040, False),  # a small model
        (MemoryClass.DENSE, 8, 23_040, True),  # eleven of sixteen would have the context as their own
        (MemoryClass.DENSE, 20, 131_072, True),  # 7B: five streams, or one pool of 40,000
        (MemoryClass.DENSE, 0.1, 23_040, True),
        (MemoryClass.SWA, 20, 23_040, True),
    ],
)
def test_one_pool_where_not_all_have_the_whole_context_or_streams_cannot_be_copied(
    memory_class: MemoryClass, free_gib: float, bytes_per_cell: float, expected: bool
) -> None:
    found = must_share_cells(
        EngineSettings(),
        memory_class,
        bytes_per_cell=bytes_per_cell,
        n_ctx_train=8192,
        free_bytes=int(free_gib * GIB),
    )
    assert found == expected


def test_a_smaller_plan_has_half_of_everything_each_time() -> None:
    settings = EngineSettings()
    at_first, once, twice = (
        smaller(settings, num_times, bytes_per_cell=1000.0, n_ctx_train=8192, free_bytes=8 << 30)
        for num_times in range(3)
    )
    assert at_first is settings
    assert (once.max_sequences, once.n_batch, twice.max_sequences, twice.n_batch) == (8, 256, 4, 128)
    assert once.kv_memory_bytes == 8 * 8192 * 1000
    assert twice.kv_memory_bytes == 4 * 8192 * 1000


def test_a_smaller_plan_keeps_a_named_context_whole() -> None:
    settings = EngineSettings(n_ctx=8192)
    least = smaller(settings, 9, bytes_per_cell=1000.0, n_ctx_train=32_768, free_bytes=8 << 30)
    assert (least.n_ctx, least.max_sequences, least.n_batch, least.kv_memory_bytes) == (8192, 1, 32, 8192 * 1000)
