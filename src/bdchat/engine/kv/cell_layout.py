"""Where each stream's cells lie in the block of memory that llama.cpp keeps them in, read from a state it saved. Pure.

A state says how many bytes a cell has in each layer; the rest follows from llama.cpp's order (llama_kv_cache: for every
layer its keys, then its values, each a row of streams). Nothing is believed for that: a layout counts only once the
state's own bytes stand in the block where it says they must.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

ALIGNMENT = 32  # ggml-backend.cpp, TENSOR_ALIGNMENT: where a tensor may begin
MAX_LAYERS = 4096
Block = npt.NDArray[np.uint8]
Span = tuple[int, int]  # first byte of the block, and the one after the last


class UnknownState(Exception):
    """A state that is not as llama-kv-cache.cpp writes it, or a block that does not hold what the state says."""


@dataclass(frozen=True, slots=True)
class CellTensor:
    offset: int
    stream_bytes: int
    saved: npt.NDArray[np.uint8]  # (cells, bytes of a cell); transposed: (rows, cells * bytes of a value)
    is_transposed: bool

    def matches(self, block: Block, stream: int) -> bool:
        start = self.offset + stream * self.stream_bytes
        held = block[start : start + self.stream_bytes]
        if not self.is_transposed:
            return bool(np.array_equal(held[: self.saved.size], self.saved.reshape(-1)))
        num_rows, num_bytes = self.saved.shape
        return bool(np.array_equal(held.reshape(num_rows, -1)[:, :num_bytes], self.saved))


@dataclass(frozen=True, slots=True)
class CellLayout:
    """Of a block with cells of `num_streams` streams."""

    num_streams: int
    tensors: tuple[tuple[int, int], ...]  # offset, bytes of one stream

    def spans(self, streams: set[int]) -> Iterator[Span]:
        """The bytes that these streams alone have; neighbours as one."""
        runs = [*_runs(streams)]
        for offset, stream_bytes in self.tensors:
            yield from ((offset + first * stream_bytes, offset + end * stream_bytes) for first, end in runs)


def find_layout(state: bytes, block: Block, *, stream: int, num_streams: int, num_cells: int) -> CellLayout:
    """`state`: of a sequence that holds the first cells of `stream`; `num_cells`: of each. Raises UnknownState."""
    try:
        keys, values = _SavedState(state).read(stream, num_streams)
    except (struct.error, ValueError) as error:
        raise UnknownState(str(error)) from error
    tensors: list[CellTensor] = []
    end = 0
    for key, value in zip(keys, values, strict=True):
        for saved, is_transposed in ((key, False), value):
            cell_bytes = saved.shape[0] * (saved.shape[1] // keys[0].shape[0]) if is_transposed else saved.shape[1]
            offset, stream_bytes = -(-end // ALIGNMENT) * ALIGNMENT, cell_bytes * num_cells
            tensors.append(CellTensor(offset, stream_bytes, saved, is_transposed))
            end = offset + num_streams * stream_bytes
    if not end <= len(block) < end + ALIGNMENT:
        raise UnknownState(f"its cells would take {end} bytes, and the block has {len(block)}")
    if not all(tensor.matches(block, stream) for tensor in tensors):
        raise UnknownState("what a sequence holds does not stand where it should")
    return CellLayout(num_streams, tuple((tensor.offset, tensor.stream_bytes) for tensor in tensors))


class _SavedState:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 8  # behind the magic number and the sequence's id (llama_context::state_seq_get_data)

    def read(
        self, stream: int, num_streams: int
    ) -> tuple[list[npt.NDArray[np.uint8]], list[tuple[npt.NDArray[np.uint8], bool]]]:
        """Keys, and values with whether they are transposed, of each layer."""
        if self._take("I") != num_streams:
            raise ValueError("another number of streams")
        if any(self._take("I") for _ in range(stream)):
            raise ValueError("another stream holds cells")
        num_cells = self._take("I")
        if num_cells == 0:
            raise ValueError("no cells")
        for _ in range(num_cells):
            self._take("i")  # its position
            if self._take("I") != 1 or self._take("i") < 0:
                raise ValueError("a cell of several sequences")
        is_transposed, num_layers = self._take("I"), self._take("I")
        if is_transposed not in {0, 1} or not 0 < num_layers <= MAX_LAYERS:
            raise ValueError("no layers")
        keys = [self._rows(num_cells) for _ in range(num_layers)]
        if is_transposed:
            values = [(self._columns(num_cells), True) for _ in range(num_layers)]
        else:
            values = [(self._rows(num_cells), False) for _ in range(num_layers)]
        if any(self._take("I") for _ in range(num_streams - stream - 1)) or self._at != len(self._data):
            raise ValueError("more than one sequence's cells")
        return keys, values

    def _rows(self, num_cells: int) -> npt.NDArray[np.uint8]:
        self._take("i")  # ggml's type
        return self._bytes(num_cells, self._take("Q"))

    def _columns(self, num_cells: int) -> npt.NDArray[np.uint8]:
        self._take("i")
        value_bytes, num_rows = self._take("I"), self._take("I")
        return self._bytes(num_rows, num_cells * value_bytes)

    def _bytes(self, num_rows: int, row_bytes: int) -> npt.NDArray[np.uint8]:
        if row_bytes == 0 or self._at + num_rows * row_bytes > len(self._data):
            raise ValueError("it ends too early")
        found = np.frombuffer(self._data, np.uint8, num_rows * row_bytes, self._at)
        self._at += num_rows * row_bytes
        return found.reshape(num_rows, row_bytes)

    def _take(self, form: str) -> int:
        number: int = struct.unpack_from(f"<{form}", self._data, self._at)[0]
        self._at += struct.calcsize(f"<{form}")
        return number


def _runs(numbers: set[int]) -> Iterator[tuple[int, int]]:
    """First, and the one after the last, of each run of neighbours."""
    ordered = sorted(numbers)
    starts = [ordered[0], *(b for a, b in pairwise(ordered) if b != a + 1)] if ordered else []
    ends = [*(a + 1 for a, b in pairwise(ordered) if b != a + 1), ordered[-1] + 1] if ordered else []
    yield from zip(starts, ends, strict=True)
