"""A layout counts only where a state's bytes stand in the block. The states are made up, as llama.cpp writes them."""

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from bdchat.engine.kv.cell_layout import UnknownState, find_layout

NUM_STREAMS, NUM_CELLS, NUM_LAYERS = 3, 8, 2
KEY_BYTES, VALUES = 24, 10  # of a cell; 2 bytes each


@dataclass
class Made:
    state: bytes
    block: npt.NDArray[np.uint8]


def made(*, stream: int = 1, num_held: int = 3, is_transposed: bool = False, seed: int = 1) -> Made:
    rng = np.random.default_rng(seed)
    key_size, value_size = NUM_STREAMS * NUM_CELLS * KEY_BYTES, NUM_STREAMS * NUM_CELLS * VALUES * 2
    value_at = -(-key_size // 32) * 32
    layer_at = -(-(value_at + value_size) // 32) * 32
    block = np.zeros(NUM_LAYERS * layer_at, np.uint8)
    keys, values = [], []
    for layer in range(NUM_LAYERS):
        key = rng.integers(0, 256, (num_held, KEY_BYTES), np.uint8)
        value = rng.integers(0, 2**16, (num_held, VALUES)).astype(np.uint16)
        at = layer * layer_at + stream * NUM_CELLS * KEY_BYTES
        block[at : at + key.size] = key.reshape(-1)
        held = np.zeros((NUM_CELLS, VALUES), np.uint16)
        held[:num_held] = value
        at = layer * layer_at + value_at + stream * NUM_CELLS * VALUES * 2
        laid = np.ascontiguousarray(held.T if is_transposed else held).view(np.uint8).reshape(-1)
        block[at : at + len(laid)] = laid
        keys.append(struct.pack("<iQ", 1, KEY_BYTES) + key.tobytes())
        head = struct.pack("<iII", 1, 2, VALUES) if is_transposed else struct.pack("<iQ", 1, VALUES * 2)
        values.append(head + (value.T if is_transposed else value).tobytes())
    cells = b"".join(struct.pack("<iIi", i, 1, stream) for i in range(num_held))
    head = struct.pack("<IiI", 0xAF143CD8, stream, NUM_STREAMS) + bytes(4 * stream) + struct.pack("<I", num_held)
    tail = bytes(4 * (NUM_STREAMS - stream - 1))
    return Made(
        head + cells + struct.pack("<II", is_transposed, NUM_LAYERS) + b"".join(keys) + b"".join(values) + tail, block
    )


@pytest.mark.parametrize("is_transposed", [False, True])
@pytest.mark.parametrize("stream", range(NUM_STREAMS))
def test_the_spans_of_a_stream_hold_all_its_bytes_and_nobody_elses(stream: int, is_transposed: bool) -> None:
    case = made(stream=stream, is_transposed=is_transposed)
    layout = find_layout(case.state, case.block, stream=stream, num_streams=NUM_STREAMS, num_cells=NUM_CELLS)
    others = case.block.copy()
    for start, end in layout.spans(set(range(NUM_STREAMS)) - {stream}):
        others[start:end] = 0
    np.testing.assert_array_equal(others, case.block)
    for start, end in layout.spans({stream}):
        others[start:end] = 0
    assert not others.any()


def test_neighbours_are_one_span() -> None:
    case = made()
    layout = find_layout(case.state, case.block, stream=1, num_streams=NUM_STREAMS, num_cells=NUM_CELLS)
    assert len([*layout.spans({0, 1, 2})]) == len([*layout.spans({1})]) == 2 * NUM_LAYERS
    assert len([*layout.spans({0, 2})]) == 4 * NUM_LAYERS
    assert [*layout.spans(set())] == []


@pytest.mark.parametrize("is_transposed", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_a_state_or_a_block_with_one_wrong_byte_is_not_believed(seed: int, is_transposed: bool) -> None:
    case = made(is_transposed=is_transposed)
    rng = np.random.default_rng(seed)
    held = np.flatnonzero(case.block)
    case.block[rng.choice(held)] ^= 1
    with pytest.raises(UnknownState):
        find_layout(case.state, case.block, stream=1, num_streams=NUM_STREAMS, num_cells=NUM_CELLS)
    other = made(is_transposed=is_transposed)
    cut = other.state[: rng.integers(0, len(other.state))]
    with pytest.raises(UnknownState):
        find_layout(cut, other.block, stream=1, num_streams=NUM_STREAMS, num_cells=NUM_CELLS)


def test_another_number_of_cells_or_streams_is_not_believed() -> None:
    case = made()
    for stream, num_streams, num_cells in ((0, 3, 8), (1, 4, 8), (1, 3, 7), (1, 3, 9)):
        with pytest.raises(UnknownState):
            find_layout(case.state, case.block, stream=stream, num_streams=num_streams, num_cells=num_cells)
