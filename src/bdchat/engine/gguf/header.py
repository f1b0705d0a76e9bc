"""Checks a GGUF's header before native code sees the file, and tells what the model is.

A model file is untrusted input: llama.cpp's own reader aborts the process on some values and has had memory errors on
others. Everything checked here is something that it relies on. Pure Python, any thread, no state. Knows the file, not
the machine; `cursor.py` is the byte level.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from bdchat.engine.gguf.cursor import NEWER, Cursor, GGUFError, open_regular, printable
from bdchat.engine.gguf.memory import (
    KV_ELEMENT_BYTES,
    VOCABULARY_BYTES,
    MemoryNeed,
    ModelSizes,
    compute_bytes,
    repacked_types,
)
from bdchat.engine.gguf.metadata import Metadata, read_metadata
from bdchat.engine.gguf.parts import PART_NAME, part_paths
from bdchat.engine.gguf.purpose import REFUSALS, Pooling, Purpose, may_shorten_vectors, pooling_of, purpose_of
from bdchat.engine.gguf.sampling_hints import sampling_hints
from bdchat.engine.gguf.tensors import MAX_TENSORS, TensorInfo, Tensors, read_table
from bdchat.engine.gguf.types import ARCHITECTURES, FILE_TYPES
from bdchat.engine.request import SamplingHints

MAX_LAYERS = 512  # LLAMA_MAX_LAYERS: llama.cpp asserts it
MAX_EXPERTS = 1024  # LLAMA_MAX_EXPERTS, likewise
ROPE_SCALINGS = frozenset({None, "none", "linear", "yarn", "longrope"})  # llama.cpp asserts it


# general.type of files that belong to a model and are none
_OTHER_FILES = {
    "mmproj": "is a projector: it shows pictures to the model beside it, and is no language model itself",
    "adapter": "is an adapter (LoRA) that changes another model, and is no language model itself",
    "imatrix": "is a list of weights' importance for quantising, not a language model",
    "vocab": "is a vocabulary, not a language model",
}

__all__ = ["GGUFError", "GGUFHeader", "read_header", "split_files"]


@dataclass(frozen=True, slots=True)
class GGUFHeader:
    """What a checked file says of itself. Names are one printable line each; the template is as it is in the file."""

    architecture: str
    name: str
    licence: str | None
    n_ctx_train: int
    n_vocab: int
    n_embd: int
    n_ff: int
    num_layers: int
    head_counts: tuple[int, ...]  # per layer
    head_counts_kv: tuple[int, ...]  # per layer; 0 where a layer has no attention cache
    key_length: int  # per head
    value_length: int
    sliding_window: int | None
    num_experts: int
    num_experts_used: int
    is_recurrent: bool  # some layers keep a state instead of cells
    purpose: Purpose
    has_fim: bool  # it has tokens for filling a gap
    organization: str  # who made it; "" when it does not say
    pooling: Pooling | None  # how its tokens' vectors become one; None: it does not say
    may_shorten_vectors: bool  # the first numbers of its vectors are vectors too (Matryoshka)
    sampling: SamplingHints  # its own general.sampling.*
    languages: tuple[str, ...]  # codes, as it names them; () when it does not
    quantization: str
    num_parameters: int
    num_tensors: int
    tokenizer_model: str
    tokenizer_pre: str | None
    chat_template: str | None
    version: int
    alignment: int
    model_bytes: int  # of all parts
    weight_bytes: int
    matrix_bytes: tuple[tuple[str, int], ...]  # type → bytes of the matrices that are multiplied with
    step_bytes: int  # of the weights that one token reads
    files: tuple[Path, ...]  # of all parts, the first one first
    tables: tuple[tuple[TensorInfo, ...], ...]  # of tensors, one for each of the files

    @property
    def num_parts(self) -> int:
        return len(self.files)

    @property
    def refusal(self) -> str | None:
        """Why a sound file is not served, in one line; None: it writes texts, makes vectors of them or ranks them."""
        return REFUSALS.get(self.purpose)

    def kv_bytes_per_token(self, kv_type: str = "f16") -> int:
        elements = sum(self.head_counts_kv) * (self.key_length + self.value_length)
        return round(elements * KV_ELEMENT_BYTES[kv_type])

    def memory_need(
        self,
        num_cells: int,
        *,
        kv_type: str = "f16",
        n_batch: int = 512,
        flash_attention: bool = False,
        num_streams: int = 1,
        cpu_features: Collection[str] = (),
    ) -> MemoryNeed:
        """For a context of `num_cells` KV cells in all. By default the worst of what calibration may choose."""
        sizes = ModelSizes(
            n_embd=self.n_embd,
            n_ff=self.n_ff,
            n_vocab=self.n_vocab,
            num_heads=max(self.head_counts),
            num_kv_elements=max(self.head_counts_kv) * (self.key_length + self.value_length),
            num_masks=2 if self.sliding_window else 1,
        )
        cells = -(-num_cells // num_streams)
        is_copied = repacked_types(cpu_features)
        return MemoryNeed(
            weights=self.weight_bytes,
            repacked=sum(size for name, size in self.matrix_bytes if name in is_copied),
            kv_cache=num_cells * self.kv_bytes_per_token(kv_type),
            compute=compute_bytes(sizes, cells, num_tokens=min(n_batch, cells), flash_attention=flash_attention),
            vocabulary=self.n_vocab * VOCABULARY_BYTES,
        )


@dataclass(frozen=True, slots=True)
class _Part:
    metadata: Metadata
    tensors: Tensors
    version: int
    alignment: int
    file_bytes: int


def read_header(path: Path) -> GGUFHeader:
    """Reads and checks. For a split model give the first part, or a link to it: the others must lie beside it and are
    checked as well.

    Raises GGUFError, whatever the file is."""
    first = _read_part(path)
    count = first.metadata.integer("split.count", 0, 65_535, default=0)
    if count <= 1:
        return _describe((path,), (first,))
    paths = part_paths(path, count)  # first: where one is missing, that is the reason, whichever part was named
    if first.metadata.integer("split.no", 0, 65_535, default=0) != 0:
        raise GGUFError(f"is a later part of a model in {count} parts; name the one that ends in -00001-of-{count:05}")
    parts = (first, *(_read_part(part) for part in paths[1:]))
    for number, (part, file) in enumerate(zip(parts, paths, strict=True)):
        if part.metadata.integer("split.no", 0, 65_535, default=0) != number:
            raise GGUFError(f"its part {printable(file.name)} holds another part than its name says")
    wanted = first.metadata.integer("split.tensors.count", 0, MAX_TENSORS, default=0)
    found = sum(part.tensors.num_tensors for part in parts)
    if wanted != found:
        raise GGUFError(f"its {count} parts hold {found} tensors, the first part promises {wanted}")
    return _describe(paths, parts)


def split_files(path: Path) -> tuple[Path, ...]:
    """The files that native code is to open, in order. A file whose name is no part's is one alone, and is not read
    again. Raises GGUFError like read_header."""
    is_part = any(PART_NAME.fullmatch(name) for name in (path.name, path.resolve().name))
    return read_header(path).files if is_part else (path,)


def _read_part(path: Path) -> _Part:
    with open_regular(path) as fd:
        cursor = Cursor(fd)
        version, num_tensors, num_pairs = _read_preamble(cursor)
        metadata = read_metadata(cursor, num_pairs)
        alignment = metadata.integer("general.alignment", 1, 1 << 20, default=32)
        if alignment & (alignment - 1):
            raise GGUFError(f"general.alignment is {alignment}, not a power of two")
        tensors = read_table(cursor, num_tensors, alignment)
        return _Part(metadata, tensors, version, alignment, cursor.size)


def _read_preamble(cursor: Cursor) -> tuple[int, int, int]:
    if cursor.size == 0:
        raise GGUFError("is an empty file")
    if cursor.size < 24 or cursor.take(4) != b"GGUF":
        raise GGUFError("is not a GGUF file (its first four bytes are not GGUF)")
    version = cursor.u32()
    if version & 0xFFFF == 0 and version:
        raise GGUFError("is a big-endian GGUF; convert it for this machine")
    if version == 1:
        raise GGUFError("is GGUF version 1, which llama.cpp no longer reads; convert the model again")
    if version not in (2, 3):
        raise GGUFError(f"is GGUF version {version}; versions 2 and 3 are known, {NEWER}")
    num_tensors, num_pairs = cursor.u64(), cursor.u64()
    if num_tensors > MAX_TENSORS:
        raise GGUFError(f"claims {num_tensors} tensors, at most {MAX_TENSORS} are allowed")
    return version, num_tensors, num_pairs


def _describe(paths: tuple[Path, ...], parts: tuple[_Part, ...]) -> GGUFHeader:
    """What a model is for comes first: a file of another kind, or of an architecture that is not known yet, may lack
    what a chat model must have, and that is not the reason why it is refused."""
    metadata = parts[0].metadata
    architecture = metadata.text("general.architecture")
    if not architecture:
        raise GGUFError("does not say its architecture")
    kind = "mmproj" if architecture == "clip" else metadata.text("general.type") or "model"
    if kind != "model":
        raise GGUFError(_OTHER_FILES.get(kind, f"is a {printable(kind)}, not a language model"))
    purpose = purpose_of(metadata, architecture)
    try:
        return _checked(paths, parts, architecture, purpose)
    except GGUFError as error:
        if purpose in REFUSALS:
            raise GGUFError(REFUSALS[purpose]) from error
        if architecture not in ARCHITECTURES:
            reason = f"unknown model architecture: '{printable(architecture)}'; {NEWER} ({error.reason})"
            raise GGUFError(reason) from error
        raise


def _checked(paths: tuple[Path, ...], parts: tuple[_Part, ...], architecture: str, purpose: Purpose) -> GGUFHeader:
    first, metadata, tensors = parts[0], parts[0].metadata, [part.tensors for part in parts]
    num_layers = metadata.integer(f"{architecture}.block_count", 1, MAX_LAYERS)
    n_embd = metadata.integer(f"{architecture}.embedding_length", 1, 1 << 20)
    is_recurrent = metadata.has_any(f"{architecture}.ssm.", f"{architecture}.wkv.")
    heads = _head_counts(metadata, architecture, num_layers, is_recurrent=is_recurrent)
    head_size = n_embd // next((count for count in heads if count), n_embd)
    num_experts, num_experts_used = _expert_counts(metadata, architecture, num_layers)
    if metadata.text(f"{architecture}.rope.scaling.type") not in ROPE_SCALINGS:
        raise GGUFError(f"{architecture}.rope.scaling.type is unknown; {NEWER}")
    pre = metadata.text("tokenizer.ggml.pre")
    file_type = metadata.integer("general.file_type", 0, 1 << 31, default=1024)
    return GGUFHeader(
        architecture=printable(architecture),
        name=printable(metadata.text("general.name") or ""),
        licence=printable(metadata.text("general.license") or "") or None,
        n_ctx_train=metadata.integer(f"{architecture}.context_length", 1, (1 << 31) - 1),
        n_vocab=metadata.num_tokens(),
        n_embd=n_embd,
        n_ff=max(metadata.per_layer(f"{architecture}.feed_forward_length", num_layers, 1 << 24) or (4 * n_embd,)),
        num_layers=num_layers,
        head_counts=heads,
        head_counts_kv=metadata.per_layer(f"{architecture}.attention.head_count_kv", num_layers, 1 << 16) or heads,
        key_length=metadata.integer(f"{architecture}.attention.key_length", 1, 1 << 16, default=head_size),
        value_length=metadata.integer(f"{architecture}.attention.value_length", 1, 1 << 16, default=head_size),
        sliding_window=metadata.integer(f"{architecture}.attention.sliding_window", 0, 1 << 31, default=0) or None,
        num_experts=num_experts,
        num_experts_used=num_experts_used,
        is_recurrent=is_recurrent,
        purpose=purpose,
        has_fim=metadata.has_fim(),
        organization=printable(metadata.advice("general.organization")).strip(),
        pooling=pooling_of(metadata, architecture),
        may_shorten_vectors=may_shorten_vectors(metadata, architecture),
        sampling=sampling_hints(metadata),
        languages=metadata.languages(),
        quantization=FILE_TYPES.get(file_type) or max(tensors, key=lambda part: part.weight_bytes).main_type,
        num_parameters=sum(part.num_parameters for part in tensors),
        num_tensors=sum(part.num_tensors for part in tensors),
        tokenizer_model=printable(metadata.text("tokenizer.ggml.model") or ""),
        tokenizer_pre=printable(pre) if pre else None,
        chat_template=metadata.text("tokenizer.chat_template") or None,
        version=first.version,
        alignment=first.alignment,
        model_bytes=sum(part.file_bytes for part in parts),
        weight_bytes=sum(part.weight_bytes for part in tensors),
        matrix_bytes=tuple(item for part in tensors for item in part.matrix_bytes.items()),
        step_bytes=_step_bytes(tensors, num_experts, num_experts_used),
        files=paths,
        tables=tuple(part.table for part in tensors),
    )


def _step_bytes(tensors: Sequence[Tensors], num_experts: int, num_experts_used: int) -> int:
    unread = sum(part.other_table_bytes for part in tensors)
    if any(part.has_output for part in tensors):
        unread += sum(part.embedding_bytes for part in tensors)
    if num_experts:
        experts = sum(part.expert_bytes for part in tensors)
        unread += experts - experts * num_experts_used // num_experts
    return sum(part.weight_bytes for part in tensors) - unread


def _head_counts(metadata: Metadata, architecture: str, num_layers: int, *, is_recurrent: bool) -> tuple[int, ...]:
    counts = metadata.per_layer(f"{architecture}.attention.head_count", num_layers, 1 << 16)
    if counts is not None and any(counts):
        return counts
    if not is_recurrent:
        raise GGUFError(f"{architecture}.attention.head_count is missing or zero")
    return (0,) * num_layers


def _expert_counts(metadata: Metadata, architecture: str, num_layers: int) -> tuple[int, int]:
    count = metadata.integer(f"{architecture}.expert_count", 0, MAX_EXPERTS, default=0)
    used = max(metadata.per_layer(f"{architecture}.expert_used_count", num_layers, MAX_EXPERTS) or (0,))
    if used > count or (count and not used):
        raise GGUFError(f"uses {used} experts of {count}")
    return count, used
