"""Writes a GGUF anew with other encodings for some of its matrices, by llama.cpp's own quantiser. One call, minutes for
a large model; nothing else of the file changes, and parts become one file.
"""

import ctypes
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from llama_cpp import llama_cpp as bindings

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.gguf.tensors import TensorInfo
from bdchat.engine.gguf.types import TENSOR_TYPES
from bdchat.engine.llama.library import recorded_errors

_MOSTLY_Q8_0 = 7  # llama.h, enum llama_ftype; every tensor is named, so nothing takes it but general.file_type
_BUFFER_BYTES = 512 << 20  # of numbers at once
_TYPE_IDS = {name: type_id for type_id, (name, _, _) in TENSOR_TYPES.items()}


def type_id_of(type_name: str) -> int:
    """ggml.h, enum ggml_type."""
    return _TYPE_IDS[type_name]


def requantize(
    source: Path, target: Path, table: Sequence[TensorInfo], changes: Mapping[bytes, str], *, n_threads: int = 1
) -> None:
    """`changes`: a tensor's name → its new encoding. Raises ModelLoadFailed; then `target` may be there in part."""
    listed = (bindings.llama_model_tensor_override * (len(table) + 1))()  # the last one stays NULL: it ends them
    for override, tensor in zip(listed, table, strict=False):
        override.pattern = _pattern(tensor.name)
        override.type = type_id_of(changes.get(tensor.name, tensor.type_name))
    params = bindings.llama_model_quantize_default_params()
    params.nthread = n_threads
    params.ftype = _MOSTLY_Q8_0
    params.allow_requantize = params.quantize_output_tensor = params.pure = True
    params.max_buf_size = _BUFFER_BYTES
    params.tt_overrides = ctypes.cast(listed, ctypes.POINTER(bindings.llama_model_tensor_override))
    with recorded_errors() as errors:
        status = bindings.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(params))
    if status != 0:
        reason = errors[-1] if errors else f"status {status}"
        raise ModelLoadFailed(source.name, f"its weights could not be encoded anew: {reason}")


def _pattern(name: bytes) -> bytes:
    """A regular expression for this name: what is no letter or number of it matches any character, since the file's
    own words must not become an expression."""
    return b"^" + re.sub(rb"[^A-Za-z0-9_]", b".", name) + b"$"
