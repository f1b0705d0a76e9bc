"""Embedder on the low-level llama.cpp API: a second context on a loaded model, made for vectors. Engine thread only.

Two ways. A model whose attention looks ahead, and one that ranks, needs a text whole, and llama.cpp pools. Of a causal
one llama.cpp gives each token's vector and they are pooled here: a long text can then be read in several steps, between
which answers go on. Knows sequences; knows nothing of requests, queues or text.
"""

import ctypes
import time
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.gguf.purpose import POOLINGS, Pooling
from bdchat.engine.host import default_num_threads
from bdchat.engine.kv.plan import KVPlan, padded
from bdchat.engine.llama.context.batch import NumpyBatch
from bdchat.engine.llama.context.context_memory import ContextMemory
from bdchat.engine.llama.library import recorded_errors
from bdchat.engine.llama.model import LlamaModel, null_reason
from bdchat.engine.llama.thread_team import ThreadTeam
from bdchat.engine.model_runner import DecodeFailed, KVLayout, MemoryClass, Slice, TextRun
from bdchat.settings import EngineSettings

MAX_N_CTX = 8192  # of a text, unless engine.n_ctx says otherwise: a step of an encoder is quadratic in it
MAX_CELLS_BYTES = 512 * 1024**2  # of a causal model's cells, beside those of its answers
# llama.cpp keeps a row of logits for every token of a step, also where the model computes none.
MAX_LOGITS_BYTES = 2 * 1024**3  # of the longest text that is read whole
STEP_LOGITS_BYTES = 64 * 1024**2  # of a usual step
WHOLE_STEP_LOGITS_BYTES = 256 * 1024**2  # of one with whole texts, which are worth less when there are few of them
STEP_TOKENS = 512  # attention over a packed step costs its square
MIN_STEP_TOKENS = 64
NUM_SEQUENCES = 64
NUM_RECURRENT_SEQUENCES = 4  # each has a state, however short it is
LONG_N_CTX = 2048  # from here on the attention's scores take more memory than they save time


