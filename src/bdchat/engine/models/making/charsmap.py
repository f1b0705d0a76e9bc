"""A normaliser's table of characters in the form that llama.cpp reads: `tokenizer.ggml.precompiled_charsmap`. Pure.

SentencePiece's form: the bytes of a Darts double array (a trie over UTF-8), then the replacements, each ended by NUL.
Source: struct xcda_array_view in llama-vocab.cpp of llama-cpp-python 0.3.36. A unit of the array is 32 bits:
label 0–7, "a value lies at the base" 8, distance to the base 10–30; a value has bit 31.
"""

import struct
from collections.abc import Iterable, Mapping

_HAS_VALUE = 1 << 8
_IS_VALUE = 1 << 31
_MAX_DISTANCE = 1 << 21
_BLOCK = 256  # base ^ label never leaves a block of so many: llama.cpp throws when it looks beyond the end

_Trie = dict[int, "_Trie"]


def precompiled(replacements: Mapping[str, str]) -> bytes:
    """Of single characters or sequences → what is read in their place. Raises ValueError for a table that does not
    fit: no key may be empty or hold U+0000."""
    texts, places = bytearray(b"\0"), {"": 0}
    root: _Trie = {}
    values: dict[bytes, int] = {}
    for source, target in sorted(replacements.items()):
        if not source or "\0" in source + target:
            raise ValueError("U+0000 and the empty text cannot be replaced")
        if target not in places:
            places[target] = len(texts)
            texts += target.encode() + b"\0"
        values[source.encode()] = places[target]
        node = root
        for byte in source.encode():
            node = node.setdefault(byte, {})
    units = _DoubleArray().filled(root, values)
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + bytes(texts)


class _DoubleArray:
    def __init__(self) -> None:
        self._units: list[int] = []
        self._is_free: list[bool] = []
        self._bases: set[int] = set()
        self._tried: dict[tuple[int, ...], int] = {}  # labels → all before it is taken, and stays so

    def filled(self, root: _Trie, values: Mapping[bytes, int]) -> list[int]:
        self._grow()
        self._is_free[0] = False
        waiting: list[tuple[int, bytes, _Trie]] = [(0, b"", root)]
        while waiting:
            place, path, node = waiting.pop()
            has_value = path in values
            base = self._base((*((0,) if has_value else ()), *sorted(node)))
            distance = place ^ base
            if distance >= _MAX_DISTANCE:
                raise ValueError("the table is too large")
            self._units[place] |= distance << 10
            if has_value:
                self._units[place] |= _HAS_VALUE
                self._units[base] = _IS_VALUE | values[path]
            for label, child in sorted(node.items()):
                self._units[base ^ label] = label
                waiting.append((base ^ label, path + bytes([label]), child))
        return self._units

    def _base(self, labels: tuple[int, ...]) -> int:
        """One that no other node has: else its children would be taken for another's."""
        place = self._tried.get(labels, 0)
        while True:
            while place >= len(self._units):
                self._grow()
            base = place ^ labels[0]
            if base not in self._bases and all(self._is_free[base ^ label] for label in labels):
                break
            place += 1
        self._tried[labels] = place
        self._bases.add(base)
        for label in labels:
            self._is_free[base ^ label] = False
        return base

    def _grow(self) -> None:
        self._units += [0] * _BLOCK
        self._is_free += [True] * _BLOCK


def single_characters(pairs: Iterable[tuple[int, tuple[int, ...]]]) -> dict[str, str]:
    """Code point → code points, as texts. Raises ValueError for what is none."""
    return {chr(source): "".join(map(chr, target)) for source, target in pairs}
