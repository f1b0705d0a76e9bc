"""KV layout and number of cells: pure decisions, no llama.cpp.

`KVPlan` is what calibration chooses; `fit_cells` turns it into numbers before anything is allocated (llama.cpp
itself allocates whatever it is asked for until the system kills the process).
"""

from dataclasses import dataclass
from typing import Literal

from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.settings import EngineSettings

KVType = Literal["f16", "bf16", "q8_0"]

BYTES_PER_ELEMENT: dict[str, float] = {"f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32}  # q8_0: 32 values and one f16 scale
CELL_PADDING = 256  # llama.cpp pads n_ctx to this (llama-context.cpp)
ROOMY_N_CTX = (
    4096  # a sequence of its own shorter than this, and than what is wanted, is worse than a share of one pool
)
SAFE_MEMORY_SHARE = 4  # KV cells take at most 1/4 of what is free at load
MODEST_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class KVPlan:
    """One way to hold keys and values, with the step cost it was measured to have."""

    layout: KVLayout
    kv_type: KVType
    flash_attention: bool
    base_ms: float = 20.0  # a step that decodes one sequence
    ms_per_decode: float = 5.0  # each further sequence in it
    ms_per_prefill_token: float = 1.0  # each prompt token in it
    is_measured: bool = False  # False: guesses, to be corrected by what the steps really take


@dataclass(frozen=True, slots=True)
class CellCount:
    n_ctx_per_sequence: int
    num_cells: int
    num_sequences: int

    @property
    def n_ctx(self) -> int:
        """What llama_context_params.n_ctx must be: all cells."""
        return self.num_cells


class KVMemoryError(Exception):
    """Even the smallest context of one padded block does not fit."""

    def __init__(self, needed_bytes: int, budget_bytes: int) -> None:
        super().__init__(f"{needed_bytes} bytes of KV cells are needed, {budget_bytes} may be used")
        self.needed_bytes = needed_bytes
        self.budget_bytes = budget_bytes


def must_share_cells(
    settings: EngineSettings, memory_class: MemoryClass, *, bytes_per_cell: float, n_ctx_train: int, free_bytes: int
) -> bool:
    """Whether only one pool makes sense, whatever the speed: where a state cannot be copied between streams (a sliding
    window's holds the window only), and where memory leaves each stream too short a context."""
    if memory_class is MemoryClass.SWA:
        return True
    streams = KVPlan(KVLayout.STREAMS, "f16", flash_attention=False)
    cells = fit_cells(settings, streams, bytes_per_cell=bytes_per_cell, n_ctx_train=n_ctx_train, free_bytes=free_bytes)
    is_short = cells.n_ctx_per_sequence < min(settings.n_ctx or n_ctx_train, ROOMY_N_CTX)
    return is_short or cells.num_sequences < settings.max_sequences


def safe_plan(settings: EngineSettings, *, on_gpu: bool, shares_cells: bool) -> KVPlan:
    """Without measuring: what never is very slow. What the settings name is honoured."""
    flash = settings.flash_attention == "on" or (settings.flash_attention == "auto" and on_gpu)
    layout = KVLayout.UNIFIED if on_gpu or shares_cells else KVLayout.STREAMS
    if settings.kv_layout != "auto":
        layout = KVLayout(settings.kv_layout)
    kv_type: KVType = "f16" if settings.kv_type == "auto" else settings.kv_type
    if kv_type == "q8_0" and settings.flash_attention != "off":
        flash = True  # llama.cpp: a quantised V cache requires flash attention
    return KVPlan(layout=layout, kv_type=kv_type, flash_attention=flash)


def fit_cells(
    settings: EngineSettings, plan: KVPlan, *, bytes_per_cell: float, n_ctx_train: int, free_bytes: int
) -> CellCount:
    """The longest context and the number of cells that the memory bound allows. Raises KVMemoryError."""
    wanted = settings.n_ctx or n_ctx_train
    budget = kv_budget_bytes(settings, bytes_per_cell=bytes_per_cell, n_ctx_train=n_ctx_train, free_bytes=free_bytes)
    affordable = int(budget / bytes_per_cell) // CELL_PADDING * CELL_PADDING
    if affordable < CELL_PADDING:
        raise KVMemoryError(needed_bytes=int(CELL_PADDING * bytes_per_cell), budget_bytes=budget)
    num_sequences, share = settings.max_sequences, affordable
    if plan.layout is KVLayout.STREAMS:
        num_sequences = min(num_sequences, affordable // CELL_PADDING)
        share = affordable // num_sequences
    block = min(padded(wanted), share // CELL_PADDING * CELL_PADDING)
    num_cells = min(affordable, block * num_sequences)
    return CellCount(n_ctx_per_sequence=min(wanted, block), num_cells=num_cells, num_sequences=num_sequences)


def kv_budget_bytes(settings: EngineSettings, *, bytes_per_cell: float, n_ctx_train: int, free_bytes: int) -> int:
    """What all cells may take."""
    if settings.kv_memory_bytes is not None:
        return settings.kv_memory_bytes
    return min(free_bytes // SAFE_MEMORY_SHARE, _modest_bytes(settings.n_ctx or n_ctx_train, bytes_per_cell))


def ram_cache_bytes(settings: EngineSettings, *, total_bytes: int) -> int:
    """What idle sequences may take outside the cells."""
    return min(total_bytes // 10, 1024**3) if settings.ram_cache_bytes is None else settings.ram_cache_bytes


def _modest_bytes(wanted: int, bytes_per_cell: float) -> int:
    """What is enough for a household, however much is free: llama.cpp fills all cells with zeroes, so they are paid for
    at once. A small model gets MODEST_BYTES, a large one room for four whole conversations."""
    return max(MODEST_BYTES, int(4 * padded(min(wanted, 2 * ROOMY_N_CTX)) * bytes_per_cell))


def padded(num_tokens: int) -> int:
    return -(-num_tokens // CELL_PADDING) * CELL_PADDING
