"""ModelRunner on the low-level llama.cpp API: one context, one persistent batch. One OS thread for life.

llama.cpp's OpenMP team belongs to the thread that made it; a second thread starts a second team and both
spin against each other. Knows sequences and positions; knows nothing of requests, queues or text.
"""

import ctypes
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import llama_cpp
import msgspec
import numpy as np
import numpy.typing as npt

from bdchat.engine.errors import ModelLoadFailed, TooLittleMemory
from bdchat.engine.host import default_num_threads, free_memory_bytes
from bdchat.engine.kv.cell_layout import CellLayout, UnknownState, find_layout
from bdchat.engine.kv.plan import CellCount, KVMemoryError, KVPlan, fit_cells, safe_plan
from bdchat.engine.llama.context.batch import NumpyBatch
from bdchat.engine.llama.context.context_memory import ContextMemory
from bdchat.engine.llama.context.states import SequenceStates
from bdchat.engine.llama.library import recorded_errors
from bdchat.engine.llama.model import LlamaModel, null_reason
from bdchat.engine.llama.thread_team import ThreadTeam
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.model_runner import (
    DecodeFailed,
    KVLayout,
    MemoryClass,
    NoKVSlot,
    OutOfMemory,
    Sampler,
    Slice,
)
from bdchat.engine.request import SamplingParams
from bdchat.engine.sampling.sampler import LogitsSampler, SamplerScratch
from bdchat.engine.sampling.top_k_rows import TopKRows
from bdchat.settings import EngineSettings

logger = logging.getLogger(__name__)

SPARE_OUTPUTS = 64  # rows of logits beyond one per sequence: drafts, prompt logprobs
_GGML_TYPES = {"f16": 1, "q8_0": 8, "bf16": 30}  # ggml.h, enum ggml_type
_ALLOC_FAILED = -2  # llama-context.cpp: GGML_STATUS_ALLOC_FAILED
_TO_THE_END = -1  # llama.h: p1 < 0 means up to infinity


