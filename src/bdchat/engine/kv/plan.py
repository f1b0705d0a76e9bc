"""KV layout and number of cells: pure decisions, no llama.cpp.

`KVPlan` is what calibration chooses; `fit_cells` turns it into numbers before anything is allocated (llama.cpp
itself allocates whatever it is asked for until the system kills the process).
"""

import math
from dataclasses import dataclass
from typing import Literal

from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.settings import EngineSettings

KVType = Literal["f16", "bf16", "q8_0"]

BYTES_PER_ELEMENT: dict[str, float] = {"f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32}  # q8_0: 32 values and one f16 scale
CELL_PADDING = 256  # llama.cpp pads n_ctx to this (llama-context.cpp)
SAFE_MEMORY_SHARE = 4  # KV cells take at most 1/4 of what is free at load
WISHED_MEMORY_SHARE = 3 / 4  # one place of a context that the settings name may take so much of it
MODEST_BYTES = 2 * 1024**3
GENEROUS_BYTES = 4 * 1024**3  # where so much gives every sequence all that is wanted, each has its own cells
LEAST_BATCH = 32  # EngineSettings.n_batch's own bound
IDLE_BYTES = 256 * 1024**2  # ten thousand tokens of the default model
IDLE_WEIGHTS_SHARE = 1 / 4  # a large model's cells are large, and dear to compute again
SHORT_MEMORY_SHARE = 16
LONG_N_CTX = 8192  # a long conversation


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
    n_ctx_wanted: int  # what the settings name, else what the model was trained for
    num_sequences_wanted: int
    budget_bytes: int  # what the cells might take

    @property
    def n_ctx(self) -> int:
        """What llama_context_params.n_ctx must be: all cells."""
        return self.num_cells

    @property
    def cut(self) -> str | None:
        """What is less than was wanted, and what bounds it, in one line. Never a context that the settings name: that
        is served whole or refused."""
        less = []
        if self.n_ctx_per_sequence < self.n_ctx_wanted:
            less.append(f"{self.n_ctx_per_sequence:,} of {self.n_ctx_wanted:,} trained tokens of context are served")
        if self.num_sequences < self.num_sequences_wanted:
            less.append(f"{self.num_sequences} of {self.num_sequences_wanted} answers are written at once")
        if not less:
            return None
        bound = f"the KV cells may take {_gigabytes(self.budget_bytes)} of memory"
        return f"{' and '.join(less)}: {bound} (engine.kv_memory_bytes, engine.n_ctx)"


class KVMemoryError(Exception):
    """The context that the settings name does not fit, or, where they name none, not even one padded block."""

    def __init__(self, n_ctx: int, needed_bytes: int, budget_bytes: int, free_bytes: int) -> None:
        super().__init__(
            f"a context of {n_ctx:,} tokens needs {_gigabytes(needed_bytes)} of memory for its KV cells, "
            f"{_gigabytes(budget_bytes)} may be used ({_gigabytes(free_bytes)} free): lower engine.n_ctx, or raise "
            "engine.kv_memory_bytes"
        )
        self.n_ctx = n_ctx
        self.needed_bytes = needed_bytes
        self.budget_bytes = budget_bytes


def smaller(
    settings: EngineSettings, num_times: int, *, bytes_per_cell: float, n_ctx_train: int, free_bytes: int
) -> EngineSettings:
    """For a process whose predecessors ran out of memory so often: half of the places, the cells and the step each
    time. A context that the settings name stays whole."""
    if num_times == 0:
        return settings
    budget = kv_budget_bytes(settings, bytes_per_cell=bytes_per_cell, n_ctx_train=n_ctx_train, free_bytes=free_bytes)
    one_place = math.ceil(padded(settings.n_ctx or CELL_PADDING) * bytes_per_cell)
    less = {
        "max_sequences": max(1, settings.max_sequences >> num_times),
        "kv_memory_bytes": min(budget, max(one_place, budget >> num_times)),
        "n_batch": max(LEAST_BATCH, settings.n_batch >> num_times),
    }
    return settings.model_copy(update=less)


def must_share_cells(
    settings: EngineSettings, memory_class: MemoryClass, *, bytes_per_cell: float, n_ctx_train: int, free_bytes: int
) -> bool:
    """Whether only one pool makes sense, whatever the speed: where a state cannot be copied between streams (a sliding
    window's holds the window only), and where not every sequence can have the whole context as its own. Raises
    KVMemoryError."""
    if memory_class is MemoryClass.SWA:
        return True
    streams = KVPlan(KVLayout.STREAMS, "f16", flash_attention=False)
    cells = fit_cells(settings, streams, bytes_per_cell=bytes_per_cell, n_ctx_train=n_ctx_train, free_bytes=free_bytes)
    return cells.cut is not None


def safe_plan(settings: EngineSettings, *, on_gpu: bool, shares_cells: bool) -> KVPlan:
    """Without measuring: what never is very slow. What the settings name is honoured."""
    flash = settings.flash_attention == "on" or (settings.flash_attention == "auto" and on_gpu)
    layout = KVLayout.UNIFIED if on_gpu or shares_cells else KVLayout.STREAMS
    if settings.wanted_layout != "auto":
        layout = KVLayout(settings.wanted_layout)
    kv_type: KVType = "f16" if settings.kv_type == "auto" else settings.kv_type
    if kv_type == "q8_0" and settings.flash_attention != "off":
        flash = True  # llama.cpp: a quantised V cache requires flash attention
    return KVPlan(layout=layout, kv_type=kv_type, flash_attention=flash)


def fit_cells(
    settings: EngineSettings, plan: KVPlan, *, bytes_per_cell: float, n_ctx_train: int, free_bytes: int
) -> CellCount:
    """Number of cells that the memory bound allows: first one place with the whole context, then more places. A context
    that the settings name is never shortened: raises KVMemoryError."""
    wanted = settings.n_ctx or n_ctx_train
    budget = kv_budget_bytes(settings, bytes_per_cell=bytes_per_cell, n_ctx_train=n_ctx_train, free_bytes=free_bytes)
    affordable = int(budget / bytes_per_cell + 1e-6) // CELL_PADDING * CELL_PADDING
    least = padded(wanted) if settings.n_ctx is not None else CELL_PADDING
    if affordable < least:
        raise KVMemoryError(wanted, math.ceil(least * bytes_per_cell), budget, free_bytes)
    block = min(padded(wanted), affordable)
    num_sequences = settings.max_sequences
    if plan.layout is KVLayout.STREAMS:
        num_sequences = min(num_sequences, affordable // block)
    return CellCount(
        n_ctx_per_sequence=min(wanted, block),
        num_cells=min(affordable, block * num_sequences),
        num_sequences=num_sequences,
        n_ctx_wanted=wanted,
        num_sequences_wanted=settings.max_sequences,
        budget_bytes=budget,
    )


def kv_budget_bytes(settings: EngineSettings, *, bytes_per_cell: float, n_ctx_train: int, free_bytes: int) -> int:
    """What all cells may take. Unless it is named: what is modest, and more where that gives one place the whole
    context, or all places; at most a quarter of what is free, for a context that the settings name what it takes."""
    if settings.kv_memory_bytes is not None:
        return settings.kv_memory_bytes
    one = math.ceil(padded(settings.n_ctx or n_ctx_train) * bytes_per_cell)
    safe = free_bytes // SAFE_MEMORY_SHARE
    if settings.n_ctx is not None and one > safe:
        return min(one, int(free_bytes * WISHED_MEMORY_SHARE))
    return min(safe, _modest_bytes(settings, one, bytes_per_cell))


def ram_cache_bytes(settings: EngineSettings, *, total_bytes: int) -> int:
    """What idle sequences may take outside the cells."""
    return min(total_bytes // 10, 1024**3) if settings.ram_cache_bytes is None else settings.ram_cache_bytes


def idle_bytes(settings: EngineSettings, *, model_bytes: int) -> int:
    """What idle sequences may take, in cells and outside, once nobody has asked for a while."""
    if settings.idle_memory_bytes is not None:
        return settings.idle_memory_bytes
    return max(IDLE_BYTES, int(model_bytes * IDLE_WEIGHTS_SHARE))


def short_bytes(*, total_bytes: int) -> int:
    """Less than this free: memory is short, and idle sequences go at once."""
    return total_bytes // SHORT_MEMORY_SHARE


def _modest_bytes(settings: EngineSettings, one: int, bytes_per_cell: float) -> int:
    """What is enough for a household, however much is free: cells take memory when they are used, and where they cannot
    give it back they keep it. A small model gets MODEST_BYTES, a large one room for four whole conversations."""
    all_places = one * settings.max_sequences
    if all_places <= GENEROUS_BYTES:
        return all_places
    return max(MODEST_BYTES, min(4 * one, int(4 * LONG_N_CTX * bytes_per_cell)), one)


def padded(num_tokens: int) -> int:
    return -(-num_tokens // CELL_PADDING) * CELL_PADDING


def _gigabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.2f} GB"
