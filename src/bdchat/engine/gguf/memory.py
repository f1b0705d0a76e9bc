"""What a model takes in memory, told from its header before it is loaded. Pure: knows the file's figures and the CPU's
features, no process.

The formulas are llama.cpp's allocations as they were found by measuring (DECISIONS.md, 2026-11-30): within 2 % of an
engine process's resident size for four shapes, with and without flash attention.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

PROCESS_BYTES = 74 << 20  # interpreter, libraries, the loop: of any model
VOCABULARY_BYTES = 350  # of a token in llama.cpp's maps and ours
KV_ELEMENT_BYTES = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32}
SPARE_OUTPUTS = 48  # rows of logits that one step may have at the default number of places

_F32, _F16 = 4, 2

# Types whose matrices llama.cpp copies into another order at load (ggml-cpu/repack.cpp, amx/amx.cpp at 0.3.36), by the
# feature of the CPU that it asks for, as /proc/cpuinfo names it.
_REPACKED = {
    "avx2": ("Q4_0", "Q4_K", "IQ4_NL", "MXFP4"),
    "avx512f": ("Q2_K",),
    "amx_int8": ("Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS"),
    "asimddp": ("Q4_0", "Q4_K", "Q5_K", "Q6_K", "Q8_0", "IQ4_NL", "MXFP4"),
}


def repacked_types(cpu_features: Collection[str]) -> frozenset[str]:
    return frozenset(name for feature, names in _REPACKED.items() if feature in cpu_features for name in names)


class ModelSizes(NamedTuple):
    """Of the largest layer."""

    n_embd: int
    n_ff: int
    n_vocab: int
    num_heads: int
    num_kv_elements: int  # K and V of one token in one layer
    num_masks: int  # 2: some layers see a window, some everything


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """In bytes, when the context is full. `total` is what it cannot do without."""

    weights: int
    repacked: int  # of the weights: once more in the CPU's own order
    kv_cache: int
    compute: int
    vocabulary: int

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.compute + self.vocabulary + PROCESS_BYTES

    @property
    def resident(self) -> int:
        """What the system says of the process while there is room: the file's pages that were copied stay mapped, until
        somebody needs the memory."""
        return self.total + self.repacked


def compute_bytes(
    sizes: ModelSizes, num_cells: int, *, num_tokens: int, flash_attention: bool, num_outputs: int = SPARE_OUTPUTS
) -> int:
    """Of llama.cpp's graph for a step of `num_tokens` over `num_cells`: of one stream, or of all where they share.

    The largest of three moments (attention, feed-forward, output) beside the masks; without flash attention a work
    buffer too, in which the scores become f16."""
    mask = sizes.num_masks * num_cells * (_F16 if flash_attention else _F32)
    forward = _F32 * (3 * sizes.n_ff + 4 * sizes.n_embd)
    attention = _F32 * (5 * sizes.n_embd + sizes.num_kv_elements)
    work = 0
    if not flash_attention:
        attention += _F32 * sizes.num_heads * num_cells
        work = _F16 * sizes.num_heads * num_cells
    output = _F32 * num_outputs * sizes.n_vocab
    return max(num_tokens * max(forward, attention), output) + num_tokens * (mask + work)