class LlamaRunner:
    """`decode` is the only call that takes long. Every refusal of llama.cpp to cut or copy a sequence ends with that
    sequence empty, and is reported as False."""

    def __init__(
        self,
        model: LlamaModel,
        model_id: str,
        settings: EngineSettings,
        plan: KVPlan,
        *,
        n_ubatch: int | None = None,
        owns_model: bool = False,
    ) -> None:
        self._model = model
        self._owns_model = owns_model
        self._fast = model.fast
        self.plan = plan
        self.layout = plan.layout
        self.memory_class = model.memory_class
        self.needs_checkpoints = model.memory_class is MemoryClass.RECURRENT or (
            model.memory_class is MemoryClass.SWA and not settings.swa_full
        )
        self.checkpoints_stand_alone = model.is_recurrent
        cells = _fit(model, model_id, settings, plan)
        self.num_sequences = cells.num_sequences
        self.num_cells = cells.num_cells
        self.n_batch = settings.n_batch + cells.num_sequences  # all decodes and a full chunk fit one step
        self.n_outputs_max = cells.num_sequences + SPARE_OUTPUTS
        self.decode_seconds = 0.0
        self._n_ctx = cells.n_ctx_per_sequence
        self._context_cut = cells.cut
        n_threads = settings.n_threads or default_num_threads()
        self._team = ThreadTeam(n_threads, plan)
        self._n_threads = n_threads
        params = _context_params(settings, plan, cells, n_threads)
        params.n_batch = self.n_batch
        params.n_ubatch = n_ubatch or self.n_batch
        params.n_outputs_max = self.n_outputs_max
        self._context_memory = ContextMemory()
        with recorded_errors() as errors, self._context_memory.provided():
            self._context = llama_cpp.llama_init_from_model(model.handle, params)
        if not self._context:
            raise ModelLoadFailed(model_id, null_reason(errors, "llama.cpp could not make a context", model.path))
        self._cell_layout: CellLayout | None = None
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = NumpyBatch(self.n_batch, self._n_ctx)
        self._scratch = SamplerScratch(model.n_vocab)
        self._top_k_rows = TopKRows(model.n_vocab, self.n_outputs_max)
        self._states = SequenceStates(self._context)
        self._logits = np.zeros((0, model.n_vocab), np.float32)
        self._logits_address = 0
        self.info = self._describe(model_id, n_threads)

    @classmethod
    def open(
        cls,
        path: Path,
        model_id: str,
        settings: EngineSettings,
        *,
        plan: KVPlan | None = None,
        use_extra_bufts: bool = True,
    ) -> Self:
        """Loads the model and owns it. Raises ModelLoadFailed."""
        model = LlamaModel.open(path, settings, use_extra_bufts=use_extra_bufts)
        try:
            chosen = plan or safe_plan(settings, on_gpu=model.on_gpu, shares_cells=model.shares_cells(settings))
            return cls(model, model_id, settings, chosen, owns_model=True)
        except BaseException:
            model.close()
            raise

    def decode(self, slices: Sequence[Slice]) -> npt.NDArray[np.float32]:
        """Logits: (num_outputs, n_vocab), valid until the next decode. Raises NoKVSlot (llama_decode = 1: nothing
        happened) or DecodeFailed (anything else but 0)."""
        self._check(slices)
        placed = slices
        if self.layout is KVLayout.STREAMS and not _is_sorted(slices):
            # split_equal puts only increasing, adjacent seq ids into one ubatch
            placed = sorted(slices, key=lambda piece: piece.seq_id)
        num_outputs = self._batch.fill(placed)
        is_repeatable = slices[0].is_repeatable
        if is_repeatable:
            self._set_threads(self._team.full)
        began = time.perf_counter()
        rc = int(llama_cpp.llama_decode(self._context, self._batch.struct))
        ended = time.perf_counter()
        self.decode_seconds += ended - began
        if rc == 1:
            raise NoKVSlot
        if rc == _ALLOC_FAILED:
            raise OutOfMemory("llama_decode got no memory for its buffers")
        if rc != 0:
            raise DecodeFailed(rc)
        if not is_repeatable:
            self._team.observe(slices, ended - began, ended)
        self._set_threads(self._team.n_threads)
        logits = self._view_logits(num_outputs)
        return logits if placed is slices else logits[_row_order(slices, placed)]

    def _set_threads(self, n_threads: int) -> None:
        if n_threads != self._n_threads:
            self._n_threads = n_threads
            llama_cpp.llama_set_n_threads(self._context, n_threads, n_threads)

    def copy_prefix(self, src: int, dst: int, num_tokens: int) -> bool:
        if num_tokens == 0:
            return True
        if not self.can_cut(src, num_tokens):
            return False
        if self.layout is KVLayout.UNIFIED:
            end = num_tokens if self.memory_class is not MemoryClass.RECURRENT else _TO_THE_END
            self._fast.seq_cp(self._memory, src, dst, 0, end)
        else:
            # a copy between streams is the whole buffer or an abort (llama_kv_cache::seq_cp), so the state is moved
            self._states.write(dst, self._states.read(src))
            self._fast.seq_rm(self._memory, dst, num_tokens, _TO_THE_END)
        return self._holds_or_clear(dst, num_tokens)

    def truncate(self, seq_id: int, num_tokens: int) -> bool:
        if num_tokens > 0 and self.can_cut(seq_id, num_tokens):
            if self.num_resident(seq_id) != num_tokens:
                self._fast.seq_rm(self._memory, seq_id, num_tokens, _TO_THE_END)
            return self._holds_or_clear(seq_id, num_tokens)
        self._clear(seq_id)
        return num_tokens == 0

    def can_cut(self, seq_id: int, num_tokens: int) -> bool:
        """Whether the first num_tokens of a sequence can stand alone: llama.cpp itself cuts without asking."""
        last = int(self._fast.seq_pos_max(self._memory, seq_id))
        if num_tokens > last + 1:
            return False
        if self.memory_class is MemoryClass.RECURRENT:
            return num_tokens == last + 1
        first = int(self._fast.seq_pos_min(self._memory, seq_id))
        if self.memory_class is MemoryClass.SWA:
            # token n sees the n_swa - 1 before it (llama-hparams.h, is_masked_swa)
            return first == 0 or first <= num_tokens - self._model.n_swa + 1
        return first == 0

    def checkpoint(self, seq_id: int) -> bytes:
        return self._states.read(seq_id, is_partial=True).tobytes()

    def roll_back(self, seq_id: int, num_tokens: int, state: bytes) -> bool:
        if not self._states.write(seq_id, np.frombuffer(state, np.uint8), is_partial=True):
            self._clear(seq_id)
            return False
        self._fast.seq_rm(self._memory, seq_id, num_tokens, _TO_THE_END)
        return self._holds_or_clear(seq_id, num_tokens)

    def save(self, seq_id: int) -> bytes:
        return self._states.read(seq_id).tobytes()

    def load(self, seq_id: int, state: bytes) -> bool:
        is_taken = self._states.write(seq_id, np.frombuffer(state, np.uint8))
        if is_taken and self._fast.seq_pos_max(self._memory, seq_id) >= 0:
            return True
        self._clear(seq_id)
        return False

    def state_bytes(self, seq_id: int) -> int:
        return self._states.num_bytes(seq_id)

    def learn_cells(self) -> None:
        """Finds where each stream's cells lie: only then can they be given back while others are in use. Computes two
        tokens for it. Nothing may be resident."""
        if self.layout is KVLayout.STREAMS and self._context_memory.is_elastic and self.num_sequences > 1:
            last = self.num_sequences - 1
            self.decode([Slice(last, 0, [0, 1 % self.info.n_vocab], 0)])
            try:
                self._cell_layout = find_layout(
                    self.save(last),
                    self._context_memory.cells(),
                    stream=last,
                    num_streams=self.num_sequences,
                    num_cells=self.num_cells // self.num_sequences,
                )
            except UnknownState as error:
                logger.info("cells are given back all together or not at all: %s", error)
            self._clear(last)
        self.give_back()
        self.info = msgspec.structs.replace(self.info, elasticity=self._elasticity)

    def give_back(self) -> None:
        self._states.drop_buffer()
        empty = {seq_id for seq_id in range(self.num_sequences) if self._fast.seq_pos_max(self._memory, seq_id) < 0}
        if len(empty) == self.num_sequences:
            self._context_memory.give_back_all()
        elif self._cell_layout is not None:
            self._context_memory.give_back(self._cell_layout.spans(empty))
        if sys.platform == "linux":
            ctypes.CDLL(None).malloc_trim(0)

    def resident_bytes(self) -> int | None:
        return self._context_memory.resident_cell_bytes()

    def num_resident(self, seq_id: int) -> int:
        last = int(self._fast.seq_pos_max(self._memory, seq_id))
        return last + 1 if self.can_cut(seq_id, last + 1) else 0

    def make_sampler(self, params: SamplingParams, prompt: Sequence[int], seed: int) -> LogitsSampler:
        return LogitsSampler(params, prompt, seed, scratch=self._scratch, vocabulary=self)

    def choose(self, logits: npt.NDArray[np.float32], samplers: Sequence[Sampler | None]) -> list[int | None]:
        if len(samplers) < 2:
            return [None] * len(samplers)
        return self._top_k_rows.choose_some(
            logits, [each.next_choice() if isinstance(each, LogitsSampler) else None for each in samplers]
        )

    def is_end_of_generation(self, token_id: int) -> bool:
        return self._model.is_end_of_generation(token_id)

    def token_bytes(self, token_id: int) -> bytes:
        return self._model.token_bytes(token_id)

    def control_text(self, token_id: int) -> str:
        return self._model.control_text(token_id)

    def close(self) -> None:
        if self._context:
            self._logits = np.zeros((0, 0), np.float32)  # its memory goes with the context
            llama_cpp.llama_free(self._context)
            self._context = None
        if self._owns_model:
            self._model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _elasticity(self) -> str:
        if not self._context_memory.is_elastic:
            return "none"
        return "whole" if self._cell_layout is None else "sequences"

    def _holds_or_clear(self, seq_id: int, num_tokens: int) -> bool:
        """A copy or a cut that did not do what was asked is never trusted (SWA copies can come out empty)."""
        if int(self._fast.seq_pos_max(self._memory, seq_id)) == num_tokens - 1 and self.can_cut(seq_id, num_tokens):
            return True
        self._clear(seq_id)
        return False

    def _clear(self, seq_id: int) -> None:
        self._fast.seq_rm(self._memory, seq_id, -1, _TO_THE_END)

    def _view_logits(self, num_outputs: int) -> npt.NDArray[np.float32]:
        """A view of llama.cpp's own buffer, whose rows get_logits puts into batch order. One array stands for all
        numbers of outputs: of its rows those beyond the step's may be no memory at all."""
        if num_outputs == 0:
            return self._logits[:0]
        address = int(self._fast.get_logits(self._context) or 0)
        if address != self._logits_address:
            flat = (ctypes.c_float * (self.n_outputs_max * self._model.n_vocab)).from_address(address)
            self._logits = np.ctypeslib.as_array(flat).reshape(self.n_outputs_max, self._model.n_vocab)
            self._logits_address = address
        return self._logits[:num_outputs]

    def _check(self, slices: Sequence[Slice]) -> None:
        """What llama.cpp answers with abort() or accepts in silence is our own mistake, found here."""
        num_tokens = num_outputs = 0
        for piece in slices:
            num_tokens += len(piece.tokens)
            num_outputs += piece.num_outputs
            assert 0 <= piece.seq_id < self.num_sequences, piece.seq_id
            assert piece.start + len(piece.tokens) <= self._n_ctx, (piece.seq_id, piece.start)
            assert piece.num_outputs <= len(piece.tokens)
        assert 0 < num_tokens <= self.n_batch, num_tokens
        assert num_outputs <= self.n_outputs_max, num_outputs

    def _describe(self, model_id: str, n_threads: int) -> ModelInfo:
        model, plan = self._model, self.plan
        return ModelInfo(
            model_id=model_id,
            architecture=model.architecture,
            num_parameters=model.num_parameters,
            model_bytes=model.model_bytes,
            n_vocab=model.n_vocab,
            n_ctx_train=model.n_ctx_train,
            n_ctx=self._n_ctx,
            context_cut=self._context_cut,
            num_sequences=self.num_sequences,
            num_cells=self.num_cells,
            kv_layout=plan.layout.value,
            kv_type=plan.kv_type,
            flash_attention=plan.flash_attention,
            n_threads=n_threads,
            memory_class=self.memory_class.value,
            has_chat_template=model.has_chat_template,
            fingerprint=model.fingerprint(plan.layout, plan.kv_type, plan.flash_attention),
            use_extra_bufts=model.use_extra_bufts,
            elasticity=self._elasticity,
            description=model.description,
        )


