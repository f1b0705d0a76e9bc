"""Chooses the next tokens of several sequences at once, where top_k is in force. Engine thread only; pure numpy.

Behind top_k some forty numbers are left of a row, and numpy takes as long for the call as for the numbers: here every
call is for all rows of a step. Token for token what each LogitsSampler would choose alone, which the tests hold.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MAX_TOP_K = 64  # more are no small numbers any more
BLOCK = 128  # logits whose highest stands for them; divides nearly every vocabulary


class TopKChoice(NamedTuple):
    """How one row's token is to be chosen."""

    top_k: int
    top_p: float  # 1 = off
    min_p_margin: float  # below the highest logit; inf = off
    inverse_temperature: np.float32
    u: float  # in [0, 1): which of the tokens that are left


class TopKRows:
    """Working memory of a runner's `choose`."""

    def __init__(self, n_vocab: int, max_rows: int) -> None:
        self._num_blocks = n_vocab // BLOCK
        self.is_possible = n_vocab % BLOCK == 0 and self._num_blocks > MAX_TOP_K
        self._block_starts = np.arange(0, n_vocab * max_rows, BLOCK)

    def choose_some(self, logits: npt.NDArray[np.float32], choices: Sequence[TopKChoice | None]) -> list[int | None]:
        """Of the rows that have a choice, where it is two or more."""
        tokens: list[int | None] = [None] * len(choices)
        rows = [row for row, choice in enumerate(choices) if choice is not None]
        if len(rows) > 1 and self.is_possible:
            of_rows = logits if len(rows) == len(logits) else logits[rows]
            chosen = self.choose(of_rows, [choice for choice in choices if choice is not None])
            for row, token in zip(rows, chosen, strict=True):
                tokens[row] = token
        return tokens

    def choose(self, logits: npt.NDArray[np.float32], choices: Sequence[TopKChoice]) -> list[int | None]:
        """`logits`: (num_rows, n_vocab), a choice for each. None where a row is not what it should be: asked alone, its
        sampler says why."""
        top_k = np.array([choice.top_k for choice in choices])[:, None]
        found = self._highest(logits, int(top_k.max()))
        if found is None:
            return [None] * len(choices)
        ids, values = found  # (num_rows, count), highest first
        column = np.arange(ids.shape[1])
        below = values - values[:, :1]
        size = top_k[:, 0]
        if any(choice.top_p < 1.0 for choice in choices):
            mass = np.where(column < top_k, np.exp(below), np.float32(0)).cumsum(axis=1, dtype=np.float64)
            wanted = np.array([choice.top_p if choice.top_p < 1.0 else np.inf for choice in choices]) * mass[:, -1]
            size = np.minimum(size, (mass < wanted[:, None]).sum(axis=1) + 1)
        margins = np.array([choice.min_p_margin for choice in choices])
        lowest = (values[:, 0].astype(np.float64) - margins).astype(np.float32)
        size = np.minimum(size, (values >= lowest[:, None]).sum(axis=1))
        scale = np.array([choice.inverse_temperature for choice in choices])[:, None]
        mass = np.exp(below * scale).cumsum(axis=1, dtype=np.float64)
        rows = np.arange(len(choices))
        total = mass[rows, size - 1][:, None]
        place = (mass <= np.array([choice.u for choice in choices])[:, None] * total).sum(axis=1)
        # rounding: the last one with any weight
        place = np.minimum(place, (mass < total).sum(axis=1))
        return [int(token) for token in ids[rows, place]]

    def _highest(
        self, logits: npt.NDArray[np.float32], count: int
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]] | None:
        """The `count` highest of each row, highest first, the lower id first among equals. As many blocks as are wanted
        ids each hold one that is no lower than the lowest of the highest block maxima: nothing below it is wanted."""
        num_rows, num_blocks = len(logits), self._num_blocks
        maxima = np.maximum.reduceat(logits.reshape(-1), self._block_starts[: num_rows * num_blocks])
        maxima = maxima.reshape(num_rows, num_blocks)
        place = num_blocks - count
        lowest = np.partition(maxima, place, axis=1)[:, place]  # (num_rows,)
        if not np.isfinite(maxima.max(axis=1)).all() or not np.isfinite(lowest).all():
            return None
        blocks = (maxima >= lowest[:, None]).ravel().nonzero()[0]
        values = logits.reshape(-1, BLOCK).take(blocks, axis=0)
        places = (values >= lowest[blocks // num_blocks][:, None]).ravel().nonzero()[0]
        found = values.ravel()[places]
        found_in = blocks[places // BLOCK]
        row = found_in // num_blocks
        order = np.lexsort((-found, row))
        first = np.searchsorted(row, np.arange(num_rows))  # `row` ascends, also in this order
        order = order[first[:, None] + np.arange(count)]  # (num_rows, count)
        return ((found_in % num_blocks) * BLOCK + places % BLOCK)[order], found[order]
