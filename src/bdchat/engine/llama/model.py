"""A loaded GGUF: weights, vocabulary and what its header says. Engine thread only.

Knows nothing of contexts, sequences or cells; `runner.py` makes those from it.
"""

import ctypes
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import llama_cpp

from bdchat.engine.errors import ModelLoadFailed, TooLittleMemory
from bdchat.engine.gguf.header import read_header, split_files
from bdchat.engine.gguf.purpose import REFUSALS, looks_ahead
from bdchat.engine.host import free_memory_bytes
from bdchat.engine.kv.plan import BYTES_PER_ELEMENT, KVMemoryError, must_share_cells
from bdchat.engine.llama.library import (
    FastCalls,
    library_identity,
    library_version,
    recorded_errors,
    start_library,
    supports_gpu_offload,
)
from bdchat.engine.llama.reasons import load_failure
from bdchat.engine.model_runner import MemoryClass
from bdchat.settings import EngineSettings

_EDGE_BYTES = 1024 * 1024  # of each end of the file; hashing all of it would cost seconds


class LlamaModel:
    """Closing frees the weights; every runner made from it must be closed before."""

    def __init__(self, handle: Any, path: Path, *, use_extra_bufts: bool, on_gpu: bool) -> None:
        self.handle = handle
        self.path = path
        self.use_extra_bufts = use_extra_bufts
        self.on_gpu = on_gpu
        self.fast = FastCalls()
        self.vocab = llama_cpp.llama_model_get_vocab(handle)
        self.n_vocab = int(llama_cpp.llama_vocab_n_tokens(self.vocab))
        self.n_ctx_train = int(llama_cpp.llama_model_n_ctx_train(handle))
        self.num_parameters = int(llama_cpp.llama_model_n_params(handle))
        self.model_bytes = int(llama_cpp.llama_model_size(handle))
        self.n_swa = int(llama_cpp.llama_model_n_swa(handle))
        self.architecture = self.metadata("general.architecture") or "unknown"
        self.is_recurrent = bool(llama_cpp.llama_model_is_recurrent(handle))  # no layer of it has cells
        self.memory_class = self._find_memory_class()
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}
        self._piece_buffer = ctypes.create_string_buffer(256)

    @classmethod
    def open(
        cls,
        path: Path,
        settings: EngineSettings,
        *,
        use_extra_bufts: bool = True,
        report: Callable[[float], None] = lambda _: None,
    ) -> Self:
        """`report` is told how much of it has been read, 0 to 1, at each whole percent. Raises ModelLoadFailed with
        llama.cpp's own reason, GGUFError when a part of it is missing or broken."""
        files = split_files(path)
        start_library()
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = settings.n_gpu_layers
        params.load_mode = _load_mode(settings)
        params.use_extra_bufts = use_extra_bufts
        params.progress_callback = callback = _by_percent(report)
        with recorded_errors() as errors:
            handle = _load(files, params)
        del callback  # llama.cpp called it until here
        if not handle:
            raise ModelLoadFailed(path.name, null_reason(errors, "llama.cpp could not load it", path))
        if (refusal := _refusal(handle)) is not None:
            llama_cpp.llama_model_free(handle)
            raise ModelLoadFailed(path.name, refusal)
        on_gpu = supports_gpu_offload() and settings.n_gpu_layers != 0
        return cls(handle, path, use_extra_bufts=use_extra_bufts, on_gpu=on_gpu)

    def metadata(self, key: str) -> str | None:
        """A scalar of the header as text; arrays cannot be read this way."""
        buffer = ctypes.create_string_buffer(512)
        length = llama_cpp.llama_model_meta_val_str(self.handle, key.encode(), buffer, len(buffer))
        return None if length < 0 else buffer.value.decode("utf-8", errors="replace")

    @property
    def description(self) -> str:
        buffer = ctypes.create_string_buffer(256)
        llama_cpp.llama_model_desc(self.handle, buffer, len(buffer))
        return buffer.value.decode("utf-8", errors="replace")

    @property
    def has_chat_template(self) -> bool:
        return bool(llama_cpp.llama_model_chat_template(self.handle, None))

    @property
    def rank_template(self) -> str | None:
        """How a reranker that has a template of its own is asked."""
        source = llama_cpp.llama_model_chat_template(self.handle, b"rerank")
        return None if source is None else source.decode("utf-8", errors="replace")

    @property
    def looks_ahead(self) -> bool:
        return looks_ahead(self.architecture, self.metadata(f"{self.architecture}.attention.causal"))

    @property
    def num_dimensions(self) -> int:
        return int(llama_cpp.llama_model_n_embd_out(self.handle))

    @property
    def num_ranks(self) -> int:
        """Scores that a reranker gives a text; the first one is its relevance."""
        return int(llama_cpp.llama_model_n_cls_out(self.handle))

    def bytes_per_cell(self, kv_type: str) -> float:
        """Of one KV cell over all layers; an upper estimate where layers differ. A recurrent model keeps a state for
        each sequence, however long that is; of a hybrid one the header tells which layers have cells."""
        if self.is_recurrent:
            return 1.0
        if llama_cpp.llama_model_is_hybrid(self.handle):
            return max(1.0, float(read_header(self.path).kv_bytes_per_token(kv_type)))
        n_head = max(1, int(llama_cpp.llama_model_n_head(self.handle)))
        head_size = int(llama_cpp.llama_model_n_embd(self.handle)) // n_head
        key_length = self._number("attention.key_length", head_size)
        value_length = self._number("attention.value_length", head_size)
        n_head_kv = max(1, int(llama_cpp.llama_model_n_head_kv(self.handle)))
        elements = int(llama_cpp.llama_model_n_layer(self.handle)) * n_head_kv * (key_length + value_length)
        return max(1.0, elements * BYTES_PER_ELEMENT[kv_type])

    def shares_cells(self, settings: EngineSettings) -> bool:
        """Whether only a unified cache makes sense for it here. Raises ModelLoadFailed when nothing fits."""
        try:
            return must_share_cells(
                settings,
                self.memory_class,
                bytes_per_cell=self.bytes_per_cell("f16"),
                n_ctx_train=self.n_ctx_train,
                free_bytes=free_memory_bytes(),
            )
        except KVMemoryError as error:
            raise TooLittleMemory(self.path.name, str(error)) from error

    def fingerprint(self, *parts: object) -> str:
        """Changes with the file, the library, and whatever else is named."""
        digest = hashlib.sha256(file_identity(self.path).encode())
        digest.update("|".join(str(part) for part in (library_identity(), self.use_extra_bufts, *parts)).encode())
        return "fp_" + digest.hexdigest()[:12]

    def is_end_of_generation(self, token_id: int) -> bool:
        is_end = self._ends.get(token_id)
        if is_end is None:
            is_end = self._ends[token_id] = bool(self.fast.is_eog(self.vocab, token_id))
        return is_end

    def token_bytes(self, token_id: int) -> bytes:
        piece = self._pieces.get(token_id)
        if piece is None:
            piece = self._pieces[token_id] = self._read_piece(token_id)
        return piece

    def control_text(self, token_id: int) -> str:
        if self.token_bytes(token_id):
            return ""
        raw = llama_cpp.llama_vocab_get_text(self.vocab, token_id)
        return raw.decode("utf-8", errors="replace") if raw else ""

    def close(self) -> None:
        if self.handle:
            llama_cpp.llama_model_free(self.handle)
            self.handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read_piece(self, token_id: int) -> bytes:
        if not 0 <= token_id < self.n_vocab:
            raise IndexError(token_id)
        while True:
            buffer = self._piece_buffer
            length = llama_cpp.llama_token_to_piece(self.vocab, token_id, buffer, len(buffer), 0, False)
            if length >= 0:
                return buffer.raw[:length]
            self._piece_buffer = ctypes.create_string_buffer(-length)  # llama.cpp says how much it needs

    def _find_memory_class(self) -> MemoryClass:
        if self.is_recurrent or llama_cpp.llama_model_is_hybrid(self.handle):
            return MemoryClass.RECURRENT
        return MemoryClass.SWA if self.n_swa > 0 else MemoryClass.DENSE

    def _number(self, name: str, default: int) -> int:
        text = self.metadata(f"{self.architecture}.{name}")
        return int(text) if text is not None and text.isdigit() else default


