"""Chooses an encoding for each matrix of a model from measured products. Pure: numbers in, a choice out.

llama.cpp has fast kernels for some encodings only, and which ones depends on the CPU. A matrix may be encoded anew
where the new encoding holds its numbers nearly as they are (Q8_0, BF16, F16); how near is measured afterwards, on the
whole model. A step of one stream reads all weights, so a larger encoding can lose what its kernel gains: hence the
measurement at one row and at NUM_STREAMS rows beside the prompt's.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from bdchat.engine.gguf.tensors import TensorInfo
from bdchat.engine.gguf.types import TENSOR_TYPES

# A typical request, by which KV layouts are scored too (llama/calibration.py): read so much, write so much, alone and
# beside others.
PROMPT_TOKENS, NEW_TOKENS, NUM_STREAMS, CHUNK = 256, 128, 8, 128
# By what they lose, the most first: eight bits and a scale for 32 numbers; seven bits of mantissa; ten bits of it, but
# nothing above 65,504.
LOSSES = ("Q8_0", "BF16", "F16")
WORTH_A_COPY = 1.05  # so much faster must the products be for a second copy on disk
WORTH_A_SWITCH = 1.02  # and for another order in memory
_IN_A_LAYER = re.compile(rb"blk\.\d{1,3}\.(?:attn_(?:q|k|v|qkv|output)|ffn_(?:gate|up|down))\.weight")
_WEIGHTS_OF_ONE_STREAM = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 64.0)
_BLOCKS = {name: (block, num_bytes) for name, block, num_bytes in TENSOR_TYPES.values()}


class MatrixKind(NamedTuple):
    """Matrices that cost the same: of one shape and encoding, and used alike."""

    row_length: int
    num_rows: int
    type_name: str
    is_output: bool  # its rows are needed for tokens that are sampled only, not for a prompt's


class Times(NamedTuple):
    """Of one product, in microseconds."""

    one: float
    streams: float
    chunk: float


class Option(NamedTuple):
    """One way to hold all weights: the encoding of each kind, and whether in an order of the CPU's own."""

    types: Mapping[MatrixKind, str]
    uses_extra_bufts: bool
    cost: float  # of typical requests, in arbitrary units; of two options the lower one is faster
    alone_us: float  # what its products take in a step of one stream
    num_bytes: int

    def changes(self) -> dict[MatrixKind, str]:
        return {kind: name for kind, name in self.types.items() if name != kind.type_name}


Measure = Callable[[MatrixKind, str, bool], Times | None]  # kind, encoding, uses_extra_bufts; None: not possible


def kinds_of(tensors: Iterable[TensorInfo]) -> dict[MatrixKind, list[bytes]]:
    """The matrices that a step multiplies with, by name. Tables that rows are looked up in, experts (three
    dimensions), norms and whatever llama.cpp itself would not quantise stay as they are."""
    table = list(tensors)
    names = {tensor.name for tensor in table}
    found: dict[MatrixKind, list[bytes]] = {}
    for tensor in table:
        is_output = tensor.name == b"output.weight" or (
            tensor.name == b"token_embd.weight" and b"output.weight" not in names
        )
        if len(tensor.shape) == 2 and (is_output or _IN_A_LAYER.fullmatch(tensor.name)):
            kind = MatrixKind(tensor.shape[0], tensor.shape[1], tensor.type_name, is_output)
            found.setdefault(kind, []).append(tensor.name)
    return found


def encodings_for(kind: MatrixKind, allowed: Sequence[str] = LOSSES) -> list[str]:
    """What it may be held in, as it is first. More bits than it has add no truth, but their kernel may be faster."""
    others = [
        name
        for name in allowed
        if name != kind.type_name
        and kind.row_length % _BLOCKS[name][0] == 0
        and not (name == "F16" and kind.type_name in ("F32", "BF16"))  # its numbers may not fit
    ]
    return [kind.type_name, *others]


