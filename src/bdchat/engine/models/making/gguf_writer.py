"""Writes a GGUF: key-value pairs, then tensors copied byte by byte. Knows no model. Source: ggml's docs/gguf.md."""

import struct
from collections.abc import Mapping, Sequence
from typing import BinaryIO, NamedTuple

_ALIGNMENT = 32
_VERSION = 3
_UINT8, _INT32, _UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 0, 5, 4, 6, 7, 8, 9

F32, Q4_0 = 0, 2  # enum ggml_type


class FloatList(tuple[float, ...]):
    """A list of 32-bit numbers."""


class IntegerList(tuple[int, ...]):
    """The same, whole ones."""


class TextList(tuple[bytes, ...]):
    """A list of texts, in UTF-8."""


class StoredTensor(NamedTuple):
    name: str
    shape: tuple[int, ...]  # the length of a row first
    ggml_type: int
    data: memoryview


Pair = bool | int | float | str | bytes | FloatList | IntegerList | TextList


def write_gguf(file: BinaryIO, pairs: Mapping[str, Pair], tensors: Sequence[StoredTensor]) -> None:
    """Raises OSError."""
    header = bytearray(b"GGUF" + struct.pack("<IQQ", _VERSION, len(tensors), len(pairs)))
    for key, value in pairs.items():
        header += _text(key.encode()) + _value(value)
    offset = 0
    for tensor in tensors:
        header += _text(tensor.name.encode()) + struct.pack("<I", len(tensor.shape))
        header += struct.pack(f"<{len(tensor.shape)}QIQ", *tensor.shape, tensor.ggml_type, offset)
        offset += len(tensor.data) + _padding(len(tensor.data))
    file.write(header + b"\0" * _padding(len(header)))
    for tensor in tensors:
        file.write(tensor.data)
        file.write(b"\0" * _padding(len(tensor.data)))


def _padding(length: int) -> int:
    return -length % _ALIGNMENT


def _text(raw: bytes) -> bytes:
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Pair) -> bytes:
    match value:
        case bool():
            raw = struct.pack("<IB", _BOOL, value)
        case int():
            raw = struct.pack("<II", _UINT32, value)
        case float():
            raw = struct.pack("<If", _FLOAT32, value)
        case str():
            raw = struct.pack("<I", _STRING) + _text(value.encode())
        case bytes():
            raw = struct.pack("<IIQ", _ARRAY, _UINT8, len(value)) + value
        case TextList():
            raw = struct.pack("<IIQ", _ARRAY, _STRING, len(value)) + b"".join(map(_text, value))
        case FloatList():
            raw = struct.pack(f"<IIQ{len(value)}f", _ARRAY, _FLOAT32, len(value), *value)
        case IntegerList():
            raw = struct.pack(f"<IIQ{len(value)}i", _ARRAY, _INT32, len(value), *value)
    return raw
