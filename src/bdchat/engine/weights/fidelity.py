"""How near an encoding's answers are to the file's: KL divergence, perplexity, first choices. Pure numpy.

What the file says is what its numbers give when they are computed exactly, in F32. llama.cpp's kernels for quantised
weights round the other factor to eight bits, so that the file itself, run as it is, is some way from that: a mean of
0.0047 nats with a 135M model in Q4_1, as much as two of its own attention kernels are from each other. An encoding is
held against the exact answers, and its perplexity against that of the file as it is run. Where an exact copy would be
too large, the file as it is run stands for it. Rows are log-probabilities over the whole vocabulary.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from bdchat.engine.weights.verdict import Fidelity

# Log-probabilities that are kept of the exact run: 256 MiB. Of a large vocabulary fewer positions are compared.
MAX_NUMBERS = 64 << 20
Rows = npt.NDArray[np.float32]


class Probe(msgspec.Struct, frozen=True):
    """Compared at `places`, ascending; the token behind each is known."""

    tokens: tuple[int, ...]
    places: tuple[int, ...]


def passages(token_lists: Sequence[Sequence[int]], n_vocab: int, n_ctx: int) -> list[Probe]:
    """Of each text what fits the context, and as many places as may be kept, evenly spread."""
    cut = [tuple(tokens[:n_ctx]) for tokens in token_lists if len(tokens) > 1]
    num_places = sum(len(tokens) - 1 for tokens in cut)
    stride = max(1, -(-num_places * n_vocab // MAX_NUMBERS))
    return [Probe(tokens, tuple(range(stride - 1, len(tokens) - 1, stride))) for tokens in cut]


def log_probabilities(logits: Rows) -> Rows:
    """Row by row."""
    shifted: Rows = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


class Distance(NamedTuple):
    """Of one run from the exact answers."""

    mean_kl: float
    perplexity: float  # over theirs
    same_choice: float
    num_positions: int


def fidelity_of(encoded: Distance, file: Distance | None) -> Fidelity:
    """`file`: of the file as it is run; None: that is what the encoding was compared with."""
    return Fidelity(
        mean_kl=encoded.mean_kl,
        file_kl=file.mean_kl if file else 0.0,
        perplexity=encoded.perplexity / file.perplexity if file else encoded.perplexity,
        same_choice=encoded.same_choice,
        num_positions=encoded.num_positions,
    )


class Comparison:
    """Takes the passages in their order."""

    def __init__(self) -> None:
        self._kl: list[npt.NDArray[np.float32]] = []
        self._difference: list[npt.NDArray[np.float32]] = []  # of the following token's log-probability
        self._same: list[npt.NDArray[np.bool_]] = []

    def add(self, exact: Rows, other: Rows, following: Sequence[int]) -> None:
        """(num_places, n_vocab) each; `following`: the token behind each place."""
        probabilities = np.exp(exact)
        self._kl.append((probabilities * (exact - other)).sum(axis=1))
        places = np.arange(len(following))
        tokens = np.asarray(following)
        self._difference.append(exact[places, tokens] - other[places, tokens])
        self._same.append(exact.argmax(axis=1) == other.argmax(axis=1))

    def result(self) -> Distance:
        """Raises ValueError when a number is none: such weights answer nothing."""
        kl, difference = np.concatenate(self._kl), np.concatenate(self._difference)
        if not (np.isfinite(kl).all() and np.isfinite(difference).all()):
            raise ValueError("the probe's logits are not finite")
        return Distance(
            mean_kl=max(0.0, float(kl.mean())),
            perplexity=float(np.exp(difference.mean())),
            same_choice=float(np.concatenate(self._same).mean()),
            num_positions=len(kl),
        )
