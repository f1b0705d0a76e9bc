"""A tokenizer without a model."""

from collections.abc import Sequence

from bdchat.engine.text.tokenizer import FimTokens, Segment
from tests.fakes import BOS, EOS, N_VOCAB


class ByteTokenizer:
    """Fulfils Tokenizer: one token a byte."""

    n_vocab = N_VOCAB
    bos_id: int | None = BOS
    adds_bos = False
    adds_space_prefix = False
    fim: FimTokens | None = None

    def encode(self, segments: Sequence[Segment], *, add_bos: bool | None = None) -> list[int]:
        ids = [BOS] if add_bos else []
        for segment in segments:
            ids.extend(segment.text.encode())
        return ids

    def encode_inside(self, text: str) -> list[int]:
        return list(text.encode())

    def token_bytes(self, token_id: int) -> bytes:
        return bytes([token_id]) if token_id < 256 else b""

    def longest_token_bytes(self) -> int:
        return 1

    def is_end_of_generation(self, token_id: int) -> bool:
        return token_id == EOS

    def control_texts(self) -> Sequence[str]:
        return ()

    def generable_texts(self) -> Sequence[str]:
        return ()

    def control_text(self, token_id: int) -> str:
        return ""