def file_identity(path: Path) -> str:
    """Size and a hash of both ends of a model file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_EDGE_BYTES))
        file.seek(max(0, size - _EDGE_BYTES))
        digest.update(file.read(_EDGE_BYTES))
    return f"{size}:{digest.hexdigest()}"


def null_reason(errors: list[str], otherwise: str, path: Path) -> str:
    """Why llama.cpp gave NULL for something of the model at `path`."""
    version = f"llama-cpp-python {library_version()}"
    return load_failure(errors, otherwise=otherwise, version=version, folder=str(path.parent))


def _load(files: tuple[Path, ...], params: Any) -> Any:
    """A handle, or NULL. Parts are named one by one: they need not be named as llama.cpp would."""
    names = [os.fsencode(file) for file in files]
    if len(names) == 1:
        return llama_cpp.llama_model_load_from_file(names[0], params)
    return llama_cpp.llama_model_load_from_splits((ctypes.c_char_p * len(names))(*names), len(names), params)


def _refusal(handle: Any) -> str | None:
    """Of a model that was loaded and must not be decoded with: what its header did not tell, the library does."""
    if llama_cpp.llama_model_is_diffusion(handle):
        return REFUSALS["diffusion"]
    if llama_cpp.llama_model_has_encoder(handle):
        return REFUSALS["encoder-decoder" if llama_cpp.llama_model_has_decoder(handle) else "encoder"]
    return None


def _load_mode(settings: EngineSettings) -> int:
    if settings.use_mmap:
        return int(llama_cpp.LLAMA_LOAD_MODE_MMAP_MLOCK if settings.use_mlock else llama_cpp.LLAMA_LOAD_MODE_MMAP)
    return int(llama_cpp.LLAMA_LOAD_MODE_MLOCK if settings.use_mlock else llama_cpp.LLAMA_LOAD_MODE_NONE)


def _by_percent(report: Callable[[float], None]) -> Any:
    """llama.cpp asks at each tensor whether it shall go on."""
    last_percent = -1

    def note(fraction: float, _: object) -> bool:
        nonlocal last_percent
        percent = int(fraction * 100)
        if percent != last_percent:
            last_percent = percent
            report(percent / 100)
        return True

    return llama_cpp.llama_progress_callback(note)
