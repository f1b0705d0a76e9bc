"""How many cells there are is bounded before anything is allocated."""

import pytest

from bdchat.engine.kv.plan import CELL_PADDING, CellCount, KVMemoryError, KVPlan, fit_cells, must_share_cells, safe_plan
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
def test_with_memory_to_spare_every_sequence_gets_the_trained_context(layout: KVLayout) -> None:
    cells = fit(layout, kv_memory_bytes=16 * GIB)
    assert cells == CellCount(n_ctx_per_sequence=8192, num_cells=16 * 8192, num_sequences=16)


def test_unless_told_cells_stay_modest_however_much_is_free() -> None:
    assert 1.9 * GIB < fit(KVLayout.STREAMS, 512 * GIB).num_cells * 23_040 <= 2 * GIB
    assert fit(KVLayout.STREAMS, 512 * GIB).n_ctx_per_sequence > 4096
    large = fit_cells(
        EngineSettings(),
        KVPlan(KVLayout.UNIFIED, "f16", flash_attention=False),
        bytes_per_cell=131_072,
        n_ctx_train=32_768,
        free_bytes=512 * GIB,
    )
    assert large.num_cells == 4 * 8192


@pytest.mark.parametrize("layout", list(KVLayout))
@pytest.mark.parametrize("free_gib", [0.1, 0.5, 1, 3, 7])
@pytest.mark.parametrize("n_ctx", [None, 64, 3000, 4_194_304])
def test_the_cells_stay_within_a_quarter_of_free_memory(layout: KVLayout, free_gib: float, n_ctx: int | None) -> None:
    free_bytes = int(free_gib * GIB)
    cells = fit(layout, free_bytes, n_ctx=n_ctx)
    assert cells.num_cells * 23_040 <= free_bytes // 4
    assert cells.n_ctx_per_sequence <= (n_ctx or 8192)
    per_sequence = cells.num_cells if layout is KVLayout.UNIFIED else cells.num_cells // cells.num_sequences
    assert per_sequence >= cells.n_ctx_per_sequence
    assert per_sequence % CELL_PADDING == 0


def test_little_memory_means_fewer_streams_but_as_many_sequences_in_one_pool() -> None:
    free_bytes = 4 * 3 * CELL_PADDING * 23_040
    assert fit(KVLayout.STREAMS, free_bytes).num_sequences == 3
    assert fit(KVLayout.UNIFIED, free_bytes).num_sequences == 16


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
        (MemoryClass.DENSE, 20, 131_072, True),  # 7B: sixteen streams of 2,500 tokens, or one pool of 40,000
        (MemoryClass.DENSE, 0.1, 23_040, True),
        (MemoryClass.SWA, 20, 23_040, True),
    ],
)
def test_one_pool_where_streams_would_be_too_short_or_cannot_be_copied(
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
