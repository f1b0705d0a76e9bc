"""Writes models of a real one's shape, types and tokenizer with random weights: real size without a download.

What they say is noise; what they cost is the same. Each file is written whole under another name first, so that what
bears its name is complete; seeded, so that it is the same file everywhere. It may be deleted at any time.
"""

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

from bootstrap_console import BootstrapError

from .mistral_vocabulary import write_mistral_vocabulary

MISTRAL_TEMPLATE = Path(__file__).parents[2] / "tests" / "templates" / "mistral-7b-instruct-v0.3.jinja"
POOL_BLOCKS = 4096  # a million weights are quantised for each type and width; tensors are drawn from them by blocks
BLOCK = 256  # weights in a block of a K type
SPARE_BYTES = 1 << 30  # what a disk must have left

Quantization = gguf.GGMLQuantizationType
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ModelShape:
    name: str
    num_layers: int
    n_embd: int
    n_ff: int
    num_heads: int
    num_heads_kv: int
    n_vocab: int
    n_ctx_train: int
    rope_freq_base: float

    @property
    def head_size(self) -> int:
        return self.n_embd // self.num_heads


# Mistral-7B-Instruct-v0.3's config.json.
MISTRAL_7B = ModelShape("mistral-7b", 32, 4096, 14_336, 32, 8, 32_768, 32_768, 1e6)
SHAPES = {shape.name: shape for shape in (MISTRAL_7B,)}


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    num_rows: int
    width: int
    kind: Quantization

    @property
    def row_bytes(self) -> int:
        block_elements, block_bytes = gguf.GGML_QUANT_SIZES[self.kind]
        return self.width // block_elements * block_bytes


