"""How long this library on this CPU takes to multiply with a matrix of one encoding and shape.

Only the products are timed, not a model: they are nine tenths of a step, and a matrix is measured in every encoding
within milliseconds. By the whole team on the wall's clock, since all threads share the memory's bandwidth, which
decides for one stream: one thread alone found BF16 as fast as Q4_1 where two of them take a fifth longer. Binds the
few functions of ggml that llama_cpp leaves out; libllama depends on them, so its handle finds them. One thread calls.
"""

import ctypes
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as bindings

BATCHES = (1, 8, 128)  # rows of the other matrix: one stream, NUM_STREAMS of them, a prompt
NUM_REPEATS = 5  # the fastest counts: other processes only ever add time
# A step reads each matrix once: nothing of it is in the caches when the next step comes to it. Copies of a small one
# stand for the rest of the model.
CYCLED_BYTES = 128 << 20
MAX_COPIES = 512  # of one matrix: a graph has room for some thousand products
MATRIX_BYTES = 4 << 20  # of a larger matrix so much is measured: its time grows with its rows
CPU = 0  # ggml-backend.h, enum ggml_backend_dev_type
_F32 = 0  # ggml.h, enum ggml_type
_GRAPH_BYTES = 8 << 20  # for the descriptions of tensors and a graph, not for their data


class KernelsUnavailable(Exception):
    """One line: why this library cannot be measured."""


class Matrix(NamedTuple):
    """A kind of weights. `sample`: rows in this very encoding; None: random numbers are encoded."""

    row_length: int
    num_rows: int
    type_id: int  # ggml.h, enum ggml_type
    sample: bytes | None = None


