"""One llama_batch over numpy arrays, made once and filled by slice assignment for each step. Engine thread only."""

import ctypes
from collections.abc import Sequence
from typing import Any

import llama_cpp
import numpy as np

from bdchat.engine.model_runner import Slice


class NumpyBatch:
    """Holds the arrays that the C struct points to; rows are sequence runs back to back."""

    def __init__(self, capacity: int, n_ctx: int) -> None:
        self.capacity = capacity
        self._token = np.zeros(capacity, np.int32)
        self._pos = np.zeros(capacity, np.int32)
        self._n_seq_id = np.ones(capacity, np.int32)
        self._seq_id = np.zeros(capacity, np.int32)
        self._wants_logits = np.zeros(capacity, np.int8)
        self._seq_id_pointers = self._seq_id.ctypes.data + np.arange(capacity, dtype=np.uintp) * 4
        self._positions = np.arange(n_ctx, dtype=np.int32)  # a run's positions are a view of this
        self.struct = llama_cpp.llama_batch()
        self.struct.token = _pointer(self._token, ctypes.c_int32)
        self.struct.pos = _pointer(self._pos, ctypes.c_int32)
        self.struct.n_seq_id = _pointer(self._n_seq_id, ctypes.c_int32)
        self.struct.seq_id = _pointer(self._seq_id_pointers, ctypes.POINTER(ctypes.c_int32))
        self.struct.logits = _pointer(self._wants_logits, ctypes.c_int8)

    def fill(self, slices: Sequence[Slice]) -> int:
        """Lays the slices down in the order given. Returns how many outputs they ask for."""
        token, pos, seq_id, wants = self._token, self._pos, self._seq_id, self._wants_logits
        if all(len(piece.tokens) == 1 for piece in slices):
            return self._fill_with_single_tokens(slices)
        begin = num_outputs = 0
        for owner, start, tokens, outputs, _ in slices:
            if len(tokens) == 1:
                token[begin] = tokens[0]
                pos[begin] = start
                seq_id[begin] = owner
                wants[begin] = outputs
                begin += 1
            else:
                end = begin + len(tokens)
                token[begin:end] = tokens
                pos[begin:end] = self._positions[start : start + len(tokens)]
                seq_id[begin:end] = owner
                wants[begin:end] = 0
                if outputs:
                    wants[end - outputs : end] = 1
                begin = end
            num_outputs += outputs
        self.struct.n_tokens = begin
        return num_outputs

    def _fill_with_single_tokens(self, slices: Sequence[Slice]) -> int:
        """Of nearly every step. Four lists are copied faster than four numbers a slice."""
        num_tokens = len(slices)
        owners, starts, tokens, outputs, _ = zip(*slices, strict=True)
        self._token[:num_tokens] = [token for (token,) in tokens]
        self._pos[:num_tokens] = starts
        self._seq_id[:num_tokens] = owners
        self._wants_logits[:num_tokens] = outputs
        self.struct.n_tokens = num_tokens
        return sum(outputs)


def _pointer(array: np.ndarray[Any, Any], ctype: Any) -> Any:
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(ctype))
