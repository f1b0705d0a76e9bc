"""Writes tiny GGUF files for tests: valid by default, wrong wherever a test says so.

Made with struct and not with the `gguf` package, because a writer that validates cannot make broken files.
"""

import struct
from dataclasses import dataclass, field
from pathlib import Path

U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10
TYPE_F32, TYPE_Q8_0 = 0, 8


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def string(value: str | bytes) -> bytes:
    return struct.pack("<I", STRING) + text(value)


def u32(value: int) -> bytes:
    return struct.pack("<II", U32, value)


def boolean(value: bool) -> bytes:
    return struct.pack("<IB", BOOL, value)


def strings(values: list[str]) -> bytes:
    return struct.pack("<IIQ", ARRAY, STRING, len(values)) + b"".join(text(value) for value in values)


def numbers(value_type: int, code: str, values: list[int] | list[float]) -> bytes:
    return struct.pack(f"<IIQ{len(values)}{code}", ARRAY, value_type, len(values), *values)


def tensor(
    name: str | bytes,
    shape: tuple[int, ...],
    offset: int,
    type_id: int = TYPE_F32,
    *,
    num_dimensions: int | None = None,
) -> bytes:
    count = len(shape) if num_dimensions is None else num_dimensions
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", count, *shape, type_id, offset)


def default_pairs() -> dict[str, bytes]:
    return {
        "general.architecture": string("llama"),
        "general.name": string("Tiny"),
        "general.file_type": u32(0),
        "llama.context_length": u32(256),
        "llama.block_count": u32(2),
        "llama.embedding_length": u32(16),
        "llama.feed_forward_length": u32(32),
        "llama.attention.head_count": u32(4),
        "llama.attention.head_count_kv": u32(2),
        "tokenizer.ggml.model": string("gpt2"),
        "tokenizer.ggml.pre": string("smollm"),
        "tokenizer.ggml.tokens": strings(["a", "b", "c"]),
        "tokenizer.ggml.token_type": numbers(I32, "i", [1, 1, 3]),
        "tokenizer.ggml.scores": numbers(F32, "f", [0.0, 0.0, 0.0]),
        "tokenizer.ggml.merges": strings(["a b"]),
        "tokenizer.chat_template": string("{{ messages }}"),
    }


@dataclass
class GGUFFile:
    """Fields that count or place things may be set wrong on purpose; `None` means: as it should be."""

    pairs: dict[str, bytes] = field(default_factory=default_pairs)
    tensors: list[bytes] = field(default_factory=lambda: [tensor("token_embd.weight", (16, 2), 0)])
    data: bytes = b"\x00" * 128
    magic: bytes = b"GGUF"
    version: int = 3
    num_pairs: int | None = None
    num_tensors: int | None = None
    alignment: int = 32

    def with_pairs(self, **pairs: bytes | None) -> "GGUFFile":
        """Keys with two underscores for each dot; None takes a key away."""
        for name, value in pairs.items():
            key = name.replace("__", ".")
            if value is None:
                del self.pairs[key]
            else:
                self.pairs[key] = value
        return self

    def header(self) -> bytes:
        num_pairs = len(self.pairs) if self.num_pairs is None else self.num_pairs
        num_tensors = len(self.tensors) if self.num_tensors is None else self.num_tensors
        return (
            self.magic
            + struct.pack("<IQQ", self.version, num_tensors, num_pairs)
            + b"".join(text(key) + value for key, value in self.pairs.items())
            + b"".join(self.tensors)
        )

    def build(self) -> bytes:
        header = self.header()
        return header + b"\x00" * (-len(header) % self.alignment) + self.data

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.build())
        return path


def model_of(num_data_bytes: int, *, seed: int = 0, name: str = "Tiny") -> bytes:
    """A valid GGUF of about num_data_bytes whose content depends on the seed: for downloads."""
    count = num_data_bytes // 16 // 4
    pattern = bytes((index * 31 + seed) % 251 for index in range(4096))
    data = (pattern * (count * 64 // len(pattern) + 1))[: count * 64]
    return GGUFFile(
        pairs=default_pairs() | {"general.name": string(name)},
        tensors=[tensor("token_embd.weight", (16, count), 0)],
        data=data,
    ).build()


def write_split(folder: Path, *, pattern: str = "big-{:05}-of-{:05}.gguf", count: int = 2) -> tuple[Path, ...]:
    """A model of `count` parts with one tensor each; the parts in their order."""
    parts = []
    for number in range(count):
        file = GGUFFile(tensors=[tensor(f"t{number}", (32,), 0)])
        file.with_pairs(split__no=u32(number), split__count=u32(count), split__tensors__count=u32(count))
        parts.append(file.write(folder / pattern.format(number + 1, count)))
    return tuple(parts)
