"""The memory that a model takes, against what was measured of engine processes with one place and a full context.

Measured on a CPU with AVX-512 and without AMX, in MiB, llama.cpp of 0.3.36: resident size of the whole process.
"""

from typing import NamedTuple

import pytest

from bdchat.engine.gguf.memory import PROCESS_BYTES, VOCABULARY_BYTES, ModelSizes, compute_bytes, repacked_types

SMOLLM2_135M = ModelSizes(n_embd=576, n_ff=1536, n_vocab=49_152, num_heads=9, num_kv_elements=384, num_masks=1)
MISTRAL_7B = ModelSizes(n_embd=4096, n_ff=14_336, n_vocab=32_768, num_heads=32, num_kv_elements=2048, num_masks=1)
SMALL_SWA = ModelSizes(n_embd=512, n_ff=1024, n_vocab=263, num_heads=8, num_kv_elements=512, num_masks=2)
WIDE = ModelSizes(n_embd=512, n_ff=4096, n_vocab=263, num_heads=8, num_kv_elements=512, num_masks=1)


class Measured(NamedTuple):
    sizes: ModelSizes
    num_cells: int
    flash_attention: bool
    weights: float
    repacked: float
    kv_cache: float
    resident: float


@pytest.mark.parametrize(
    "case",
    [
        Measured(SMOLLM2_135M, 2048, False, 92.1, 0, 45.0, 293.0),
        Measured(SMOLLM2_135M, 2048, True, 92.1, 0, 45.0, 246.3),
        Measured(SMALL_SWA, 4096, False, 36.3, 0, 16.0, 245.9),
        Measured(MISTRAL_7B, 1024, False, 1175.1, 790.0, 32.0, 2228.5),  # 8 of its layers
    ],
)
def test_the_process_is_foretold_within_three_percent(case: Measured) -> None:
    compute = compute_bytes(case.sizes, case.num_cells, num_tokens=513, flash_attention=case.flash_attention)
    rest = PROCESS_BYTES + case.sizes.n_vocab * VOCABULARY_BYTES
    told = case.weights + case.repacked + case.kv_cache + (compute + rest) / 2**20
    assert told == pytest.approx(case.resident, rel=0.03)


@pytest.mark.parametrize(
    ("sizes", "num_cells", "flash_attention", "buffer_mib"),
    [
        (SMOLLM2_135M, 2048, True, 15.54),
        (SMOLLM2_135M, 8192, True, 21.55),
        (MISTRAL_7B, 2048, True, 118.24),
        (MISTRAL_7B, 8192, True, 124.25),
        (WIDE, 2048, True, 30.07),
        (WIDE, 8192, True, 36.08),
    ],
)
def test_the_graphs_buffer_is_what_llama_cpp_reserves(
    sizes: ModelSizes, num_cells: int, flash_attention: bool, buffer_mib: float
) -> None:
    told = compute_bytes(sizes, num_cells, num_tokens=513, flash_attention=flash_attention)
    assert told / 2**20 == pytest.approx(buffer_mib, rel=0.03)


def test_what_is_copied_at_load_depends_on_the_cpu() -> None:
    assert repacked_types(()) == frozenset()
    assert repacked_types({"avx2", "avx512f"}) == {"Q4_0", "Q4_K", "IQ4_NL", "MXFP4", "Q2_K"}
    assert "Q4_1" in repacked_types({"avx2", "amx_int8"})