class _InitParams(ctypes.Structure):
    """ggml.h, struct ggml_init_params."""

    _fields_ = (("mem_size", ctypes.c_size_t), ("mem_buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool))


class Kernels:
    """Close it."""

    def __init__(self, n_threads: int) -> None:
        """Raises KernelsUnavailable."""
        try:
            self._bind(ctypes.CDLL(bindings._lib._name))
        except AttributeError as error:
            raise KernelsUnavailable(f"this llama.cpp hides its kernels ({error})") from None
        self._random = np.random.default_rng(0)
        self._device = self._dev_by_type(CPU)
        self._backend = self._cpu_init()
        if not self._device or not self._backend:
            raise KernelsUnavailable("this llama.cpp computes nothing on a CPU")
        self._set_n_threads(self._backend, n_threads)

    def close(self) -> None:
        self._backend_free(self._backend)

    def times_us(self, matrix: Matrix, *, uses_extra_bufts: bool) -> tuple[float, ...] | None:
        """Microseconds of one product for each of BATCHES, with the weights in the plain order of their file or in one
        of the CPU's own (repacked, AMX). None: no such order takes this kind, so that its time is the plain one."""
        row_bytes = int(self._row_size(matrix.type_id, matrix.row_length))
        num_rows = max(1, min(matrix.num_rows, MATRIX_BYTES // row_bytes))
        if num_rows >= 64:
            num_rows -= num_rows % 64  # repacked kinds take whole groups of rows
        content = self._content(matrix, num_rows, row_bytes)
        num_copies = max(2, min(MAX_COPIES, math.ceil(CYCLED_BYTES / content.nbytes)))
        buffer_type = self._extra_buffer_type(matrix, num_rows) if uses_extra_bufts else self._cpu_buffer_type()
        if buffer_type is None:
            return None
        with self._tensors(buffer_type, num_copies, matrix, num_rows) as weights:
            for tensor in weights:
                self._tensor_set(tensor, content.ctypes.data, 0, content.nbytes)
            scale = matrix.num_rows / num_rows
            return tuple(scale * self._product_us(matrix.row_length, batch, weights) for batch in BATCHES)

    def _product_us(self, row_length: int, batch: int, weights: Sequence[int]) -> float:
        used = weights if batch < BATCHES[-1] else weights[:2]  # a long product reads its matrix once and more
        with self._context() as context:
            other = self._new_tensor_2d(context, _F32, row_length, batch)
            graph = self._new_graph(context)
            for tensor in used:
                self._build_forward_expand(graph, self._mul_mat(context, tensor, other))
            buffer = self._alloc(context, self._cpu_buffer_type())
            try:
                numbers = self._random.standard_normal((batch, row_length), dtype=np.float32)
                self._tensor_set(other, numbers.ctypes.data, 0, numbers.nbytes)
                self._compute(self._backend, graph)  # the first one allocates
                fastest = min(self._compute_s(graph) for _ in range(NUM_REPEATS))
            finally:
                self._buffer_free(buffer)
        return 1e6 * fastest / len(used)

    def _compute_s(self, graph: int) -> float:
        began = time.perf_counter()
        self._compute(self._backend, graph)
        return time.perf_counter() - began

    def _content(self, matrix: Matrix, num_rows: int, row_bytes: int) -> npt.NDArray[np.uint8]:
        if matrix.sample is not None and len(matrix.sample) >= num_rows * row_bytes:
            return np.frombuffer(matrix.sample, np.uint8)[: num_rows * row_bytes]
        numbers = self._random.standard_normal((num_rows, matrix.row_length), dtype=np.float32)
        if matrix.type_id == _F32:
            return numbers.view(np.uint8).reshape(-1)
        encoded = np.empty(num_rows * row_bytes, np.uint8)
        self._quantize(matrix.type_id, numbers.ctypes.data, encoded.ctypes.data, 0, num_rows, matrix.row_length, None)
        return encoded

    def _extra_buffer_type(self, matrix: Matrix, num_rows: int) -> int | None:
        """The first that takes such a product, as llama.cpp chooses when it loads a model."""
        for buffer_type in self._extra_buffer_types():
            with (
                self._tensors(buffer_type, 1, matrix, num_rows) as (tensor,),
                self._context() as context,
            ):
                other = self._new_tensor_2d(context, _F32, matrix.row_length, 1)
                if tensor and self._supports_op(self._device, self._mul_mat(context, tensor, other)):
                    return buffer_type
        return None

    def _extra_buffer_types(self) -> Iterator[int]:
        address = self._get_proc_address(self._backend_reg(self._device), b"ggml_backend_dev_get_extra_bufts")
        if not address:
            return
        listed = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)(address)(self._device)
        for place in range(16):  # a NULL ends it
            if not listed or not listed[place]:
                return
            yield int(listed[place])

    @contextmanager
    def _context(self) -> Iterator[int]:
        context = self._init(_InitParams(_GRAPH_BYTES, None, True))
        try:
            yield context
        finally:
            self._free(context)

    @contextmanager
    def _tensors(self, buffer_type: int, count: int, matrix: Matrix, num_rows: int) -> Iterator[list[int]]:
        """In a buffer of their own; NULLs when it cannot be had."""
        with self._context() as context:
            tensors = [self._new_tensor_2d(context, matrix.type_id, matrix.row_length, num_rows) for _ in range(count)]
            buffer = self._alloc(context, buffer_type)
            try:
                yield tensors if buffer else [0] * count
            finally:
                if buffer:
                    self._buffer_free(buffer)

    def _bind(self, library: ctypes.CDLL) -> None:
        pointer, number, size, length = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_int64

        def function(name: str, result: Any, *arguments: Any) -> Any:
            found = getattr(library, name)
            found.restype, found.argtypes = result, list(arguments)
            return found

        self._init = function("ggml_init", pointer, _InitParams)
        self._free = function("ggml_free", None, pointer)
        self._new_tensor_2d = function("ggml_new_tensor_2d", pointer, pointer, number, length, length)
        self._mul_mat = function("ggml_mul_mat", pointer, pointer, pointer, pointer)
        self._new_graph = function("ggml_new_graph", pointer, pointer)
        self._build_forward_expand = function("ggml_build_forward_expand", None, pointer, pointer)
        self._row_size = function("ggml_row_size", size, number, length)
        self._quantize = function(
            "ggml_quantize_chunk", size, number, pointer, pointer, length, length, length, pointer
        )
        self._alloc = function("ggml_backend_alloc_ctx_tensors_from_buft", pointer, pointer, pointer)
        self._tensor_set = function("ggml_backend_tensor_set", None, pointer, pointer, size, size)
        self._buffer_free = function("ggml_backend_buffer_free", None, pointer)
        self._compute = function("ggml_backend_graph_compute", number, pointer, pointer)
        self._backend_free = function("ggml_backend_free", None, pointer)
        self._dev_by_type = function("ggml_backend_dev_by_type", pointer, number)
        self._backend_reg = function("ggml_backend_dev_backend_reg", pointer, pointer)
        self._get_proc_address = function("ggml_backend_reg_get_proc_address", pointer, pointer, ctypes.c_char_p)
        self._supports_op = function("ggml_backend_dev_supports_op", ctypes.c_bool, pointer, pointer)
        self._cpu_init = function("ggml_backend_cpu_init", pointer)
        self._set_n_threads = function("ggml_backend_cpu_set_n_threads", None, pointer, number)
        self._cpu_buffer_type = function("ggml_backend_cpu_buffer_type", pointer)
