"""Copies of what a sequence holds, out of a context and into it. The runner's thread only.

Whole: everything that the sequence needs to go on. Partial: only what cutting it back can't restore, which is the state
of recurrent layers and the cells of sliding windows; the cells of full attention stay where they are (llama.h,
LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY).
"""

import ctypes
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

_WHOLE = 0
_PARTIAL = 1  # LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY


class SequenceStates:
    """Owned by the runner."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._buffer = np.zeros(0, np.uint8)  # reused: a state is tens of megabytes

    def num_bytes(self, seq_id: int) -> int:
        return int(llama_cpp.llama_state_seq_get_size(self._context, seq_id))

    def read(self, seq_id: int, *, is_partial: bool = False) -> npt.NDArray[np.uint8]:
        """Valid until the next call."""
        flags = _PARTIAL if is_partial else _WHOLE
        size = int(llama_cpp.llama_state_seq_get_size_ext(self._context, seq_id, flags))
        if size > len(self._buffer):
            self._buffer = np.empty(size + size // 4, np.uint8)
        written = llama_cpp.llama_state_seq_get_data_ext(
            self._context, _bytes_at(self._buffer), len(self._buffer), seq_id, flags
        )
        return self._buffer[: int(written)]

    def write(self, seq_id: int, state: npt.NDArray[np.uint8], *, is_partial: bool = False) -> bool:
        """False: llama.cpp took it not or not all of it, and the sequence is to be cleared."""
        flags = _PARTIAL if is_partial else _WHOLE
        read = llama_cpp.llama_state_seq_set_data_ext(self._context, _bytes_at(state), len(state), seq_id, flags)
        return 0 < int(read) == len(state)

    def drop_buffer(self) -> None:
        self._buffer = np.zeros(0, np.uint8)


def _bytes_at(array: npt.NDArray[np.uint8]) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
