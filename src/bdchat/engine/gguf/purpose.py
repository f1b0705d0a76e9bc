"""What a model is made for, as its header tells: writing a text after a text, vectors of texts, or what is not served.

Pure. Architecture names are those of llama.cpp's llama-arch.cpp inside llama-cpp-python 0.3.36.
"""

import re
from typing import Final, Literal

from bdchat.engine.gguf.metadata import Metadata

Purpose = Literal["chat", "embedding", "reranker", "encoder", "encoder-decoder", "diffusion", "speech", "draft"]
Pooling = Literal["none", "mean", "cls", "last", "rank"]

POOLINGS: Final[tuple[Pooling, ...]] = ("none", "mean", "cls", "last", "rank")  # llama.h, enum llama_pooling_type
RANK_POOLING: Final = POOLINGS.index("rank")

# Why a model of each purpose is not served. The subject of the sentence is the model.
REFUSALS: Final[dict[Purpose, str]] = {
    "encoder": "reads a text for another model and writes none (encoder), which is not served here",
    "encoder-decoder": "reads a text and writes another (encoder-decoder), which is not served here",
    "diffusion": "writes all words of a text at once (diffusion), which is not served here",
    "speech": "makes sound, not text (speech), which is not served here",
    "draft": "guesses ahead for another model and does not write alone (draft), which is not served here",
}

BY_ARCHITECTURE: Final[dict[str, Purpose]] = {
    "t5": "encoder-decoder",
    "t5encoder": "encoder",
    "bert": "embedding",
    "modern-bert": "embedding",
    "nomic-bert": "embedding",
    "nomic-bert-moe": "embedding",
    "neo-bert": "embedding",
    "jina-bert-v2": "embedding",
    "jina-bert-v3": "embedding",
    "eurobert": "embedding",
    "gemma-embedding": "embedding",
    "llama-embed": "embedding",
    "dream": "diffusion",
    "llada": "diffusion",
    "llada-moe": "diffusion",
    "rnd1": "diffusion",
    "wavtokenizer-dec": "speech",
    "qwen3tts": "speech",
    "pockettts": "speech",
    "eagle3": "draft",
    "dflash": "draft",
    "gemma4-assistant": "draft",
}

# Models whose cards promise it, by the names that converters take over.
MATRYOSHKA_NAMES: Final = re.compile(
    r"nomic-embed-text-v(1\.5|2)|qwen3-embedding|mxbai-embed-(large|xsmall|2d)|jina-embeddings-v[3-5]|embeddinggemma"
    r"|snowflake-arctic-embed-(m-v1\.5|[ml]-v2)"
)


def purpose_of(metadata: Metadata, architecture: str) -> Purpose:
    """Keys of diffusion, a pooling other than none (0) and attention that looks ahead tell it of architectures that are
    not in the table. Raises GGUFError when such a key is of the wrong type."""
    pooling = metadata.integer(f"{architecture}.pooling_type", 0, 1 << 31, default=0)
    known = BY_ARCHITECTURE.get(architecture)
    if pooling == RANK_POOLING and known in {None, "embedding"}:
        return "reranker"
    if known is not None:
        return known
    if metadata.has_any("diffusion."):
        return "diffusion"
    is_causal = metadata.flag(f"{architecture}.attention.causal", default=True)
    return "embedding" if pooling or not is_causal else "chat"


def pooling_of(metadata: Metadata, architecture: str) -> Pooling | None:
    """As the header names it. Raises GGUFError for one that is none."""
    number = metadata.integer(f"{architecture}.pooling_type", -1, len(POOLINGS) - 1, default=-1)
    return POOLINGS[number] if number >= 0 else None


def may_shorten_vectors(metadata: Metadata, architecture: str) -> bool:
    """GGUF has no key of its own for Matryoshka training: the model card's tags tell of it, or the model's name."""
    names = (metadata.advice(f"general.{key}").lower() for key in ("name", "basename"))
    return (
        architecture == "gemma-embedding"
        or any("matryoshka" in tag for tag in metadata.tags())
        or any(MATRYOSHKA_NAMES.search(re.sub(r"[^a-z0-9.]+", "-", name)) for name in names)
    )


def looks_ahead(architecture: str, causal: str | None) -> bool:
    """Whether each token's vector depends on those behind it. `causal`: its header's attention.causal as text."""
    return BY_ARCHITECTURE.get(architecture) == "embedding" or causal == "false"
