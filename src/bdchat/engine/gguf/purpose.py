"""What a model is made for, as its header tells: only one that writes a text after a text can chat.

Pure. Architecture names are those of llama.cpp's llama-arch.cpp inside llama-cpp-python 0.3.36.
"""

from typing import Final, Literal

from bdchat.engine.gguf.metadata import Metadata

Purpose = Literal["chat", "embedding", "reranker", "encoder-decoder", "diffusion", "speech", "draft"]

RANK_POOLING: Final = 4  # llama.h, LLAMA_POOLING_TYPE_RANK

# Why a model of each purpose is not served. The subject of the sentence is the model.
REFUSALS: Final[dict[Purpose, str]] = {
    "embedding": "makes vectors for search and writes no text (embedding), which is not served here",
    "reranker": "ranks texts and writes none (reranker), which is not served here",
    "encoder-decoder": "reads a text and writes another (encoder-decoder), which is not served here",
    "diffusion": "writes all words of a text at once (diffusion), which is not served here",
    "speech": "makes sound, not text (speech), which is not served here",
    "draft": "guesses ahead for another model and does not write alone (draft), which is not served here",
}

BY_ARCHITECTURE: Final[dict[str, Purpose]] = {
    "t5": "encoder-decoder",
    "t5encoder": "embedding",
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
    looks_ahead = metadata.flag(f"{architecture}.attention.causal", default=True) is False
    return "embedding" if pooling or looks_ahead else "chat"
