"""The table of tensors in a GGUF's header: read once, bounded and checked. Raises GGUFError. `cursor.py` is the byte
level; what the tensors are for is header.py's affair.
"""

from dataclasses import dataclass
from typing import NamedTuple

from bdchat.engine.gguf.cursor import NEWER, Cursor, GGUFError, printable
from bdchat.engine.gguf.types import TENSOR_TYPES

MAX_TENSORS = 65_536
MAX_DIMENSIONS = 4  # GGML_MAX_DIMS
MAX_TENSOR_NAME_BYTES = 63  # GGML_MAX_NAME less its terminator
INT64_MAX = (1 << 63) - 1


class TensorInfo(NamedTuple):
    name: bytes
    shape: tuple[int, ...]  # the length of a row first
    type_name: str
    num_bytes: int
    offset: int  # of its first byte in its file


@dataclass(frozen=True, slots=True)
class Tensors:
    """Of one file."""

    table: tuple[TensorInfo, ...]
    num_parameters: int
    weight_bytes: int
    embedding_bytes: int  # of the table that a token's own row is read from
    other_table_bytes: int  # of further tables of that kind, which are never read whole
    expert_bytes: int
    has_output: bool  # False: the table of embeddings is the output's matrix too, and is read whole
    main_type: str  # the type that most bytes have
    matrix_bytes: dict[str, int]  # of all but tables, by type

    @property
    def num_tensors(self) -> int:
        return len(self.table)


def read_table(cursor: Cursor, count: int, alignment: int) -> Tensors:
    """`cursor` stands behind the key-value pairs."""
    if count == 0:
        raise GGUFError("holds no tensors: it is a vocabulary or a list of settings, not a model")
    names: dict[bytes, int] = {}  # and bytes
    bytes_of: dict[str, int] = {}
    matrix_bytes: dict[str, int] = {}
    table: list[TensorInfo] = []
    num_parameters = offset = end = 0
    for _ in range(count):
        name = cursor.text(MAX_TENSOR_NAME_BYTES, "a tensor's name")
        if name in names:
            raise GGUFError(f"has two tensors named {printable(name)}")
        shape, elements, type_name, size = _read_shape(cursor, name)
        names[name] = size
        if cursor.u64() != offset:  # llama.cpp demands the same: no gaps, no overlaps
            raise GGUFError(f"tensor {printable(name)} does not follow the one before it")
        table.append(TensorInfo(name, shape, type_name, size, offset))
        end = offset + size
        offset = -(-end // alignment) * alignment
        num_parameters += elements
        bytes_of[type_name] = bytes_of.get(type_name, 0) + size
        if not name.endswith(b"token_embd.weight"):
            matrix_bytes[type_name] = matrix_bytes.get(type_name, 0) + size
    data_start = -(-cursor.pos // alignment) * alignment
    if data_start + end > cursor.size:
        missing = data_start + end - cursor.size
        raise GGUFError(f"is truncated: {missing} of {data_start + end} bytes are missing")
    return Tensors(
        tuple(tensor._replace(offset=data_start + tensor.offset) for tensor in table),
        num_parameters,
        sum(bytes_of.values()),
        embedding_bytes=names.get(b"token_embd.weight", 0),
        other_table_bytes=names.get(b"per_layer_token_embd.weight", 0),
        expert_bytes=sum(size for name, size in names.items() if b"_exps." in name),
        has_output=b"output.weight" in names,
        main_type=max(bytes_of, key=lambda key: bytes_of[key]),
        matrix_bytes=matrix_bytes,
    )


def _read_shape(cursor: Cursor, name: bytes) -> tuple[tuple[int, ...], int, str, int]:
    """(shape, elements, type name, bytes) of one tensor."""
    num_dimensions = cursor.u32()
    if num_dimensions > MAX_DIMENSIONS:
        raise GGUFError(f"tensor {printable(name)} has {num_dimensions} dimensions, more than {MAX_DIMENSIONS}")
    shape = tuple(cursor.u64() for _ in range(num_dimensions)) or (1,)
    elements = 1
    for length in shape:
        elements *= length
        if not 0 < elements <= INT64_MAX:
            raise GGUFError(f"tensor {printable(name)} has an impossible shape")
    type_id = cursor.u32()
    if type_id not in TENSOR_TYPES:
        raise GGUFError(f"tensor {printable(name)} has the unknown type {type_id}; {NEWER}")
    type_name, block_elements, block_bytes = TENSOR_TYPES[type_id]
    if shape[0] % block_elements:
        raise GGUFError(f"tensor {printable(name)} ({type_name}) has rows of {shape[0]}, not of whole blocks")
    return shape, elements, type_name, elements // block_elements * block_bytes