class Chooser:
    """`measure` is asked for each kind and encoding once."""

    def __init__(self, kinds: Mapping[MatrixKind, Sequence[bytes]], measure: Measure) -> None:
        self._counts = {kind: len(names) for kind, names in kinds.items()}
        self._measure = measure
        self._known: dict[tuple[MatrixKind, str, bool], Times | None] = {}

    def as_it_is(self, *, uses_extra_bufts: bool) -> Option:
        return self._option({kind: kind.type_name for kind in self._counts}, uses_extra_bufts)

    def best(
        self,
        *,
        may_use_extra_bufts: bool,
        spare_bytes: int,
        allowed: Sequence[str] = LOSSES,
        output: Sequence[str] = LOSSES,
        slack: float = 1.02,
    ) -> Option:
        """The fastest that takes at most `spare_bytes` more than the file and writes one answer alone as fast as the
        file does: a prompt is often cached, its answer never is. `allowed` and `output`: encodings that matrices of
        layers and the output's may get; `slack`: so much of the file's time one answer may take at most."""
        orders = (True, False) if may_use_extra_bufts else (False,)
        limit_us = min(self.as_it_is(uses_extra_bufts=order).alone_us for order in orders)
        names = {kind: encodings_for(kind, output if kind.is_output else allowed) for kind in self._counts}
        options = [
            self._fastest(names, order, spare_bytes, weight) for order in orders for weight in _WEIGHTS_OF_ONE_STREAM
        ]
        in_time = [option for option in options if option.alone_us <= limit_us * slack]
        if not in_time:
            return min(options, key=lambda option: option.alone_us)
        return min(in_time, key=lambda option: option.cost)

    def nearer(self, option: Option, share: float) -> Option:
        """Of the weights that it holds in the most lossy encoding so many, as a share, in the fastest of the others:
        those first for which that costs least."""
        lossy = [kind for kind, name in option.types.items() if name == LOSSES[0] != kind.type_name]
        extra = option.uses_extra_bufts

        def other(kind: MatrixKind) -> str:
            return min(encodings_for(kind, LOSSES[1:])[1:], key=lambda name: self._cost(kind, name, extra))

        def price(kind: MatrixKind) -> float:
            added = self._cost(kind, other(kind), extra) - self._cost(kind, LOSSES[0], extra)
            return added / self._num_weights(kind)

        types, left = dict(option.types), share * sum(self._num_weights(kind) for kind in lossy)
        for kind in sorted(lossy, key=price):
            if left <= 0:
                break
            types[kind] = other(kind)
            left -= self._num_weights(kind)
        return self._option(types, extra)

    def _num_weights(self, kind: MatrixKind) -> int:
        return self._counts[kind] * kind.row_length * kind.num_rows

    def _fastest(
        self, names: Mapping[MatrixKind, Sequence[str]], uses_extra_bufts: bool, spare_bytes: int, weight: float
    ) -> Option:
        """`weight`: how much more than in typical requests the speed of one answer alone counts."""

        def weighted(kind: MatrixKind, name: str) -> float:
            alone_us = self._alone_us(kind, name, uses_extra_bufts)
            return self._cost(kind, name, uses_extra_bufts) + weight * alone_us * NEW_TOKENS / self._scale[0]

        types = {kind: min(of_kind, key=lambda name: weighted(kind, name)) for kind, of_kind in names.items()}
        while (option := self._option(types, uses_extra_bufts)).num_bytes > self._file_bytes + spare_bytes:
            grown = [kind for kind, name in types.items() if self._added(kind, name) > 0]
            least = min(grown, key=lambda kind: self._gain_per_byte(kind, types[kind], uses_extra_bufts))
            types[least] = least.type_name
        return option

    def _gain_per_byte(self, kind: MatrixKind, name: str, uses_extra_bufts: bool) -> float:
        gain = self._cost(kind, kind.type_name, uses_extra_bufts) - self._cost(kind, name, uses_extra_bufts)
        return gain / self._added(kind, name)

    def _option(self, types: Mapping[MatrixKind, str], uses_extra_bufts: bool) -> Option:
        cost = sum(self._cost(kind, name, uses_extra_bufts) for kind, name in types.items())
        added = sum(self._added(kind, name) for kind, name in types.items())
        alone_us = sum(self._alone_us(kind, name, uses_extra_bufts) for kind, name in types.items())
        return Option(dict(types), uses_extra_bufts, cost, alone_us, round(self._file_bytes + added))

    @property
    def _file_bytes(self) -> float:
        return sum(count * _bytes(kind, kind.type_name) for kind, count in self._counts.items())

    def _added(self, kind: MatrixKind, name: str) -> float:
        return self._counts[kind] * (_bytes(kind, name) - _bytes(kind, kind.type_name))

    def _alone_us(self, kind: MatrixKind, name: str, uses_extra_bufts: bool) -> float:
        times = self._times(kind, name, uses_extra_bufts)
        return math.inf if times is None else self._counts[kind] * times.one

    def _cost(self, kind: MatrixKind, name: str, uses_extra_bufts: bool) -> float:
        times = self._times(kind, name, uses_extra_bufts)
        if times is None:
            return math.inf
        alone, together = _request_us(kind, times)
        all_alone, all_together = self._scale
        return self._counts[kind] * (alone / all_alone + together / all_together)

    @property
    def _scale(self) -> tuple[float, float]:
        """What typical requests take with the file's own encodings: both ways to serve count alike."""
        alone = together = 0.0
        for kind, count in self._counts.items():
            times = self._times(kind, kind.type_name, False)
            if times is not None:
                one, streams = _request_us(kind, times)
                alone, together = alone + count * one, together + count * streams
        return alone or 1.0, together or 1.0

    def _times(self, kind: MatrixKind, name: str, uses_extra_bufts: bool) -> Times | None:
        key = (kind, name, uses_extra_bufts)
        if key not in self._known:
            times = self._measure(kind, name, uses_extra_bufts)
            if times is None and uses_extra_bufts:
                times = self._times(kind, name, False)  # no order of the CPU's own takes it: it stays in the file's
            self._known[key] = times
        return self._known[key]


def _request_us(kind: MatrixKind, times: Times) -> tuple[float, float]:
    """Of a typical request alone, and of NUM_STREAMS of them together."""
    prompt = 0.0 if kind.is_output else PROMPT_TOKENS / CHUNK * times.chunk
    return prompt + NEW_TOKENS * times.one, NUM_STREAMS * prompt + NEW_TOKENS * times.streams


def _bytes(kind: MatrixKind, name: str) -> float:
    block, num_bytes = _BLOCKS[name]
    return kind.row_length * kind.num_rows / block * num_bytes
