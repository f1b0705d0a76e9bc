"""What of a step decides how long it takes. Pure.

llama.cpp computes streams that lie side by side and want as many tokens each in one pass (llama-batch.cpp,
split_equal): the 16 answers of a step are one pass, a prompt's chunk behind its first token is another, and an idle
stream between two busy ones cuts a pass in two. One pool of cells is always one pass, but without flash attention each
of its tokens looks at every cell up to the highest one in use, whosever it is. With flash attention on a CPU fewer than
TILE_ROWS tokens of a sequence look at their cells row by row (ggml-cpu/ops.cpp), which takes longer.
"""

from collections.abc import Sequence
from typing import NamedTuple

TILE_ROWS = 64  # one more where answers are written beside: a prompt's first token is in their pass
# How much longer: behind 2,500 tokens 63 take 493 ms and 64 342, 16 131 (SmolLM2 Q8_0, two cores); 8.2 ms a token
# against 4.0 to 5.4, of which about 1.2 are not for looking at cells.
ROW_WEIGHT = 1.75


class StepPiece(NamedTuple):
    """One sequence's tokens in a step."""

    seq_id: int
    start: int  # tokens of it in the cells already
    num_tokens: int
    num_outputs: int


class StepShape(NamedTuple):
    num_passes: int
    num_outputs: int  # tokens whose logits are wanted
    num_silent: int  # the others
    num_attended: float  # cells that its tokens look at, in all, those that they see row by row weighted

    @classmethod
    def of(
        cls, pieces: Sequence[StepPiece], *, is_streams: bool, num_pool_cells: int = 0, row_weight: float = 1.0
    ) -> "StepShape":
        """`pieces` in the order of their ids. `num_pool_cells`: those that every token looks at; 0 = its own."""
        num_tokens = num_outputs = 0
        num_attended = 0.0
        for _, start, length, outputs in pieces:
            num_tokens += length
            num_outputs += outputs
            num_attended += length * (start + length / 2) * (1.0 if length > TILE_ROWS else row_weight)
        if num_pool_cells:
            num_attended = num_tokens * num_pool_cells
        num_passes = num_stream_passes(pieces) if is_streams else 1
        return cls(num_passes, num_outputs, num_tokens - num_outputs, num_attended)


def num_stream_passes(pieces: Sequence[StepPiece]) -> int:
    num_passes = 0
    left = [(seq_id, length) for seq_id, _, length, _ in pieces]
    while left:
        num_passes += 1
        last, shortest = left[0]
        width = 0
        for seq_id, length in left:
            if seq_id > last + 1:
                break
            last = seq_id
            width += 1
            shortest = min(shortest, length)
        left = [(s, n - shortest) for s, n in left[:width] if n > shortest] + left[width:]
    return num_passes