class LlamaEmbedder:
    """`pooling`: how a causal model's tokens become a vector; others pool as their header says. The model must outlive
    it."""

    def __init__(
        self,
        model: LlamaModel,
        model_id: str,
        settings: EngineSettings,
        pooling: Pooling,
        *,
        plan: KVPlan | None = None,
    ) -> None:
        """`plan`: what steps were measured to cost; None: one is measured. Raises ModelLoadFailed, DecodeFailed."""
        self._fast = model.fast
        self.model_id = model_id
        self._is_ranking = pooling == "rank"
        is_whole = model.looks_ahead
        self.can_pause = not is_whole and not self._is_ranking
        self.pooling = pooling
        self.num_sequences = NUM_RECURRENT_SEQUENCES if model.memory_class is MemoryClass.RECURRENT else NUM_SEQUENCES
        self.n_ctx = longest_text(model, settings)
        row_bytes = 4 * model.n_vocab
        step_bytes = WHOLE_STEP_LOGITS_BYTES if is_whole else STEP_LOGITS_BYTES
        self.n_batch = min(self.n_ctx, STEP_TOKENS, max(MIN_STEP_TOKENS, step_bytes // row_bytes))
        self.embed_seconds = 0.0
        params = llama_cpp.llama_context_default_params()
        params.embeddings = True
        params.pooling_type = POOLINGS.index("none" if self.can_pause else pooling)
        params.n_seq_max = self.num_sequences
        params.kv_unified = True
        params.n_ctx = padded(self.n_ctx if is_whole else self.n_ctx + self.n_batch)
        # llama.cpp aborts when it plans a step whose tokens it cannot divide among all sequences
        params.n_batch = _multiple(self.n_batch if self.can_pause else self.n_ctx, self.num_sequences)
        params.n_ubatch = _multiple(self.n_ctx if is_whole else self.n_batch, self.num_sequences)
        self.n_threads = settings.n_threads or default_num_threads()
        params.n_threads = params.n_threads_batch = self.n_threads
        is_long = is_whole and self.n_ctx > LONG_N_CTX
        self.flash_attention = settings.flash_attention == "on" or (settings.flash_attention == "auto" and is_long)
        on, off = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED, llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.flash_attn_type = on if self.flash_attention else off
        params.no_perf = True
        self._context_memory = ContextMemory()
        with recorded_errors() as errors, self._context_memory.provided():
            self._context = llama_cpp.llama_init_from_model(model.handle, params)
        if not self._context:
            raise ModelLoadFailed(model_id, null_reason(errors, "no context for vectors could be made", model.path))
        self._memory = llama_cpp.llama_get_memory(self._context)  # None: an encoder keeps nothing
        self.num_dimensions = model.num_ranks if self._is_ranking else model.num_dimensions
        wanted = min(settings.n_ctx or model.n_ctx_train, model.n_ctx_train)
        self.context_cut = (
            f"{self.n_ctx:,} of {wanted:,} trained tokens of a text are read (engine.n_ctx; memory bounds it too)"
            if self.n_ctx < wanted
            else None
        )
        self._batch = NumpyBatch(params.n_batch, self.n_ctx)
        self._largest_step = 0  # in tokens
        self._sums: dict[int, npt.NDArray[np.float64]] = {}  # seq id → what was pooled of a text that has not ended
        self._team = ThreadTeam(self.n_threads, plan or self._measured_plan())

    def embed(self, runs: Sequence[TextRun]) -> list[bytes]:
        slices = [Slice(run.seq_id, run.start, run.tokens, len(run.tokens)) for run in runs]
        began = time.perf_counter()
        self._decode(slices)
        ended = time.perf_counter()
        self.embed_seconds += ended - began
        if self._team.observe(slices, ended - began, ended):
            self._set_threads(self._team.n_threads)
        vectors = self._pooled_here(runs) if self.can_pause else self._pooled_there(runs)
        for run in runs:
            if run.is_end:
                self.drop(run.seq_id)
        return [self._finished(vector) for vector in vectors]

    def _decode(self, slices: Sequence[Slice]) -> None:
        self._batch.fill(slices)
        num_tokens = sum(len(each.tokens) for each in slices)
        # The rows of logits grow with the largest step. llama.cpp would write zeroes into all of them: 370 MB of a
        # passage, for a vocabulary of 250,000.
        is_largest = num_tokens > self._largest_step
        with self._context_memory.provided() if is_largest else nullcontext():
            rc = int(llama_cpp.llama_decode(self._context, self._batch.struct))
        if rc != 0:
            self._drop_all()
            raise DecodeFailed(rc)
        self._largest_step = max(self._largest_step, num_tokens)
        llama_cpp.llama_synchronize(self._context)

    def _set_threads(self, n_threads: int) -> None:
        llama_cpp.llama_set_n_threads(self._context, n_threads, n_threads)

    def _measured_plan(self) -> KVPlan:
        """What a token costs, from one step on one thread, which no other process can stretch by making it spin."""
        num_tokens = min(MIN_STEP_TOKENS, self.n_batch)
        self._set_threads(1)
        began = time.perf_counter()
        self._decode([Slice(0, 0, [0] * num_tokens, num_tokens)])
        ms_per_token = 1000 * (time.perf_counter() - began) / num_tokens / self.n_threads
        self.drop(0)
        self._set_threads(self.n_threads)
        return KVPlan(
            KVLayout.UNIFIED,
            "f16",
            flash_attention=self.flash_attention,
            base_ms=ms_per_token,
            ms_per_decode=ms_per_token,
            ms_per_prefill_token=ms_per_token,
            is_measured=True,
        )

    def drop(self, seq_id: int) -> None:
        self._sums.pop(seq_id, None)
        if self._memory:
            self._fast.seq_rm(self._memory, seq_id, -1, -1)

    def give_back(self) -> None:
        self._context_memory.give_back_all()

    def close(self) -> None:
        if self._context:
            llama_cpp.llama_free(self._context)
            self._context = None

    def _drop_all(self) -> None:
        for seq_id in range(self.num_sequences):
            self.drop(seq_id)

    def _pooled_here(self, runs: Sequence[TextRun]) -> list[npt.NDArray[np.float64]]:
        num_rows = sum(len(run.tokens) for run in runs)
        rows = _view(llama_cpp.llama_get_embeddings(self._context), (num_rows, self.num_dimensions))
        vectors, end = [], 0
        for run in runs:
            begin, end = end, end + len(run.tokens)
            if self.pooling == "last":
                pooled = rows[end - 1].astype(np.float64)
            elif self.pooling == "cls":
                pooled = self._sums.get(run.seq_id, rows[begin].astype(np.float64))
            else:
                pooled = self._sums.get(run.seq_id, 0.0) + rows[begin:end].sum(axis=0, dtype=np.float64)
            self._sums[run.seq_id] = pooled
            if run.is_end:
                vectors.append(pooled / (run.start + len(run.tokens)) if self.pooling in {"mean", "none"} else pooled)
        return vectors

    def _pooled_there(self, runs: Sequence[TextRun]) -> list[npt.NDArray[np.float64]]:
        pointers = [llama_cpp.llama_get_embeddings_seq(self._context, run.seq_id) for run in runs]
        return [_view(pointer, (self.num_dimensions,)).astype(np.float64) for pointer in pointers]

    def _finished(self, vector: npt.NDArray[np.float64]) -> bytes:
        if not self._is_ranking:
            vector = vector / (np.linalg.norm(vector) or 1.0)
        return vector.astype("<f4").tobytes()


def longest_text(model: LlamaModel, settings: EngineSettings) -> int:
    """In tokens: what memory allows, and never more than the model was trained for."""
    wanted = min(settings.n_ctx or MAX_N_CTX, model.n_ctx_train)
    if model.looks_ahead:
        return min(wanted, max(MIN_STEP_TOKENS, MAX_LOGITS_BYTES // (4 * model.n_vocab)))
    return min(wanted, max(STEP_TOKENS, int(MAX_CELLS_BYTES / model.bytes_per_cell("f16"))))


def _multiple(number: int, of: int) -> int:
    return -(-number // of) * of


def _view(pointer: Any, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """llama.cpp's own buffer, valid until the next step."""
    address = ctypes.cast(pointer, ctypes.c_void_p).value
    assert address, "llama.cpp has no vector for a sequence of the step"
    flat = (ctypes.c_float * int(np.prod(shape))).from_address(address)
    return np.ctypeslib.as_array(flat).reshape(shape)