def shaped_model(shape: ModelShape, folder: Path, *, num_layers: int | None = None) -> Path:
    """The file in `folder`, written if it is not there: 4.4 GB for all of Mistral 7B's layers, 1.2 GB for eight.
    Raises BootstrapError where there is no room."""
    layers = num_layers or shape.num_layers
    if not 1 <= layers <= shape.num_layers:
        raise BootstrapError(f"{shape.name} has {shape.num_layers} layers, not {layers}", "choose fewer with --layers")
    path = folder / f"{shape.name}-shape-{layers}-layers.Q4_K_M.gguf"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    num_bytes = sum(tensor.num_rows * tensor.row_bytes for tensor in _tensors(shape, layers))
    if (free := shutil.disk_usage(folder).free) < num_bytes + SPARE_BYTES:
        raise BootstrapError(
            f"{path.name} needs {num_bytes / 1e9:.1f} GB in {folder}, {free / 1e9:.1f} GB are free",
            "make room, or choose fewer layers with --layers",
        )
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        _write(partial, shape, layers)
        partial.replace(path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    return path


def _write(path: Path, shape: ModelShape, layers: int) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(f"{shape.name} shape, {layers} layers, random weights")
    writer.add_context_length(shape.n_ctx_train)
    writer.add_embedding_length(shape.n_embd)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_head_count(shape.num_heads)
    writer.add_head_count_kv(shape.num_heads_kv)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(shape.head_size)
    writer.add_rope_freq_base(shape.rope_freq_base)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    num_tokens = write_mistral_vocabulary(writer)
    assert num_tokens == shape.n_vocab
    writer.add_add_space_prefix(True)
    writer.add_chat_template(MISTRAL_TEMPLATE.read_text("utf-8"))
    tensors = list(_tensors(shape, layers))
    for tensor in tensors:
        if tensor.kind is Quantization.F32:
            writer.add_tensor_info(tensor.name, (tensor.width,), np.dtype(np.float32), tensor.row_bytes)
        else:
            shape_in_bytes = (tensor.num_rows, tensor.row_bytes)
            num_bytes = tensor.num_rows * tensor.row_bytes
            writer.add_tensor_info(tensor.name, shape_in_bytes, np.dtype(np.uint8), num_bytes, tensor.kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    source = _RandomBlocks()
    for tensor in tensors:
        writer.write_tensor_data(source.draw(tensor))
    writer.close()


def _tensors(shape: ModelShape, layers: int) -> Iterator[_Tensor]:
    """The types are llama-quantize's for Q4_K_M: Q4_K, and Q6_K for the output and, in half of the layers, for V and
    the way down."""
    n_embd, n_kv = shape.n_embd, shape.head_size * shape.num_heads_kv
    q4, q6, f32 = Quantization.Q4_K, Quantization.Q6_K, Quantization.F32
    yield _Tensor("token_embd.weight", shape.n_vocab, n_embd, q4)
    for layer in range(layers):
        better = q6 if _gets_more_bits(layer, layers) else q4
        prefix = f"blk.{layer}."
        yield _Tensor(prefix + "attn_norm.weight", 1, n_embd, f32)
        yield _Tensor(prefix + "attn_q.weight", n_embd, n_embd, q4)
        yield _Tensor(prefix + "attn_k.weight", n_kv, n_embd, q4)
        yield _Tensor(prefix + "attn_v.weight", n_kv, n_embd, better)
        yield _Tensor(prefix + "attn_output.weight", n_embd, n_embd, q4)
        yield _Tensor(prefix + "ffn_norm.weight", 1, n_embd, f32)
        yield _Tensor(prefix + "ffn_gate.weight", shape.n_ff, n_embd, q4)
        yield _Tensor(prefix + "ffn_up.weight", shape.n_ff, n_embd, q4)
        yield _Tensor(prefix + "ffn_down.weight", n_embd, shape.n_ff, better)
    yield _Tensor("output_norm.weight", 1, n_embd, f32)
    yield _Tensor("output.weight", shape.n_vocab, n_embd, q6)


def _gets_more_bits(layer: int, layers: int) -> bool:
    """llama.cpp's use_more_bits: the first and last eighths, and each third layer between."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


class _RandomBlocks:
    """Quantised noise. A row of a tensor is a random choice of blocks: no two rows are alike, and nothing that costs
    minutes is quantised twice. The variance is 1 / width, so that activations keep their size from layer to layer."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(1)
        self._pools: dict[tuple[Quantization, int], Bytes] = {}
        spec = find_spec("llama_cpp")
        assert spec is not None
        assert spec.origin is not None
        library = ctypes.CDLL(str(Path(spec.origin).parent / "lib" / "libggml-base.so"))
        self._quantize = library.ggml_quantize_chunk
        self._quantize.restype = ctypes.c_size_t
        self._quantize.argtypes = (
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_void_p,
            *(ctypes.c_int64,) * 3,  # start, rows, width
            ctypes.c_void_p,  # no importance matrix
        )

    def draw(self, tensor: _Tensor) -> npt.NDArray[np.float32] | Bytes:
        if tensor.kind is Quantization.F32:
            return np.ones(tensor.width, np.float32)
        pool = self._pool(tensor.kind, tensor.width)
        num_blocks = tensor.num_rows * tensor.width // BLOCK
        chosen = self._rng.integers(0, POOL_BLOCKS, num_blocks, np.uint16)
        blocks: Bytes = pool[chosen].reshape(tensor.num_rows, tensor.row_bytes)
        return blocks

    def _pool(self, kind: Quantization, width: int) -> Bytes:
        if (kind, width) not in self._pools:
            noise = self._rng.standard_normal((POOL_BLOCKS, BLOCK), np.float32) / np.float32(np.sqrt(width))
            blocks = np.empty((POOL_BLOCKS, gguf.GGML_QUANT_SIZES[kind][1]), np.uint8)
            self._quantize(int(kind), noise.ctypes.data, blocks.ctypes.data, 0, POOL_BLOCKS, BLOCK, None)
            self._pools[kind, width] = blocks
        return self._pools[kind, width]
