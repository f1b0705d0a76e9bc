"""Chooses the next token from one row of logits, and tells the log-probabilities. Engine thread only; no llama.cpp.

Order: grammar's mask → logit_bias → penalties → top_k → top_p → min_p → temperature → draw. Nothing is approximated:
pruning only ever leaves out what the filters would have dropped anyway. Number i of a sequence depends on (seed, i) and
the logits alone, so a resumed answer goes on as it would have.
"""

import hashlib
import math
import struct
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from bdchat.engine.model_runner import DecodeFailed, LogitsRow, TokenMask
from bdchat.engine.request import SamplingParams, TokenLogprob, TopLogprob
from bdchat.engine.sampling.penalties import LogitBias, Penalties
from bdchat.engine.sampling.top_k_rows import MAX_TOP_K, TopKChoice

Ids = npt.NDArray[np.integer[Any]]

# Below the highest logit; each is tried until it holds what the filters keep.
MARGINS = (4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0)
_BLOCK = 256  # of the two-level inverse of the cumulative distribution


class SamplerScratch:
    """Working memory that all samplers of one runner share; nothing in it outlives a call."""

    def __init__(self, n_vocab: int) -> None:
        self.n_vocab = n_vocab
        self.row = np.empty(n_vocab, np.float32)
        self.is_above = np.empty(n_vocab, np.bool_)
        padded = np.zeros(-(-n_vocab // _BLOCK) * _BLOCK, np.float32)  # the padding keeps weight 0
        self.weights = padded[:n_vocab]
        self.weight_blocks = padded.reshape(-1, _BLOCK)


class Vocabulary(Protocol):
    def token_bytes(self, token_id: int) -> bytes: ...

    def control_text(self, token_id: int) -> str: ...


class LogitsSampler:
    """The Sampler protocol. Owned by one sequence."""

    def __init__(
        self,
        params: SamplingParams,
        prompt: Sequence[int],
        seed: int,
        *,
        scratch: SamplerScratch,
        vocabulary: Vocabulary,
    ) -> None:
        self._scratch = scratch
        self._vocabulary = vocabulary
        self._seed = seed & 0xFFFF_FFFF_FFFF_FFFF
        self._num_generated = 0
        self._is_greedy = params.temperature <= 0.0
        self._inverse_temperature = np.float32(0.0 if self._is_greedy else 1.0 / params.temperature)
        self._top_k = params.top_k if 0 < params.top_k < scratch.n_vocab else 0
        self._top_p = params.top_p
        self._min_p_margin = -math.log(params.min_p) if params.min_p > 0.0 else math.inf
        self._is_filtered = self._top_k > 0 or self._top_p < 1.0 or params.min_p > 0.0
        self._margin_index = 0  # where the last row's search ended: neighbours are alike
        self._bias = LogitBias(params.logit_bias) if params.logit_bias else None
        self._penalties = Penalties.of(params, prompt)

    def sample(self, logits: LogitsRow, mask: TokenMask | None = None) -> int:
        """Raises DecodeFailed when the logits are not numbers."""
        row = self._adjusted(logits, mask)
        token_id = int(row.argmax())  # of a row with NaN: the first NaN
        highest = float(row[token_id])
        if not math.isfinite(highest):
            raise DecodeFailed("the logits are not finite")
        if not self._is_greedy:
            u = uniform(self._seed, self._num_generated)
            token_id = self._draw_filtered(row, highest, u) if self._is_filtered else self._draw(row, highest, u)
        self.accept(token_id)
        return token_id

    def next_choice(self) -> TopKChoice | None:
        """What `sample` would do now, for TopKRows; None: something that is not done for several rows at once."""
        if self._is_greedy or not 0 < self._top_k <= MAX_TOP_K or self._bias is not None or self._penalties is not None:
            return None
        u = uniform(self._seed, self._num_generated)
        return TopKChoice(self._top_k, self._top_p, self._min_p_margin, self._inverse_temperature, u)

    def accept(self, token_id: int) -> None:
        self._num_generated += 1
        if self._penalties is not None:
            self._penalties.add(token_id)

    def logprob(self, logits: LogitsRow, token_id: int, num_top: int) -> TokenLogprob:
        highest = float(logits.max())
        if not math.isfinite(highest):
            raise DecodeFailed("the logits are not finite")
        log_total = highest + math.log(self._mass(logits, highest))
        ids = [int(i) for i in _highest_ids(logits, highest, num_top, self._scratch)]
        if ids and token_id not in ids:
            ids.append(token_id)
        return TokenLogprob(
            token_id=token_id,
            token_bytes=self._vocabulary.token_bytes(token_id),
            logprob=float(logits[token_id]) - log_total,
            control_text=self._vocabulary.control_text(token_id),
            top=tuple(
                TopLogprob(
                    token_id=i,
                    token_bytes=self._vocabulary.token_bytes(i),
                    logprob=float(logits[i]) - log_total,
                    control_text=self._vocabulary.control_text(i),
                )
                for i in ids
            ),
        )

    def distribution(self, logits: LogitsRow) -> tuple[Ids, npt.NDArray[np.float64]]:
        """What `sample` draws from now: the ids that are left and their probabilities."""
        row = self._adjusted(logits)
        highest = float(row.max())
        if self._is_greedy:
            return np.array([int(row.argmax())]), np.ones(1)
        ids = self._survivors(row, highest) if self._is_filtered else np.arange(len(row))
        weights = np.exp((row[ids].astype(np.float64) - highest) * self._inverse_temperature)
        return ids, weights / weights.sum()

    def _adjusted(self, logits: LogitsRow, mask: TokenMask | None = None) -> LogitsRow:
        if self._bias is None and self._penalties is None and mask is None:
            return logits
        row = self._scratch.row
        if mask is None:
            np.copyto(row, logits)
        else:
            np.add(logits, mask, out=row)
        if self._bias is not None:
            self._bias.apply(row)
            if mask is not None and row.max() == -np.inf:  # the biases ban all that the grammar leaves: it was promised
                np.add(logits, mask, out=row)
        if self._penalties is not None:
            self._penalties.apply(row)
        return row

    def _draw(self, row: LogitsRow, highest: float, u: float) -> int:
        """From the whole vocabulary: first the block, then the token in it."""
        weights = self._scratch.weights
        np.subtract(row, np.float32(highest), out=weights)
        if self._inverse_temperature != 1.0:
            np.multiply(weights, self._inverse_temperature, out=weights)
        np.exp(weights, out=weights)
        blocks = self._scratch.weight_blocks
        cumulated = blocks.sum(axis=1).cumsum(dtype=np.float64)
        target = u * cumulated[-1]
        block = _place(cumulated, target)
        below = float(cumulated[block - 1]) if block else 0.0
        return block * _BLOCK + _place(blocks[block].cumsum(dtype=np.float64), target - below)

    def _draw_filtered(self, row: LogitsRow, highest: float, u: float) -> int:
        ids = self._survivors(row, highest)
        weights = np.exp((row[ids] - np.float32(highest)) * self._inverse_temperature)
        cumulated = weights.cumsum(dtype=np.float64)
        return int(ids[_place(cumulated, u * cumulated[-1])])

    def _survivors(self, row: LogitsRow, highest: float) -> Ids:
        """The ids that top_k, top_p and min_p leave."""
        if self._top_k:
            ids = _highest_ids(row, highest, self._top_k, self._scratch)
            if self._top_p < 1.0:
                mass = np.exp(row[ids] - np.float32(highest)).cumsum(dtype=np.float64)
                ids = ids[: int(mass.searchsorted(self._top_p * mass[-1], side="left")) + 1]
        elif self._top_p < 1.0:
            ids = self._nucleus(row, highest)
        else:
            ids = self._above(row, highest, self._min_p_margin)
        if self._min_p_margin < math.inf:
            ids = ids[row[ids] >= np.float32(highest - self._min_p_margin)]
        return ids

    def _nucleus(self, row: LogitsRow, highest: float) -> Ids:
        """The most likely ids whose mass reaches top_p of the whole; only as many are sorted as can belong to it."""
        wanted = self._top_p * self._mass(row, highest)
        weights = self._scratch.weights
        for index in range(self._margin_index, len(MARGINS)):
            ids = self._above(row, highest, MARGINS[index])
            if float(weights[ids].sum(dtype=np.float64)) >= wanted:
                self._margin_index = max(0, index - 1)
                break
        else:
            ids = np.arange(len(row))
        ids = ids[np.argsort(-row[ids], kind="stable")]
        return ids[: _nucleus_size(weights[ids], wanted)]

    def _above(self, row: LogitsRow, highest: float, margin: float) -> Ids:
        np.greater_equal(row, np.float32(highest - margin), out=self._scratch.is_above)
        return self._scratch.is_above.nonzero()[0]

    def _mass(self, row: LogitsRow, highest: float) -> float:
        """Σ exp(logit − highest); leaves the terms in scratch.weights."""
        weights = self._scratch.weights
        np.subtract(row, np.float32(highest), out=weights)
        np.exp(weights, out=weights)
        return float(self._scratch.weight_blocks.sum(axis=1).sum(dtype=np.float64))


def uniform(seed: int, index: int) -> float:
    """In [0, 1), 53 bits, a pure function of both."""
    digest = hashlib.blake2b(struct.pack("<QQ", seed, index), digest_size=8).digest()
    return int(struct.unpack("<Q", digest)[0] >> 11) * 2.0**-53


def _place(cumulated: npt.NDArray[np.float64], target: float) -> int:
    """The first index whose cumulated weight exceeds target; never one of weight zero."""
    index = int(cumulated.searchsorted(target, side="right"))
    if index < len(cumulated):
        return index
    return int(cumulated.searchsorted(cumulated[-1], side="left"))  # rounding: the last one with any weight


def _nucleus_size(weights: npt.NDArray[np.float32], wanted: float) -> int:
    """How many of the descending weights it takes to reach `wanted`; at least one."""
    return int(weights.cumsum(dtype=np.float64).searchsorted(wanted, side="left")) + 1


def _highest_ids(row: LogitsRow, highest: float, count: int, scratch: SamplerScratch) -> Ids:
    """The `count` highest, highest first, the lower id first among equals (as argmax does)."""
    if count <= 0:
        return np.empty(0, np.int64)
    count = min(count, len(row))
    for margin in MARGINS:
        np.greater(row, np.float32(highest - margin), out=scratch.is_above)
        if int(np.count_nonzero(scratch.is_above)) >= count:
            ids = scratch.is_above.nonzero()[0]
            break
    else:
        threshold = np.partition(row, len(row) - count)[len(row) - count]
        ids = (row >= threshold).nonzero()[0]
    return ids[np.argsort(-row[ids], kind="stable")[:count]]