def _fit(model: LlamaModel, model_id: str, settings: EngineSettings, plan: KVPlan) -> CellCount:
    try:
        return fit_cells(
            settings,
            plan,
            bytes_per_cell=model.bytes_per_cell(plan.kv_type),
            n_ctx_train=model.n_ctx_train,
            free_bytes=free_memory_bytes(),
        )
    except KVMemoryError as error:
        raise TooLittleMemory(model_id, str(error)) from error


def _context_params(settings: EngineSettings, plan: KVPlan, cells: CellCount, n_threads: int) -> Any:
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = cells.n_ctx
    params.n_seq_max = cells.num_sequences
    params.n_threads = params.n_threads_batch = n_threads
    params.type_k = params.type_v = _GGML_TYPES[plan.kv_type]
    params.flash_attn_type = (
        llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED if plan.flash_attention else llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    )
    params.kv_unified = plan.layout is KVLayout.UNIFIED
    params.swa_full = settings.swa_full
    params.no_perf = True
    return params


def _is_sorted(slices: Sequence[Slice]) -> bool:
    return all(slices[i].seq_id < slices[i + 1].seq_id for i in range(len(slices) - 1))


def _row_order(slices: Sequence[Slice], placed: Sequence[Slice]) -> list[int]:
    """For each output in the order of `slices`, its row in the order of `placed`."""
    first_row: dict[int, int] = {}
    row = 0
    for piece in placed:
        first_row[piece.seq_id] = row
        row += piece.num_outputs
    return [first_row[piece.seq_id] + i for piece in slices for i in range(piece.num_outputs)]
